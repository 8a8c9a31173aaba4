"""``mirrorcheck compare``: compare implementations, stored runs and goldens with each other."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from harness.commands import Subparsers, options
from harness.errors import EXIT_NOT_CONFORMING, EXIT_PASSED, EXIT_UNAVAILABLE, Undecided, UsageError
from harness.report import visible

if TYPE_CHECKING:
    from harness.comparison import Column, Comparison, Difference, Row
    from harness.judge import Judge
    from harness.stored_runs import CaseInfo, StoredRun
    from harness.suite import Suite

#: Where there is no terminal there is no width; then lines are as long as they need to be for two transcripts.
_PLAIN_WIDTH = 180


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "compare", help="compare implementations, stored runs and goldens", description=__doc__, allow_abbrev=False
    )
    parser.add_argument(
        "columns",
        metavar="A",
        nargs="+",
        help="an implementation (it is run), a stored run (each implementation in it), or 'golden'; two or more",
    )
    parser.add_argument(
        "--cases", metavar="CASES", action="append", default=[], help=f"only these: {options.CASES_HELP}; repeatable"
    )
    parser.add_argument("-g", "--group", metavar="GROUP", action="append", default=[], help="only cases in this group")
    parser.add_argument("-x", "--exclude-group", metavar="GROUP", action="append", default=[], help="none in this one")
    parser.add_argument(
        "--feature", metavar="FEATURE", action="append", default=[], help="only cases that need this feature"
    )
    parser.add_argument("--only-differences", action="store_true", help="leave out the line about the equal cases")
    parser.add_argument("--full", action="store_true", help="show the transcripts whole, not only around differences")
    parser.add_argument("--no-transcripts", action="store_true", help="show the matrix only")
    parser.add_argument("--json", action="store_true", help="one JSON object with everything")
    parser.add_argument("-j", "--jobs", metavar="N", type=options.case_count, default="auto", help="as in run")
    parser.add_argument(
        "--timeout", metavar="S", type=options.seconds, default=options.DEFAULT_LIMIT_S, help="as in run"
    )
    options.add_results_home(parser)
    options.add_suite(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Compare; 1 when a difference is unexplained, 125 when something that was to be run could not be started."""
    from harness import comparison, judge
    from harness.records import Verdict
    from harness.suite import Suite

    runs, suite_root = _stored(arguments)
    suite = options.suite_of_run(arguments.suite, suite_root) if suite_root else Suite.find(arguments.suite)
    every_case = suite.cases()
    infos = _case_infos(arguments, suite, runs)
    the_judge = judge.load(suite, [case.id for case in every_case])
    columns = _columns(arguments, suite, runs, {info.id for info in infos}, the_judge)
    if len(columns) < 2:
        raise UsageError(f"there is only '{columns[0].name}' to compare; give two or more")
    case_ids = comparison.selected_cases(
        infos, groups=arguments.group, excluded_groups=arguments.exclude_group, features=arguments.feature
    )
    if not case_ids:
        raise Undecided("no case is selected")
    found = comparison.compare(columns, case_ids, suite.goldens, the_judge.deviations)
    if arguments.json:
        options.write_output(_json(found))
    else:
        _show(found, arguments)
    if found.unexplained:
        return EXIT_NOT_CONFORMING
    verdicts = [record.verdict for column in columns for record in column.records.values()]
    return EXIT_UNAVAILABLE if Verdict.UNAVAILABLE in verdicts else EXIT_PASSED


def _is_implementation(text: str) -> bool:
    from harness import implementations

    return text.partition(":")[0] in {kind.name for kind in implementations.kinds()}


def _stored(arguments: argparse.Namespace) -> tuple[dict[str, StoredRun], str]:
    """Return the stored runs among the columns, and the suite of the first."""
    from harness import comparison, stored_runs

    runs: dict[str, StoredRun] = {}
    for text in arguments.columns:
        if text != comparison.GOLDEN and not _is_implementation(text) and text not in runs:
            try:
                runs[text] = stored_runs.read(stored_runs.find(text, arguments.results))
            except UsageError as error:
                if not str(error).startswith("there is no run"):
                    raise
                raise UsageError(f"{error}, and it is no implementation (see 'mirrorcheck doctor')") from error
    return runs, next((run.header.suite for run in runs.values()), "")


