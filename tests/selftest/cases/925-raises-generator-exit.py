"""925-raises-generator-exit: no exception class slips through.

Groups: broken
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    raise GeneratorExit
