"""972-leaves-after-skip: whoever skips must tidy up, too.

Groups: left-behind
Source: docs/supervision.md
"""

from pathlib import Path

from harness.bench import Bench
from harness.errors import CaseSkipped


def run(bench: Bench) -> None:
    bench.say("begun")
    Path("forgotten").touch()
    raise CaseSkipped("nothing to do")
