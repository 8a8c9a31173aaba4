"""935-closes-everything: a case that closes every descriptor costs itself only.

Groups: broken
Source: docs/supervision.md
"""

import os

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    os.closerange(3, 4096)
