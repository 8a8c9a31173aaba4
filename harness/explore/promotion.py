"""Turns a saved schedule into a numbered case with its golden."""

from __future__ import annotations

import tempfile
import textwrap
from pathlib import Path

from harness.case_run import run_case
from harness.cases import discover
from harness.errors import UsageError
from harness.explore.scenarios import NUMBERS
from harness.explore.schedule_file import Schedule, format_schedule, read_schedule
from harness.implementations import parse
from harness.suite import Suite
from harness.transcript import Transcript

FIRST_HUNDRED = 700
"""Where explored schedules are, but for those of modes that nobody else has, which are where their scenarios are."""

_CASE = '''"""{id}: {claim}

{found}

Groups: explored
Needs: {needs}
Source: exploration of {scenario}
"""

# ruff: noqa: E501 - the lines of a schedule are as long as they are

from harness.bench import Bench
from harness.explore.in_case import {function}

SCHEDULE = """\\
{schedule}"""


def run(bench: Bench) -> None:
    {function}(bench, SCHEDULE)
'''


def promote(path: Path, number: int, suite: Suite) -> tuple[Path, Path]:
    """Write a case that repeats the schedule, and its golden: what the reference does with it.

    A schedule that was found on a real program becomes a case for real programs, too.

    :return: the paths of both.
    :raise UsageError: when the number is taken or in another hundred, the schedule is refused, or something cannot be
        written.
    :raise Disagreement: when the schedule fails on the reference: then it is no case yet but a bug.
    """
    schedule = read_schedule(path)
    scenario = schedule.scenario
    hundred = NUMBERS.get(scenario.name, FIRST_HUNDRED) // 100 * 100
    if not hundred <= number < hundred + 100:
        raise UsageError(
            f"number {number:03} is not from {hundred} to {hundred + 99}, where schedules of this scenario are"
        )
    for case in suite.cases():
        if case.number == number:
            raise UsageError(f"number {number:03} is taken by {case.id}")
    case_id = f"{number:03}-{scenario.name}"
    case_path = suite.cases_folder / f"{case_id}.py"
    golden_path = suite.root / "golden" / f"{case_id}.out"
    if golden_path.exists():
        raise UsageError(f"{golden_path} is there already, and there is no case of that name")
    try:
        case_path.write_text(_case_text(case_id, schedule), encoding="utf-8")
        transcript = Transcript()
        with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:
            case = next(case for case in discover(suite.cases_folder) if case.number == number)
            run_case(case, parse("reference"), transcript, Path(folder))
        golden_path.write_text(transcript.text(), encoding="utf-8")
    except OSError as error:
        case_path.unlink(missing_ok=True)
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from error
    except BaseException:
        case_path.unlink(missing_ok=True)
        raise
    return case_path, golden_path


def _case_text(case_id: str, schedule: Schedule) -> str:
    is_for_programs = schedule.coarse and schedule.scenario.is_real
    failure = schedule.failure or "nothing was wrong with it"
    found = f"The schedule was found on {schedule.implementation}: {failure.rstrip('.')}."
    return _CASE.format(
        id=case_id,
        claim=_quoted(schedule.scenario.claim),
        found=textwrap.fill(_quoted(" ".join(found.split())), 119, break_long_words=False, break_on_hyphens=False),
        needs=" ".join(schedule.scenario.needs()) if is_for_programs else "decisions",
        scenario=schedule.scenario.name,
        function="repeat_in_case" if is_for_programs else "replay_in_case",
        schedule=_quoted(format_schedule(schedule)),
    )


def _quoted(text: str) -> str:
    """Text as it stands within three double quotes."""
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
