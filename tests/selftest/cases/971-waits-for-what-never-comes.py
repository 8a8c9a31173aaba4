"""971-waits-for-what-never-comes: the reference knows at once when nothing can happen any more.

Groups: fail
Needs: virtual-time
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    bench.wait_event("NEVER")
