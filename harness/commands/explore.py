"""``mirrorcheck explore``: run scenarios under schedules that a strategy chooses, and keep what fails."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands import Subparsers, options
from harness.errors import EXIT_NOT_CONFORMING, EXIT_PASSED, EXIT_UNDECIDED, UsageError

if TYPE_CHECKING:
    from harness.explore.report import Finding, Report
    from harness.explore.scenario import Scenario
    from harness.explore.strategies import Strategy
    from harness.implementations import Session

PROGRAM_SECONDS = 10.0
"""How long each scenario is tried on a real program if nobody says how long."""

STRATEGIES = ("bounded", "everything", "pct", "random", "portfolio")


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "explore", help="run scenarios under every schedule, or many", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("scenarios", metavar="SCENARIO", nargs="*", help="names or numbers (default: all)")
    parser.add_argument("--list", action="store_true", help="list the scenarios and run nothing")
    parser.add_argument("--impl", metavar="SPEC", default="reference", help="what to explore (default: reference)")
    parser.add_argument(
        "-j",
        "--jobs",
        metavar="N",
        type=options.job_count,
        default="auto",
        help="schedules at a time on a real program (default: auto); which ones does not depend on it",
    )
    parser.add_argument("--strategy", choices=STRATEGIES, default="bounded", help="default: bounded")
    parser.add_argument("-p", "--preemptions", metavar="N", type=_count, default=2, help="of 'bounded' (default: 2)")
    parser.add_argument("--depth", metavar="N", type=_count, default=3, help="of 'pct' (default: 3)")
    parser.add_argument("--seed", metavar="N", type=_count, default=0, help="of the strategies that draw (default: 0)")
    parser.add_argument("--schedules", metavar="N", type=_count, help="at most so many for each scenario")
    parser.add_argument("--states", metavar="N", type=_count, help="at most so many steps for each scenario")
    parser.add_argument("--seconds", metavar="S", type=options.seconds, help="at most so long for each scenario")
    parser.add_argument("--findings", metavar="N", type=_count, default=1, help="stop a scenario after so many")
    parser.add_argument("--save", metavar="DIR", type=Path, help="keep the schedules of findings there")
    parser.add_argument("--no-shrink", action="store_true", help="keep findings as they were found")
    return parser


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 on")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Explore, print a report of each scenario, and return the exit status."""
    from harness.explore.scenarios import NUMBERS
    from harness.implementations import parse

    chosen = _chosen(arguments.scenarios)
    if arguments.list:
        for scenario in chosen:
            options.write_output(f"{NUMBERS[scenario.name]} {scenario.name}: {scenario.claim}\n")
        return EXIT_PASSED
    features = parse(arguments.impl).probe().features
    offered = []
    for scenario in chosen:
        missing = [feature for feature in scenario.needs() if feature not in features]
        if missing:
            options.write_output(f"{scenario.name}: needs {', '.join(missing)}\n")
        elif "decisions" not in features and not scenario.is_real:
            options.write_output(f"{scenario.name}: only a model can run it\n")
        else:
            offered.append(scenario)
    if not offered:
        return EXIT_UNDECIDED
    return _explore_model(offered, arguments) if "decisions" in features else _explore_program(offered, arguments)


def _strategy(arguments: argparse.Namespace) -> Strategy:
    from harness.explore.explorer import strategy_named

    return strategy_named(arguments.strategy, bound=arguments.preemptions, depth=arguments.depth, seed=arguments.seed)


def _explore_model(scenarios: list[Scenario], arguments: argparse.Namespace) -> int:
    from harness.explore.explorer import check_determinism, explore, strategy_named
    from harness.explore.report import Budget
    from harness.explore.shrink import shrink
    from harness.implementations import parse

    implementation = parse(arguments.impl)
    budget = Budget(seconds=arguments.seconds, schedules=arguments.schedules, states=arguments.states)
    failed = False
    with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:

        def opener() -> Session:
            return implementation.open(Path(folder))

        for scenario in scenarios:
            again = strategy_named("random", bound=0, depth=0, seed=arguments.seed)
            mismatch = check_determinism(opener, scenario, again)
            if mismatch is not None:
                options.write_output(f"{scenario.name}: {mismatch}\n")
                failed = True
                continue
            report = explore(opener, scenario, _strategy(arguments), budget, findings_max=max(arguments.findings, 1))
            failed |= _tell(report, arguments, None if arguments.no_shrink else partial(shrink, opener))
            if report.is_interrupted:
                return EXIT_UNDECIDED
    return EXIT_NOT_CONFORMING if failed else EXIT_PASSED


