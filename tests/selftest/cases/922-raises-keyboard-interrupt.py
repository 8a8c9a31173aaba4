"""922-raises-keyboard-interrupt: a KeyboardInterrupt that a case raises is no Ctrl-C.

Groups: broken
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    raise KeyboardInterrupt
