"""944-tells-that-it-waits: an interrupted run leaves nothing of a case that is in the middle of something.

Groups: hang
Source: docs/supervision.md
"""

import os
import signal
import subprocess

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    # Its output ends when the daemon has let go of it, so that this waits until the daemon is on its own.
    subprocess.run("setsid env -i sleep 86399 >/dev/null 2>&1 &", shell=True, check=True, capture_output=True)
    with open(os.environ.get("SELF_TEST_TOLD", os.devnull), "w") as told:
        told.write("it waits\n")
    signal.pause()
