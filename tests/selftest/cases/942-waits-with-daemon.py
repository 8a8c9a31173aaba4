"""942-waits-with-daemon: what a hanging case started is ended with it.

Groups: hang
Source: docs/supervision.md
"""

import signal
import subprocess

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    # Its output ends when the daemon has let go of it, so that this waits until the daemon is on its own.
    subprocess.run("setsid env -i sleep 86399 >/dev/null 2>&1 &", shell=True, check=True, capture_output=True)
    signal.pause()