def _explore_program(scenarios: list[Scenario], arguments: argparse.Namespace) -> int:
    from harness.explore import known
    from harness.explore.report import Budget
    from harness.explore.shrink import OnProgram, shrink_on
    from harness.explore.versus import compare
    from harness.explore.workers import Workers
    from harness.implementations import parse

    reference = parse("reference")
    version = parse(arguments.impl).probe().version
    entries = known.read()
    budget = Budget(seconds=arguments.seconds, schedules=arguments.schedules, states=arguments.states)
    if budget == Budget():
        budget = Budget(seconds=PROGRAM_SECONDS)
    failed = False
    with Workers(arguments.impl, arguments.jobs) as workers:
        for scenario in scenarios:
            report = compare(
                lambda: reference.open(Path()),
                workers,
                scenario,
                _strategy(arguments),
                budget,
                findings_max=max(arguments.findings, 1),
                is_known=partial(known.reason_of, entries, scenario.name, arguments.impl, version),
            )
            small = OnProgram(lambda: reference.open(Path()), workers)
            failed |= _tell(report, arguments, None if arguments.no_shrink else partial(shrink_on, small))
            if report.is_interrupted:
                return EXIT_UNDECIDED
    return EXIT_NOT_CONFORMING if failed else EXIT_PASSED


def _tell(report: Report, arguments: argparse.Namespace, make_smaller: Callable[[Finding], Finding] | None) -> bool:
    """Print a report and keep its findings; return whether there are any."""
    rate = report.schedules / max(report.seconds, 1e-6)
    recalled = f"; {report.steps_run} steps were run, the rest recalled" if report.states else ""
    options.write_output(f"{report.scenario.name}: {report.strategy}, {rate:.0f} schedules a second{recalled}\n")
    for line in report.lines():
        options.write_output(f"    {line}\n")
    for number, finding in enumerate(report.findings):
        _keep(finding, number, arguments, make_smaller)
    if report.is_interrupted:
        options.write_output("interrupted\n")
    return bool(report.findings)


def _chosen(names: list[str]) -> list[Scenario]:
    from harness.explore.scenarios import NUMBERS, SCENARIOS

    if not names:
        return list(SCENARIOS.values())
    by_number = {str(number): name for name, number in NUMBERS.items()}
    found = []
    for name in names:
        scenario = SCENARIOS.get(by_number.get(name, name))
        if scenario is None:
            raise UsageError(f"there is no scenario '{name}': 'mirrorcheck explore --list' names them")
        found.append(scenario)
    return found


def _keep(
    finding: Finding, number: int, arguments: argparse.Namespace, make_smaller: Callable[[Finding], Finding] | None
) -> None:
    from harness.explore.schedule_file import Schedule, format_schedule

    if make_smaller is not None:
        finding = make_smaller(finding)
        options.write_output(f"    shrunk to {len(finding.scenario.actions)} actions and {len(finding.steps)} steps\n")
    schedule = Schedule(
        finding.scenario, tuple(finding.steps), _portable(arguments.impl), str(finding.failure), finding.coarse
    )
    if arguments.save is None:
        for step in finding.steps:
            options.write_output(f"        {step}\n")
        return
    path = arguments.save / f"{finding.scenario.name}{f'-{number + 1}' if number else ''}.schedule"
    try:
        arguments.save.mkdir(parents=True, exist_ok=True)
        path.write_text(format_schedule(schedule), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    options.write_output(f"    saved as {path}; repeat: mirrorcheck replay {path}\n")


def _portable(spec: str) -> str:
    """A spec without the path of a program, which is nobody else's."""
    kind, _, detail = spec.partition(":")
    return kind if os.sep in detail else spec
