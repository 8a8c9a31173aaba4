"""What exploring costs, beside a bare loop that only resumes coroutines.

A *step* is what the two have in common: a coroutine is resumed and runs to its next wait. The bare loop does nothing
else; the explorer's coroutines are those of the reference, and around each resumption it has the model's own work, held
storage, the list of decisions and all checks. They are counted in the scheduler, in a run of their own whose time does
not count; all times are those of the processor, so that others who use it matter less. The figure to keep is one eighth
of the bare loop's steps a second for three writers over four granules.

- *every step run*: as if each schedule were the first.
- *states recalled*: what `mirrorcheck explore` does. Each schedule is gone through decision by decision and counted,
  but no step is taken twice from the same state (docs/exploration.md); so the steps are those of all schedules, and the
  share that was really taken is said beside it. It grows with the bound, since states meet more often.
- *drawn by Hypothesis*, *asyncio*: what one would otherwise use: the same scenario with choices drawn by Hypothesis,
  and the bare loop by asyncio.

Then all schedules with at most two preemptions of every 7xx scenario, on one core: the figure is 60 s for each; and
the cases 7xx as CI runs them, with two workers: less than 5 minutes.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as drawn

from harness.explore.classes import class_of
from harness.explore.decision import Decision
from harness.explore.explorer import explore
from harness.explore.report import Budget, Report
from harness.explore.runner import run_schedule
from harness.explore.scenario import Scenario
from harness.explore.scenarios import NUMBERS, SCENARIOS
from harness.explore.strategies import Bounded
from harness.explore.world import World
from harness.implementations import Session, parse
from reference_impl.scheduler import Scheduler

TASKS = 100
RESUMPTIONS = 2_000_000
ROUNDS = 3
PREEMPTIONS_RUN = 2
PREEMPTIONS_RECALLED = (2, 3, 4, 5)
DRAWN_SCHEDULES = 2000
CHOICES_BYTES = 64
ONE_SCENARIO = Budget(seconds=60)

_REFERENCE = parse("reference")


def opener() -> Session:
    """A fresh reference."""
    return _REFERENCE.open(Path())


def bare_loop_per_s() -> float:
    """Resumptions a second of coroutines that wait as the reference's do, by a loop that does nothing else."""
    suspend = Scheduler().suspend

    async def waits() -> None:
        while True:
            await suspend("its turn")

    best_s = float("inf")
    for _ in range(ROUNDS):
        coroutines = [waits() for _ in range(TASKS)]
        start_s = time.process_time()
        for _ in range(RESUMPTIONS // TASKS):
            for coroutine in coroutines:
                coroutine.send(None)
        best_s = min(best_s, time.process_time() - start_s)
        for coroutine in coroutines:
            coroutine.close()
    return RESUMPTIONS / best_s


def asyncio_per_s() -> float:
    """The same by asyncio's loop."""
    turns = RESUMPTIONS // TASKS // 10

    async def waits() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

    async def everybody() -> None:
        await asyncio.gather(*(waits() for _ in range(TASKS)))

    start_s = time.process_time()
    asyncio.run(everybody())
    return turns * TASKS / (time.process_time() - start_s)


def resumptions_per_decision(scenario: Scenario) -> float:
    """How many steps a decision has, counted in the scheduler while all schedules with two preemptions are run."""
    count = 0
    resume = Scheduler._run

    def counted(self: Scheduler, task: Any, value: Any) -> None:
        nonlocal count
        count += 1
        resume(self, task, value)

    with mock.patch.object(Scheduler, "_run", counted):
        report = explore(opener, scenario, Bounded(PREEMPTIONS_RUN), recalls=False)
    return count / report.steps


def timed(run: Callable[[], Report]) -> tuple[Report, float]:
    """What a function gives, and how long it takes in seconds of one core."""
    start_s = time.process_time()
    report = run()
    return report, time.process_time() - start_s


def tell_speeds(scenario: Scenario, bare_per_s: float) -> None:
    """Print what all schedules with so many preemptions cost, run and recalled."""
    per_decision = resumptions_per_decision(scenario)
    print(f"a decision has {per_decision:.2f} steps, with at most {PREEMPTIONS_RUN} preemptions")
    for preemptions, recalls in ((PREEMPTIONS_RUN, False), *((bound, True) for bound in PREEMPTIONS_RECALLED)):
        report, seconds = timed(
            lambda preemptions=preemptions, recalls=recalls: explore(
                opener, scenario, Bounded(preemptions), recalls=recalls
            )
        )
        per_s = per_decision * report.steps / seconds
        run_percent = 100 * report.steps_run / report.steps
        print(
            f"{'states recalled' if recalls else 'every step run'}, at most {preemptions} preemptions: "
            f"{per_s:.0f} steps/s, 1/{bare_per_s / per_s:.1f} of the bare loop; "
            f"{report.steps / seconds:.0f} decisions/s, {report.schedules / seconds:.0f} schedules/s "
            f"({report.schedules} schedules of {report.steps} decisions in {seconds:.1f} s, of which "
            f"{run_percent:.0f} % were run)"
        )


def tell_drawn(scenario: Scenario) -> None:
    """Print what Hypothesis makes of the same scenario."""
    outcomes, classes, schedules, decisions = set(), set(), 0, 0

    @settings(
        max_examples=DRAWN_SCHEDULES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn.binary(min_size=CHOICES_BYTES, max_size=CHOICES_BYTES))
    def run(choices: bytes) -> None:
        nonlocal schedules, decisions
        taken = iter(choices)

        def choose(world: World, offered: list[Decision]) -> int:
            return next(taken, 0) % len(offered)

        done = run_schedule(opener, scenario, choose)
        schedules += 1
        decisions += len(done.trace)
        outcomes.add(done.outcome)
        classes.add(class_of(done.trace))

    start_s = time.process_time()
    run()
    seconds = time.process_time() - start_s
    print(
        f"drawn by Hypothesis: {decisions / seconds:.0f} decisions/s, {schedules / seconds:.0f} schedules/s; "
        f"{schedules} schedules had {len(classes)} classes and {len(outcomes)} outcomes"
    )


def tell_scenarios() -> None:
    """Print how long each scenario of the 7xx takes."""
    most_s = total_s = 0.0
    for scenario in SCENARIOS.values():
        if NUMBERS[scenario.name] >= 800:
            continue
        report, seconds = timed(lambda scenario=scenario: explore(opener, scenario, Bounded(2), ONE_SCENARIO))
        most_s, total_s = max(most_s, seconds), total_s + seconds
        print(
            f"{NUMBERS[scenario.name]} {scenario.name:22} {report.schedules:7} schedules {report.steps:9} decisions "
            f"{100 * report.steps_run / report.steps:3.0f} % run {report.states:6} states {seconds:7.2f} s"
            + (f", and at least {report.left} schedules are left" if report.left else "")
        )
    print(f"7xx, at most 2 preemptions, one core: at most {most_s:.1f} s for one, {total_s:.1f} s for all")


def tell_cases() -> None:
    """Print how long the cases take as CI runs them."""
    command = [sys.executable, "-m", "harness.cli", "run", "--quiet", "-j", "2", "7xx"]
    start_s = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    print(f"7xx, cases with two workers: {time.perf_counter() - start_s:.1f} s")


def main() -> int:
    """Print the figures."""
    scenario = SCENARIOS["three-writers"]
    bare_per_s = bare_loop_per_s()
    print(f"bare loop: {bare_per_s:.0f} steps/s; by asyncio: {asyncio_per_s():.0f} steps/s")
    print(f"{scenario.name}: {scenario.claim}, all checks on")
    tell_speeds(scenario, bare_per_s)
    tell_drawn(scenario)
    tell_scenarios()
    tell_cases()
    return 0


if __name__ == "__main__":
    sys.exit(main())
