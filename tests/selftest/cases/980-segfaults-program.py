"""980-segfaults-program: a real program that dies is a crash of the implementation, with the signal named.

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
        os.kill(found.pid, signal.SIGSEGV)
    bench.query("query-version")