def _case_infos(arguments: argparse.Namespace, suite: Suite, runs: dict[str, StoredRun]) -> list[CaseInfo]:
    """Return what is known of the cases that were asked for, from the suite and, of those that it lacks, the runs."""
    from harness.cases import select
    from harness.stored_runs import CaseInfo

    chosen = select(suite.cases(), arguments.cases)
    infos = {
        case.id: CaseInfo(id=case.id, claim=case.claim, groups=list(case.groups), needs=list(case.needs))
        for case in chosen
    }
    if not arguments.cases:
        for run in runs.values():
            for info in run.header.cases:
                infos.setdefault(info.id, info)
    return [infos[case_id] for case_id in sorted(infos)]


def _columns(
    arguments: argparse.Namespace,
    suite: Suite,
    runs: dict[str, StoredRun],
    wanted: set[str],
    the_judge: Judge,
) -> list[Column]:
    from harness import comparison
    from harness.comparison import Column

    columns: list[Column] = []
    specs = [text for text in arguments.columns if text != comparison.GOLDEN and _is_implementation(text)]
    fresh = _run(arguments, suite, specs, wanted) if specs else {}
    for text in arguments.columns:
        if text == comparison.GOLDEN:
            columns.append(Column(name=text, is_golden=True))
        elif text in fresh:
            columns.append(fresh[text])
        else:
            columns += _columns_of_run(text, runs[text], the_judge)
    names = [column.name for column in columns]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"'{name}' is given twice")
    return columns


def _columns_of_run(text: str, run: StoredRun, judge: Judge) -> list[Column]:
    """Return a column for each implementation of a stored run, by today's goldens and deviations."""
    from harness import analysis
    from harness.comparison import Column

    judged = analysis.analyze(run, judge, []).records
    implementations = run.header.implementations
    found = []
    for implementation in implementations:
        records = {record.case: record for record in judged if record.implementation == implementation}
        version = next((record.run.version for record in records.values() if record.run.version), "")
        name = text if len(implementations) == 1 else f"{text} {implementation}"
        found.append(Column(name=name, records=records, version=version))
    return found


def _run(arguments: argparse.Namespace, suite: Suite, specs: Sequence[str], wanted: set[str]) -> dict[str, Column]:
    """Run the implementations, and return their columns by spec."""
    from harness.cases import select
    from harness.comparison import Column
    from harness.report.terminal import TerminalReporter
    from harness.whole_run import Plan, WholeRun

    every_case = suite.cases()
    cases = [
        case
        for case in select(every_case, groups=arguments.group, excluded_groups=arguments.exclude_group)
        if case.id in wanted and set(arguments.feature) <= set(case.needs)
    ]
    if not cases:
        raise Undecided("no case is selected")
    plan = Plan(
        suite=suite,
        every_case=every_case,
        cases=cases,
        specs=list(specs),
        jobs=arguments.jobs,
        limit_s=arguments.timeout,
        results=arguments.results,
        command=arguments.command_line,
    )
    whole = WholeRun(plan)
    # The matrix says it all; only the progress is worth showing, and where nothing moves not even that.
    terminal = TerminalReporter(sys.stderr, stream_name="standard error", only_progress=True)
    terminal.expect(whole.tasks, whole.durations_s, plan.jobs)
    try:
        stored = whole.run([terminal])
    finally:
        terminal.close()
    if whole.outcome.interrupted:
        raise Undecided("interrupted")
    found = {}
    for spec, name in zip(specs, dict.fromkeys(task.implementation for task in whole.tasks), strict=True):
        records = {record.case: record for record in stored.records if record.implementation == name}
        version = next((record.run.version for record in records.values() if record.run.version), "")
        found[spec] = Column(name=spec, records=records, version=version)
    return found


# Showing


def _show(found: Comparison, arguments: argparse.Namespace) -> None:
    if sys.stdout.isatty():
        _print_table(found)
    else:
        options.write_output("".join(f"{line}\n" for line in _matrix(found)))
    if not arguments.no_transcripts:
        width = shutil.get_terminal_size((_PLAIN_WIDTH, 24)).columns if sys.stdout.isatty() else _PLAIN_WIDTH
        for row in found.differing:
            for difference in row.differences:
                options.write_output("".join(f"{line}\n" for line in _picture(row, difference, width, arguments.full)))
    options.write_output(_last_lines(found, is_short=arguments.only_differences))


