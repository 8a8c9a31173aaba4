"""``mirrorcheck doctor``: say which implementations this machine has and what is missing."""

from __future__ import annotations

import argparse
import textwrap

import msgspec

from harness.commands import Subparsers, options
from harness.doctor import Found, Report
from harness.errors import EXIT_PASSED, EXIT_UNAVAILABLE, UsageError


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "doctor", help="say what this machine has and lacks", description=__doc__, allow_abbrev=False
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--long", action="store_true", help="also every feature of every implementation")
    form.add_argument("--json", action="store_true", help="one JSON object with everything")
    options.add_suite(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Examine the machine; 125 when nothing can be run on it."""
    from harness import doctor
    from harness.suite import Suite

    try:
        cases = Suite.find(arguments.suite).cases()
    except UsageError:
        if arguments.suite is not None:
            raise
        cases = []  # what this machine has can be said without a suite
    report = doctor.examine(cases)
    if arguments.json:
        options.write_output(msgspec.json.format(msgspec.json.encode(report)).decode() + "\n")
    else:
        options.write_output(_text(report, is_long=arguments.long))
    return EXIT_PASSED if report.is_usable else EXIT_UNAVAILABLE


def _text(report: Report, *, is_long: bool) -> str:
    from harness.report import visible

    lines = [f"{name}: {value}" for name, value in report.machine.items()]
    lines += [f"problem: {problem}" for problem in report.problems]
    for kind in report.kinds:
        lines += ["", f"{kind.name}: {kind.summary}"]
        for found in kind.found:
            lines += _found_lines(found, report.case_count, is_long=is_long)
        if kind.hint:
            lines.append(f"  to get it: {kind.hint}")
    return "".join(f"{visible(line)}\n" for line in lines)


def _found_lines(found: Found, case_count: int, *, is_long: bool) -> list[str]:
    if found.problem:
        return [f"  --impl {found.spec}", f"    cannot be used: {found.problem}"]
    lines = [f"  --impl {found.spec}", f"    version {found.version}"]
    if case_count:
        runnable_count = case_count - found.skipped_count
        lines.append(f"    can run {runnable_count} of {case_count} cases")
    if found.lacks:
        lines += _wrapped(f"lacks: {' '.join(found.lacks)}")
    if is_long:
        lines += _wrapped(f"features: {' '.join(found.features) or 'none'}")
    return lines


def _wrapped(text: str) -> list[str]:
    lines = textwrap.wrap(text, width=116, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)
    return [f"    {line}" for line in lines]
