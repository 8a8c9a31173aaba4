"""941-stops-worker: a stopped worker is ended at the limit.

Groups: hang
Source: docs/supervision.md
"""

import os
import signal

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    os.kill(os.getpid(), signal.SIGSTOP)
