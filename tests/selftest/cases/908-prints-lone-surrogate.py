"""908-prints-lone-surrogate: text that is no Unicode is shown in the transcript, escaped.

Groups: pass
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("half a pair \udcff")
