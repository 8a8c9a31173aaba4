"""973-leaves-after-failure: a case that fails and leaves something has failed, and the detail names what it left.

Groups: fail
Source: docs/supervision.md
"""

from pathlib import Path

from harness.bench import Bench
from harness.errors import Disagreement


def run(bench: Bench) -> None:
    bench.say("begun")
    Path("forgotten").touch()
    raise Disagreement("sector 3 differs")
