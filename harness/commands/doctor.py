"""``mirrorcheck doctor``: say which implementations this machine has and what is missing."""

from __future__ import annotations

import argparse
import textwrap

import msgspec

from harness.commands import Subparsers, options
from harness.doctor import Found, Report
from harness.errors import EXIT_PASSED, EXIT_UNAVAILABLE


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "doctor", help="say what this machine has and lacks", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--json", action="store_true", help="one JSON object with everything")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Examine the machine; 125 when nothing can be run on it."""
    from harness import doctor

    report = doctor.examine()
    if arguments.json:
        options.write_output(msgspec.json.format(msgspec.json.encode(report)).decode() + "\n")
    else:
        options.write_output(_text(report))
    return EXIT_PASSED if report.is_usable else EXIT_UNAVAILABLE


def _text(report: Report) -> str:
    from harness.report import visible

    lines = [f"{name}: {value}" for name, value in report.machine.items()]
    lines += [f"problem: {problem}" for problem in report.problems]
    for kind in report.kinds:
        lines += ["", f"{kind.name}: {kind.summary}"]
        for found in kind.found:
            lines += _found_lines(found)
        if kind.hint:
            lines.append(f"  to get it: {kind.hint}")
    return "".join(f"{visible(line)}\n" for line in lines)


def _found_lines(found: Found) -> list[str]:
    if found.problem:
        return [f"  --impl {found.spec}", f"    cannot be used: {found.problem}"]
    features = textwrap.wrap(
        f"features: {' '.join(found.features) or 'none'}",
        width=116,
        subsequent_indent="  ",
        break_on_hyphens=False,
        break_long_words=False,
    )
    return [f"  --impl {found.spec}", f"    version {found.version}", *(f"    {line}" for line in features)]
