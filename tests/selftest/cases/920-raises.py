"""920-raises: an exception from a case's own code is the case's fault.

Groups: broken
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    raise ValueError("two\nlines and \x1b[31m colour")
