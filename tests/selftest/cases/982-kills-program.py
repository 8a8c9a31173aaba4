"""982-kills-program: a real program that ends while an event is awaited is a crash at once, not a hang at the limit.

Groups: qemu
Source: docs/supervision.md
"""

import os
import signal

from harness import process_tree
from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    for found in process_tree.list_descendants(os.getpid()):
        os.kill(found.pid, signal.SIGKILL)
    bench.wait_event("NEVER")
