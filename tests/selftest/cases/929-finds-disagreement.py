"""929-finds-disagreement: a check that fails is the implementation's fault.

Groups: fail
Source: docs/supervision.md
"""

from harness.bench import Bench
from harness.errors import Disagreement


def run(bench: Bench) -> None:
    bench.say("begun")
    raise Disagreement("sector 3 differs")
