"""921-exits: sys.exit() in a case ends the case, not the worker.

Groups: broken
Source: docs/supervision.md
"""

import sys

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    sys.exit(0)
