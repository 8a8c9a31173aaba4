"""909-sees-nothing-of-others: folder, environment and umask are those of a fresh worker, whatever ran before.

Groups: pass
Source: docs/supervision.md
"""

import os

from harness import process_tree
from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say(f"files: {os.listdir()}")
    bench.say(f"SELF_TEST_POISON: {os.environ.get('SELF_TEST_POISON')}")
    bench.say(f"children: {process_tree.has_children()}")
    os.environ["SELF_TEST_POISON"] = "left by an earlier run"
    os.chdir("/")
