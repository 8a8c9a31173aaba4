"""952-forks: a case that forks and comes back twice fails.

Groups: left-behind
Source: docs/supervision.md
"""

import os

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    os.fork()
