"""954-leaves-descriptor: a descriptor that is not closed fails the case.

Groups: left-behind
Source: docs/supervision.md
"""

import os

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    os.open("/dev/null", os.O_RDONLY)
