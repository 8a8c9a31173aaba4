"""902-prints-strange-text: control characters are shown in the transcript, escaped; other scripts as they are.

Groups: pass
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("null \x00, escape \x1b[31m, bell \x07, return \r, tab \t, no-break \u00a0, right-to-left \u202e")
    bench.say("zw\u00f6lf \u96f6 \U0001f42b")
