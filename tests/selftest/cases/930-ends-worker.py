"""930-ends-worker: os._exit() in a case costs this case only.

Groups: broken
Source: docs/supervision.md
"""

import os

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    os._exit(0)
