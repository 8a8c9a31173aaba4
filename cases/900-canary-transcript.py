"""900-canary-transcript: what a case says arrives in its golden, line by line, and what is no text is shown escaped.

If this case fails, look at the harness before anything else.

Groups: self-test quick
Source: docs/supervision.md, docs/cases.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("one line")
    bench.note("a comment")
    bench.say("two lines\nin one go, the second with a space at its end ")
    bench.say("")
    bench.say("other scripts: zw\u00f6lf \u96f6 \U0001f42b")
    bench.say("control characters: null \x00, escape \x1b[31m, bell \x07, return \r, tab \t.")
    bench.say("half a surrogate pair: \ud83d.")
