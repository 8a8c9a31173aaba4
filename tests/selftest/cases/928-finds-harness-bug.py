"""928-finds-harness-bug: a contradiction of the harness is nobody's fault but ours.

Groups: broken
Source: docs/supervision.md
"""

from harness.bench import Bench
from harness.errors import HarnessBug


def run(bench: Bench) -> None:
    bench.say("begun")
    raise HarnessBug("two clocks disagree")
