"""970-crashes-reference: an exception out of the reference's own code is a crash of the reference.

Groups: fail
Needs: virtual-time
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    bench.session.machine.scheduler.post(lambda: 1 // 0)
    bench.settle()
