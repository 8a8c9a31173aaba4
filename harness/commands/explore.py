"""``mirrorcheck explore``: run scenarios under schedules that a strategy chooses, and keep what fails."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.commands import Subparsers, options
from harness.errors import EXIT_NOT_CONFORMING, EXIT_PASSED, EXIT_UNDECIDED, HarnessBug, UsageError

if TYPE_CHECKING:
    from harness.explore.report import Finding, Report
    from harness.explore.scenario import Scenario
    from harness.explore.strategies import Strategy
    from harness.forks import Unanswered
    from harness.implementations import Session

    MakeSmaller = Callable[[Finding], Finding]

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
        help="scenarios at a time, on a real program schedules (default: auto); which ones does not depend on it",
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


class _Told(NamedTuple):
    """What there is to say about a scenario."""

    text: str
    failed: bool = False
    is_interrupted: bool = False


def _explore_model(scenarios: list[Scenario], arguments: argparse.Namespace) -> int:
    """Explore each, several at a time; they are told of in their order."""
    from harness.forks import in_processes
    from harness.implementations import parse

    parse(arguments.impl).probe()  # once for all processes
    by_name = {scenario.name: scenario for scenario in scenarios}
    names = list(by_name)
    with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:
        explore_one = partial(_explore_scenario, by_name=by_name, arguments=arguments, folder=Path(folder))
        if len(names) == 1 or arguments.jobs == 1:
            return _tell_in_order(names, _one_after_the_other(names, explore_one))
        return _tell_in_order(names, in_processes(names, explore_one, arguments.jobs, lets_finish=True))


def _explore_scenario(name: str, by_name: Mapping[str, Scenario], arguments: argparse.Namespace, folder: Path) -> _Told:
    from harness.explore.explorer import check_determinism, explore, strategy_named
    from harness.explore.report import Budget
    from harness.explore.shrink import shrink
    from harness.implementations import parse

    implementation, scenario = parse(arguments.impl), by_name[name]
    budget = Budget(seconds=arguments.seconds, schedules=arguments.schedules, states=arguments.states)

    def opener() -> Session:
        return implementation.open(folder)

    again = strategy_named("random", bound=0, depth=0, seed=arguments.seed)
    mismatch = check_determinism(opener, scenario, again)
    if mismatch is not None:
        return _Told(f"{name}: {mismatch}\n", failed=True)
    report = explore(opener, scenario, _strategy(arguments), budget, findings_max=max(arguments.findings, 1))
    return _describe(report, arguments, None if arguments.no_shrink else partial(shrink, opener))


def _one_after_the_other(names: list[str], explore_one: Callable[[str], _Told]) -> Iterator[tuple[str, _Told]]:
    for name in names:
        told = explore_one(name)
        yield name, told
        if told.is_interrupted:
            return


def _tell_in_order(names: list[str], answers: Iterable[tuple[str, _Told | Unanswered]]) -> int:
    """Print what comes in the order of the names, each as soon as those before it are; return the exit status."""
    from harness.forks import INTERRUPTED

    told: dict[str, _Told] = {}
    waiting = list(reversed(names))
    is_interrupted = False
    try:
        for name, answer in answers:
            if isinstance(answer, _Told):
                told[name] = answer
            elif answer.error is not None:
                raise answer.error
            elif answer != INTERRUPTED:
                raise HarnessBug(f"{name}: {answer.detail or answer.reason}")
            while waiting and waiting[-1] in told:
                options.write_output(told[waiting.pop()].text)
    except KeyboardInterrupt:
        is_interrupted = True
    for name in reversed(waiting):  # what was behind one that an interrupt kept from being told of
        if name in told:
            options.write_output(told[name].text)
    if is_interrupted or len(told) < len(names) or any(each.is_interrupted for each in told.values()):
        options.write_output("interrupted\n")
        return EXIT_UNDECIDED
    return EXIT_NOT_CONFORMING if any(each.failed for each in told.values()) else EXIT_PASSED


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
            told = _describe(report, arguments, None if arguments.no_shrink else partial(shrink_on, small))
            options.write_output(told.text)
            failed |= told.failed
            if told.is_interrupted:
                options.write_output("interrupted\n")
                return EXIT_UNDECIDED
    return EXIT_NOT_CONFORMING if failed else EXIT_PASSED


def _describe(report: Report, arguments: argparse.Namespace, make_smaller: MakeSmaller | None) -> _Told:
    """Put a report into words, and keep its findings."""
    rate = report.schedules / max(report.seconds, 1e-6)
    recalled = f"; {report.steps_run} steps were run, the rest recalled" if report.states else ""
    lines = [f"{report.scenario.name}: {report.strategy}, {rate:.0f} schedules a second{recalled}"]
    lines += [f"    {line}" for line in report.lines()]
    for number, finding in enumerate(report.findings):
        lines += _keep(finding, number, arguments, make_smaller)
    return _Told("".join(f"{line}\n" for line in lines), bool(report.findings), report.is_interrupted)


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


def _keep(finding: Finding, number: int, arguments: argparse.Namespace, make_smaller: MakeSmaller | None) -> list[str]:
    """Make a finding smaller and keep it; return what there is to say about that."""
    from harness.explore.schedule_file import Schedule, format_schedule

    lines = []
    if make_smaller is not None:
        finding = make_smaller(finding)
        lines.append(f"    shrunk to {len(finding.scenario.actions)} actions and {len(finding.steps)} steps")
    schedule = Schedule(
        finding.scenario, tuple(finding.steps), _portable(arguments.impl), str(finding.failure), finding.coarse
    )
    if arguments.save is None:
        return lines + [f"        {step}" for step in finding.steps]
    path = arguments.save / f"{finding.scenario.name}{f'-{number + 1}' if number else ''}.schedule"
    try:
        arguments.save.mkdir(parents=True, exist_ok=True)
        path.write_text(format_schedule(schedule), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    return [*lines, f"    saved as {path}; repeat: mirrorcheck replay {path}"]


def _portable(spec: str) -> str:
    """A spec without the path of a program, which is nobody else's."""
    kind, _, detail = spec.partition(":")
    return kind if os.sep in detail else spec
