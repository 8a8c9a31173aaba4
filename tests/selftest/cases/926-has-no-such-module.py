"""926-has-no-such-module: a case that cannot be loaded is the case's fault.

Groups: broken
Source: docs/supervision.md
"""

import absent  # type: ignore[import-not-found]

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    absent.use()
