"""``mirrorcheck replay``: repeat a saved schedule, show it step by step, and write it as a trace."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.commands import Subparsers, options
from harness.errors import EXIT_NOT_CONFORMING, EXIT_PASSED, EXIT_UNDECIDED, UsageError


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
    import tempfile

    from harness.explore.replay import replay
    from harness.explore.schedule_file import read_schedule
    from harness.explore.trace_file import Timeline
    from harness.implementations import parse

    schedule = read_schedule(arguments.file)
    implementation = parse(arguments.impl or schedule.implementation)
    implementation.probe()
    timeline = Timeline()
    with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:
        outcome, follower = replay(
            lambda: implementation.open(Path(folder)),
            schedule.scenario,
            schedule.steps,
            coarse=schedule.coarse,
            observe=timeline.observe,
        )
    options.write_output("".join(f"{line}\n" for line in timeline.lines))
    options.write_output(f"{follower.summary()}\n")
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
    return EXIT_UNDECIDED if follower.difference else EXIT_PASSED
