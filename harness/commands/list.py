"""``mirrorcheck list``: say which cases there are, or check the suite without running anything."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import msgspec

from harness.cases import Case
from harness.commands import Subparsers, options
from harness.errors import EXIT_NOT_CONFORMING, EXIT_PASSED
from harness.suite import Suite


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "list", help="list cases, or check the suite", description=__doc__, allow_abbrev=False
    )
    options.add_selection(parser)
    options.add_suite(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--long", action="store_true", help="also needs, sources and the text")
    form.add_argument("--json", action="store_true", help="one JSON array with everything")
    form.add_argument("--check", action="store_true", help="check all headers, goldens and deviations; list nothing")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """List or check."""
    suite = Suite.find(arguments.suite)
    every_case, cases = options.selected(suite, arguments)
    if arguments.check:
        return _check(suite, [case.id for case in every_case])
    if arguments.json:
        options.write_output(msgspec.json.format(msgspec.json.encode(cases, enc_hook=str)).decode() + "\n")
    elif arguments.long:
        options.write_output("\n".join(long_form(case) for case in cases))
    else:
        options.write_output(_table(cases))
    return EXIT_PASSED


def long_form(case: Case) -> str:
    """Return everything in a case's header, ending with a newline."""
    lines = [f"{case.id}: {case.claim}", f"  file: {case.path}", f"  groups: {' '.join(case.groups)}"]
    if case.needs:
        lines.append(f"  needs: {' '.join(case.needs)}")
    lines.append(f"  source: {', '.join(case.sources)}")
    lines += [f"  | {line}".rstrip() for line in case.text.splitlines()]
    return "".join(f"{line}\n" for line in lines)


def _table(cases: Sequence[Case]) -> str:
    width = max(len(case.id) for case in cases)
    return "".join(f"{case.id.ljust(width)}  {case.claim}  [{' '.join(case.groups)}]\n" for case in cases)


def _check(suite: Suite, case_ids: list[str]) -> int:
    from harness import judge

    # Read every golden, also the ones that only a run would miss.
    the_judge = judge.load(suite, case_ids)
    problems = dict(the_judge.goldens.problems(case_ids, the_judge.deviations.transcripts(), thorough=True))
    options.write_output("".join(f"{problem}\n" for problem in problems.values()))
    options.write_output(f"{len(case_ids)} cases, {len(problems) or 'nothing'} wrong\n")
    return EXIT_NOT_CONFORMING if problems else EXIT_PASSED
