"""932-segfaults: a segmentation fault costs this case only, and shows where.

Groups: broken
Source: docs/supervision.md
"""

import os
import signal

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    os.kill(os.getpid(), signal.SIGSEGV)
