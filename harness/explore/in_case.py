"""Exploring within a numbered case: the summary is the transcript, and a failure ends the case."""

from __future__ import annotations

from harness.bench import Bench
from harness.errors import CaseError, Disagreement, ImplementationCrash
from harness.explore.explorer import check_determinism, explore
from harness.explore.failure import FailureKind
from harness.explore.occurrences import Recorder
from harness.explore.replay import Replay, replay
from harness.explore.report import Budget
from harness.explore.runner import run_schedule
from harness.explore.scenarios import SCENARIOS
from harness.explore.schedule_file import parse_schedule
from harness.explore.strategies import Bounded, Uniform
from harness.explore.trace_file import Timeline
from harness.explore.versus import repeat
from harness.implementations import parse
from harness.implementations.stepping import Stepping
from harness.units import format_bytes

DETERMINISM_SEED = 1


def explore_in_case(bench: Bench, name: str, preemptions: int, schedules: int | None = None) -> None:
    """Run a scenario under all schedules with so many preemptions, and print how many there were and what came of them.

    :param schedules: stop after so many.
    :raise Disagreement: at the first schedule that fails, naming it.
    """
    scenario = SCENARIOS[name]
    stepping = _stepping(bench)
    bench.say(f"{name}: {scenario.claim}")
    mismatch = check_determinism(stepping.fresh, scenario, Uniform(DETERMINISM_SEED))
    if mismatch is not None:
        raise Disagreement(str(mismatch))
    bench.say("the same schedule twice: the same choices at every step")
    report = explore(stepping.fresh, scenario, Bounded(preemptions), Budget(schedules=schedules))
    for line in report.lines():
        bench.say(line)
    for ends, count in sorted(_ends(report.outcomes).items()):
        bench.say(f"ends: {ends} ({count} outcomes)")
    for finding in report.findings:
        for step in finding.steps:
            bench.say(f"  {step}")
        raise Disagreement(str(finding.failure))


def _ends(outcomes: dict[tuple[object, ...], int]) -> dict[str, int]:
    """How many outcomes there are for each way in which the jobs ended."""
    ends: dict[str, int] = {}
    for events, _, _ in outcomes:
        assert isinstance(events, tuple)
        last = [event for event in events if event.startswith(("BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED"))]
        text = ", ".join(sorted(last))
        ends[text] = ends.get(text, 0) + 1
    return ends


def replay_in_case(bench: Bench, text: str) -> None:
    """Repeat a schedule and print its timeline.

    :raise Disagreement: when it fails, or cannot be followed.
    """
    schedule = parse_schedule(text, "the case's schedule")
    timeline = Timeline()
    run, follower = replay(
        _stepping(bench).fresh, schedule.scenario, schedule.steps, coarse=schedule.coarse, observe=timeline.observe
    )
    for line in timeline.lines:
        bench.say(line)
    if run.failure is not None:
        raise Disagreement(str(run.failure))
    if schedule.failure:
        # A schedule that failed elsewhere need not fit to its end where the bug is not.
        bench.say("nothing is wrong with it")
    elif follower.difference:
        raise Disagreement(follower.summary())


def repeat_in_case(bench: Bench, text: str) -> None:
    """Repeat a schedule that a real program can follow, and print it with what came of it.

    :raise ImplementationCrash: when the implementation ends.
    :raise Disagreement: when it fails in another way, or goes another way than the reference, and not lawfully so.
    """
    schedule = parse_schedule(text, "the case's schedule")
    scenario = schedule.scenario
    reference = parse("reference")
    recorder = Recorder(Replay(schedule.steps).choose)
    expected = run_schedule(lambda: reference.open(bench.folder), scenario, recorder.choose, coarse=True)
    assert bench.implementation is not None
    implementation = bench.implementation
    repeated = repeat(lambda: implementation.open(bench.folder), scenario, recorder.script, expected.outcome)
    if repeated.failure is not None and repeated.failure.kind is FailureKind.CRASH:
        raise ImplementationCrash(repeated.failure.text, "\n".join(repeated.failure.waits))
    failure = expected.failure or repeated.failure
    if failure is not None:
        raise Disagreement(str(failure))
    bench.say(f"{scenario.name}: {scenario.claim}")
    for step in recorder.script:
        bench.say(f"  {step.label}")
    assert expected.outcome is not None
    events, answers, contents = expected.outcome
    for event in events:
        bench.say(f"event {event}")
    for name, answer in answers:
        bench.say(f"answer to {name}: {answer}")
    for name, runs in contents:
        bench.say(f"disk {name}: {', '.join(f'{format_bytes(length)} of 0x{value:02x}' for length, value in runs)}")


def _stepping(bench: Bench) -> Stepping:
    stepping: Stepping | None = getattr(bench.session, "stepping", None)
    if stepping is None:
        raise CaseError("only an implementation with the feature 'decisions' can be explored in a case")
    return stepping
