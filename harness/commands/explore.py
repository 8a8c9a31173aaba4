"""``mirrorcheck explore``: run scenarios under schedules that a strategy chooses, and keep what fails."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands import Subparsers, options
from harness.errors import EXIT_NOT_CONFORMING, EXIT_PASSED, EXIT_UNDECIDED, UsageError

if TYPE_CHECKING:
    from harness.explore.report import Finding
    from harness.explore.runner import Opener
    from harness.explore.scenario import Scenario
    from harness.implementations import Session

BLOCKED_LIMIT_S = 0.25
"""How long a real program is given to answer before it counts as one that waits for something held."""

STRATEGIES = ("bounded", "everything", "pct", "random", "portfolio")


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "explore", help="run scenarios under every schedule, or many", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("scenarios", metavar="SCENARIO", nargs="*", help="names or numbers (default: all)")
    parser.add_argument("--list", action="store_true", help="list the scenarios and run nothing")
    parser.add_argument("--impl", metavar="SPEC", default="reference", help="what to explore (default: reference)")
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
    import tempfile

    from harness.explore.explorer import check_determinism, explore, strategy_named
    from harness.explore.report import Budget
    from harness.explore.scenarios import NUMBERS
    from harness.explore.versus import compare
    from harness.implementations import parse
    from harness.implementations.base import HANG_LIMIT_S

    chosen = _chosen(arguments.scenarios)
    if arguments.list:
        for scenario in chosen:
            options.write_output(f"{NUMBERS[scenario.name]} {scenario.name}: {scenario.claim}\n")
        return EXIT_PASSED
    implementation = parse(arguments.impl)
    is_model = "decisions" in implementation.probe().features
    budget = Budget(seconds=arguments.seconds, schedules=arguments.schedules, states=arguments.states)
    if not is_model and budget == Budget():
        budget = Budget(seconds=10.0)
    failed = False
    with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:

        def opener() -> Session:
            # What is held can keep a program from answering; that shows after this time, and is no hang here.
            return implementation.open(Path(folder), HANG_LIMIT_S if is_model else BLOCKED_LIMIT_S)

        def model_opener() -> Session:
            return parse("reference").open(Path(folder))

        for scenario in chosen:
            if not is_model and not scenario.is_real:
                options.write_output(f"{scenario.name}: only a model can run it\n")
                continue
            strategy = strategy_named(
                arguments.strategy, bound=arguments.preemptions, depth=arguments.depth, seed=arguments.seed
            )
            if is_model:
                again = strategy_named("random", bound=0, depth=0, seed=arguments.seed)
                mismatch = check_determinism(opener, scenario, again)
                if mismatch is not None:
                    options.write_output(f"{scenario.name}: {mismatch}\n")
                    failed = True
                    continue
                report = explore(
                    opener,
                    scenario,
                    strategy,
                    budget,
                    findings_max=max(arguments.findings, 1),
                )
            else:
                report = compare(model_opener, opener, scenario, strategy, budget)
            rate = report.schedules / max(report.seconds, 1e-6)
            options.write_output(f"{scenario.name}: {report.strategy}, {rate:.0f} schedules a second\n")
            for line in report.lines():
                options.write_output(f"    {line}\n")
            for finding in report.findings:
                failed = True
                _keep(opener, finding, arguments, shrinks=is_model)
            if report.is_interrupted:
                options.write_output("interrupted\n")
                return EXIT_UNDECIDED
    return EXIT_NOT_CONFORMING if failed else EXIT_PASSED


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


def _keep(opener: Opener, finding: Finding, arguments: argparse.Namespace, *, shrinks: bool) -> None:
    from harness.explore.schedule_file import Schedule, format_schedule
    from harness.explore.shrink import shrink

    if shrinks and not arguments.no_shrink:
        finding = shrink(opener, finding)
        options.write_output(f"    shrunk to {len(finding.scenario.actions)} actions and {len(finding.steps)} steps\n")
    text = format_schedule(
        Schedule(finding.scenario, tuple(finding.steps), arguments.impl, str(finding.failure), finding.coarse)
    )
    if arguments.save is None:
        for step in finding.steps:
            options.write_output(f"        {step}\n")
        return
    path = arguments.save / f"{finding.scenario.name}.schedule"
    try:
        arguments.save.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    print(f"    saved as {path}; repeat: mirrorcheck replay {path}", file=sys.stdout)
