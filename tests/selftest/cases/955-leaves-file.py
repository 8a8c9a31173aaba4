"""955-leaves-file: a file in the scratch folder fails the case.

Groups: left-behind
Source: docs/supervision.md
"""

from pathlib import Path

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    Path("forgotten\n").touch()
