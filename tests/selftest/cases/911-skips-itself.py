"""911-skips-itself: a case may find out by itself that it cannot run.

Groups: skip
Source: docs/supervision.md
"""

from harness.bench import Bench
from harness.errors import CaseSkipped


def run(bench: Bench) -> None:
    bench.say("begun")
    raise CaseSkipped("the moon is not full")
