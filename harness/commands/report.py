"""``mirrorcheck report``: write one HTML page about a stored run."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.commands import Subparsers, options
from harness.errors import EXIT_PASSED

#: The same as harness.report.page.DEFAULT_BYTES_MAX, which takes Jinja to know.
DEFAULT_BYTES_MAX = 5_000_000


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "report", help="write one HTML page about a stored run", description=__doc__, allow_abbrev=False
    )
    options.add_stored_run(parser)
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="the page (default: report.html in the run)")
    parser.add_argument(
        "--max-bytes",
        metavar="N",
        type=options.count,
        default=DEFAULT_BYTES_MAX,
        help=f"leave out what would make it larger (default: {DEFAULT_BYTES_MAX})",
    )
    options.add_suite(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Write the page and say where it is."""
    from harness import analysis, judge, run_coverage, stored_runs
    from harness.report import page, replace_file, visible

    run = stored_runs.read(stored_runs.find(arguments.run, arguments.results))
    suite = options.suite_of_run(arguments.suite, run.header.suite)
    case_ids = [case.id for case in suite.cases()]
    the_judge = judge.load(suite, case_ids)
    found = analysis.analyze(run, the_judge, case_ids)
    sources = {info.id: info.sources for info in run.header.cases}
    data = page.document(
        run,
        found.records,
        the_judge,
        coverage=stored_runs.read_coverage(run.path) or run_coverage.of_records(found.records, sources),
        mutants=stored_runs.read_mutants(run.path),
        bytes_max=arguments.max_bytes,
    )
    output = arguments.output if arguments.output is not None else run.path / "report.html"
    replace_file(str(output), data)
    options.write_output(visible(str(output)) + "\n")
    return EXIT_PASSED
