"""957-leaves-folder: folders and what is in them fail the case.

Groups: left-behind
Source: docs/supervision.md
"""

from pathlib import Path

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    Path("outer/inner").mkdir(parents=True)