def _matrix(found: Comparison) -> list[str]:
    """Return the table of the cases that differ: the outcome and the letter of each column."""
    lines = [
        visible(f"{index}: {column.name}" + (f" ({column.version})" if column.version else ""))
        for index, column in enumerate(found.columns, 1)
    ]
    if not found.differing:
        return lines
    table = [["case", *[str(index) for index in range(1, len(found.columns) + 1)], ""]]
    for row in found.differing:
        cells = [row.cells[column.name] for column in found.columns]
        words = [f"{cell.letter} {cell.outcome}".strip() for cell in cells]
        table.append([row.case, *words, "explained" if row.is_explained else "unexplained"])
    widths = [max(len(line[index]) for line in table) for index in range(len(table[0]))]
    lines.append("")
    padded = [[word.ljust(width) for word, width in zip(line, widths, strict=True)] for line in table]
    return lines + [visible("  ".join(line).rstrip()) for line in padded]


_STYLES = {"pass": "green", "known": "yellow", "skip": "cyan", "expected": "", "-": "dim"}


def _print_table(found: Comparison) -> None:
    """Print the same as a table for a terminal; NO_COLOR is respected."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)

    def styled(text: str, style: str) -> Text:
        return Text(visible(text), "" if console.no_color else style)

    table = Table(box=None, header_style="" if console.no_color else "bold", pad_edge=False)
    table.add_column("case", no_wrap=True)
    for index, column in enumerate(found.columns, 1):
        table.add_column(Text(visible(f"{index}: {column.name}")), overflow="fold")
    table.add_column("")
    for row in found.differing:
        cells = [row.cells[column.name] for column in found.columns]
        words = [styled(f"{cell.letter} {cell.outcome}", _STYLES.get(cell.outcome, "bold red")) for cell in cells]
        reason = styled("explained", "") if row.is_explained else styled("unexplained", "bold red")
        table.add_row(Text(visible(row.case)), *words, reason)
    console.print(table)


def _picture(row: Row, difference: Difference, width: int, is_full: bool) -> list[str]:
    from harness.side_by_side import text

    left, right = row.cells[difference.left], row.cells[difference.right]
    where = "end differently" if difference.step is None else f"differ at step {difference.step}"
    lines = ["", f"{row.case}: {difference.left} ({left.letter}) and {difference.right} ({right.letter}) {where}"]
    lines.append(f"  {difference.explanation or 'unexplained'}")
    lines += [
        f"  {cell.letter} ended with {cell.record.run.status}: {cell.record.run.reason}"
        for cell in (left, right)
        if cell.record is not None and cell.record.run.reason
    ]
    assert left.transcript is not None
    assert right.transcript is not None
    lines = [visible(line) for line in lines]
    return lines + text(left.transcript, right.transcript, width=width, context_count=None if is_full else 3)


def _last_lines(found: Comparison, *, is_short: bool) -> str:
    equal = [row.case for row in found.rows if not row.differences]
    lines = []
    if equal and not is_short:
        lines.append(f"equal: {' '.join(equal)}")
    explained_count = len(found.differing) - len(found.unexplained)
    lines.append(
        f"{len(equal)} equal, {len(found.differing)} different: {explained_count} explained, "
        f"{len(found.unexplained)} unexplained"
    )
    return "\n" + "".join(f"{visible(line)}\n" for line in lines)


def _json(found: Comparison) -> str:
    document = {
        "columns": [{"name": column.name, "version": column.version} for column in found.columns],
        "rows": [
            {
                "case": row.case,
                "cells": {name: {"outcome": cell.outcome, "letter": cell.letter} for name, cell in row.cells.items()},
                "differences": row.differences,
            }
            for row in found.rows
        ],
        "equal": len(found.rows) - len(found.differing),
        "unexplained": len(found.unexplained),
    }
    return msgspec.json.format(msgspec.json.encode(document)).decode() + "\n"
