"""950-leaves-process: a child that is not waited for fails the case.

Groups: left-behind
Source: docs/supervision.md
"""

import subprocess

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    subprocess.Popen(["sleep", "86399"])
