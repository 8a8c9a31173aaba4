"""``mirrorcheck coverage``: run cases and name what of a job's life they never show.

Transitions, verbs in states, events, and the rows of facts that the reference can test and no case stands for. Ends
with 1 when anything is missing, or a job took a way that there is not.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.cases import Case
from harness.commands import Subparsers, options
from harness.errors import EXIT_NOT_CONFORMING, EXIT_PASSED

OWN_ROWS = ("QA-", "QD-", "QV-", "QS-", "QQ-", "QE-")
"""The rows that are about jobs and QMP; others are counted but their absence is no fault of these cases."""


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "coverage", help="name what of a job's life no case shows", description=__doc__, allow_abbrev=False
    )
    options.add_selection(parser)
    parser.add_argument(
        "--impl", metavar="SPEC", default=options.DEFAULT_IMPLEMENTATION, help="the implementation to run"
    )
    parser.add_argument("--errors", action="store_true", help="also list all error texts that were seen")
    parser.add_argument("--hidden", action="store_true", help="also list what cannot be seen, and why")
    options.add_suite(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Run, and list what is missing."""
    from harness import coverage, rows
    from harness.suite import Suite

    suite = Suite.find(arguments.suite)
    every_case, cases = options.selected(suite, arguments)
    seen = coverage.of_transcripts(_transcripts(cases, arguments.impl))
    problems = [f"unseen: {line}" for line in seen.unseen()]
    problems += [f"there is no such: {line}" for line in seen.unlawful()]
    table = rows.load()
    named = rows.naming(every_case, table)
    problems += [
        f"no case for row {row.id}: {row.meaning}"
        for row in table.values()
        if row.where == "R" and row.id.startswith(OWN_ROWS) and row.id not in named
    ]
    lines = list(problems)
    if arguments.hidden:
        lines += [f"hidden: state {state}: {reason}" for state, reason in coverage.HIDDEN_STATES.items()]
        hidden = coverage.HIDDEN_TRANSITIONS.items()
        lines += [f"hidden: transition {before} -> {after}: {reason}" for (before, after), reason in hidden]
    if arguments.errors:
        lines += [f"error: {text}" for text in sorted(seen.errors)]
    covered = sum(row_id in named for row_id in table)
    counts = (
        f"{len(seen.transitions)} transitions, {len(seen.cells)} cells of verbs, {len(seen.events)} events, "
        f"{len(seen.errors)} error texts, {covered} of {len(table)} rows"
    )
    lines.append(f"{len(cases)} cases on {arguments.impl}: {counts}; {len(problems) or 'nothing'} missing")
    options.write_output("".join(f"{line}\n" for line in lines))
    return EXIT_NOT_CONFORMING if problems else EXIT_PASSED


def _transcripts(cases: Sequence[Case], spec: str) -> Iterator[str]:
    """Run the cases in this process, one after the other; a case that does not get to its end shows what it showed."""
    import tempfile

    from harness import implementations
    from harness.case_run import run_case
    from harness.errors import MirrorcheckError
    from harness.transcript import Transcript

    implementation = implementations.parse(spec)
    for case in cases:
        transcript = Transcript()
        with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder, contextlib.suppress(MirrorcheckError):
            run_case(case, implementation, transcript, Path(folder))
        yield transcript.text()
