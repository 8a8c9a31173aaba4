"""``mirrorcheck replay``: repeat a saved schedule, show it step by step, and write it as a trace."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands import Subparsers, options
from harness.errors import EXIT_NOT_CONFORMING, EXIT_PASSED, EXIT_UNDECIDED, UsageError

if TYPE_CHECKING:
    from harness.explore.runner import Opener, Run
    from harness.explore.schedule_file import Schedule
    from harness.explore.trace_file import Timeline


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "replay", help="repeat a saved schedule", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="a schedule that 'mirrorcheck explore --save' wrote")
    parser.add_argument("--impl", metavar="SPEC", help="what to repeat it on (default: what the file names)")
    parser.add_argument("--trace", metavar="OUT", type=Path, help="write a Chrome trace there (Perfetto opens it)")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Repeat it; 1 when it fails, 2 when the implementation goes another way, 0 otherwise."""
    from harness.explore.schedule_file import read_schedule
    from harness.explore.trace_file import Timeline
    from harness.implementations import parse

    schedule = read_schedule(arguments.file)
    implementation = parse(arguments.impl or schedule.implementation)
    is_model = "decisions" in implementation.probe().features
    timeline = Timeline()
    with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:
        repeat = _repeat_on_model if is_model else _repeat_on_program
        outcome, summary, has_difference = repeat(schedule, lambda: implementation.open(Path(folder)), timeline)
    options.write_output("".join(f"{line}\n" for line in timeline.lines))
    options.write_output(f"{summary}\n")
    if arguments.trace is not None:
        try:
            arguments.trace.write_text(timeline.chrome_trace(), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write {arguments.trace}: {error.strerror}") from error
    if outcome.failure is not None:
        options.write_output(f"{outcome.failure}\n")
        options.write_output("".join(f"    {line}\n" for line in outcome.failure.waits))
        return EXIT_NOT_CONFORMING
    options.write_output("nothing is wrong with it\n")
    return EXIT_UNDECIDED if has_difference else EXIT_PASSED


def _repeat_on_model(schedule: Schedule, opener: Opener, timeline: Timeline) -> tuple[Run, str, bool]:
    from harness.explore.replay import replay

    outcome, follower = replay(
        opener, schedule.scenario, schedule.steps, coarse=schedule.coarse, observe=timeline.observe
    )
    return outcome, follower.summary(), bool(follower.difference)


def _repeat_on_program(schedule: Schedule, opener: Opener, timeline: Timeline) -> tuple[Run, str, bool]:
    """Only the reference knows which request of which guest a step is about; it goes first."""
    from harness.explore import versus
    from harness.explore.failure import Failure, FailureKind
    from harness.explore.following import follow
    from harness.explore.occurrences import Recorder, script_from_labels
    from harness.explore.replay import Replay
    from harness.explore.runner import run_schedule
    from harness.implementations import parse

    if not schedule.scenario.is_real:
        raise UsageError(f"scenario '{schedule.scenario.name}' asks for what only a model can do")
    reference = parse("reference")
    follower = Replay(schedule.steps)
    recorder = Recorder(follower.choose)
    expected = run_schedule(lambda: reference.open(Path()), schedule.scenario, recorder.choose, coarse=schedule.coarse)
    is_followed = not follower.difference and not follower.rest() and expected.failure is None
    script = recorder.script if is_followed else script_from_labels(schedule.steps)
    outcome, other = follow(opener, schedule.scenario, script, observe=timeline.observe)
    if outcome.failure is None and is_followed and not other.difference and not other.was_blocked:
        found = versus.difference(expected.outcome, outcome.outcome, versus.without_pauses)
        if found:
            outcome.failure = Failure(FailureKind.OUTCOME_DIFFERS, found)
    return outcome, other.summary(), bool(other.difference)
