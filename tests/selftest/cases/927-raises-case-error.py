"""927-raises-case-error: misuse of the bench is the case's fault.

Groups: broken
Source: docs/supervision.md
"""

from harness.bench import Bench
from harness.errors import CaseError


def run(bench: Bench) -> None:
    bench.say("begun")
    raise CaseError("granularity 4095 is not a power of two")
