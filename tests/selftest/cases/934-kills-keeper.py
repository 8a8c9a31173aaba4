"""934-kills-keeper: even a killed keeper costs this case only.

Groups: broken
Source: docs/supervision.md
"""

import os
import signal

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    os.kill(os.getppid(), signal.SIGKILL)
    signal.pause()
