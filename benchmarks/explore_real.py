"""How many schedules a second a real program repeats, and how long the cases about jobs take on it.

Run it as ``python -m benchmarks explore_real``; ``python -m benchmarks.explore_real SPEC`` for another program than the
installed ``qemu-storage-daemon``. Schedules are chosen on the reference and repeated on the program, a fresh one for
each, by one and by two workers. The figure to keep is 20 schedules a second with two.
"""

from __future__ import annotations

import sys
from pathlib import Path

from harness.errors import ImplementationUnavailable
from harness.explore.report import Budget, Report
from harness.explore.scenarios import SCENARIOS
from harness.explore.strategies import Pct, Uniform
from harness.explore.versus import compare
from harness.explore.workers import Workers
from harness.implementations import parse

SEED = 2018
SCHEDULES = 100
NAMES = ("one-writer", "overlapping-writers", "pause", "write-error-ignored", "small-buffer", "three-writers")


def measure(workers: Workers, name: str, strategy: Uniform | Pct) -> Report:
    """Repeat so many schedules of a scenario."""
    reference = parse("reference")
    return compare(lambda: reference.open(Path()), workers, SCENARIOS[name], strategy, Budget(schedules=SCHEDULES))


def main(spec: str = "qemu-storage-daemon") -> int:
    """Print the figures.

    :return: 125 when the program cannot be started.
    """
    try:
        print(f"{spec} {parse(spec).probe().version}, seed {SEED}, {SCHEDULES} schedules each")
    except ImplementationUnavailable as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 125
    for jobs in (1, 2):
        schedules, steps, seconds = 0, 0, 0.0
        with Workers(spec, jobs) as workers:
            for name in NAMES:
                for strategy in (Uniform(SEED), Pct(3, SEED)):
                    report = measure(workers, name, strategy)
                    schedules += report.schedules
                    steps += report.steps
                    seconds += report.seconds
                    rate = report.schedules / report.seconds
                    findings = f", {len(report.findings)} findings" if report.findings else ""
                    print(f"  {jobs} workers  {name:22} {strategy.name:24} {rate:7.1f} schedules a second{findings}")
        print(f"  {jobs} workers  all {schedules / seconds:56.1f} schedules a second, {steps / seconds:.0f} steps")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
