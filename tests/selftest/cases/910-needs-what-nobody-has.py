"""910-needs-what-nobody-has: a case that needs a missing feature is skipped and says which.

Groups: skip
Needs: feature-that-nobody-has
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("never printed")
