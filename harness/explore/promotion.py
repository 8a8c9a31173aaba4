"""Turns a saved schedule into a numbered case with its golden."""

from __future__ import annotations

import tempfile
from pathlib import Path

from harness.case_run import run_case
from harness.cases import discover
from harness.errors import UsageError
from harness.explore.schedule_file import format_schedule, read_schedule
from harness.implementations import parse
from harness.suite import Suite
from harness.transcript import Transcript

_CASE = '''"""{id}: {claim}

The schedule was found on {implementation}: {failure}.

Groups: explored
Needs: decisions
Source: exploration of {scenario}
"""

from harness.bench import Bench
from harness.explore.in_case import replay_in_case

SCHEDULE = """\\
{schedule}"""


def run(bench: Bench) -> None:
    replay_in_case(bench, SCHEDULE)
'''


def promote(path: Path, number: int, suite: Suite) -> tuple[Path, Path]:
    """Write a case that repeats the schedule, and its golden: what the reference does with it.

    :return: the paths of both.
    :raise UsageError: when the number is taken, the schedule is refused, or something cannot be written.
    :raise Disagreement: when the schedule fails on the reference: then it is no case yet but a bug.
    """
    schedule = read_schedule(path)
    case_id = f"{number:03}-{schedule.scenario.name}"
    case_path = suite.cases_folder / f"{case_id}.py"
    for case in suite.cases():
        if case.number == number:
            raise UsageError(f"number {number:03} is taken by {case.id}")
    golden_path = suite.root / "golden" / f"{case_id}.out"
    text = _CASE.format(
        id=case_id,
        claim=schedule.scenario.claim,
        implementation=schedule.implementation,
        failure=schedule.failure or "nothing was wrong with it",
        scenario=schedule.scenario.name,
        schedule=format_schedule(schedule),
    )
    try:
        case_path.write_text(text, encoding="utf-8")
        transcript = Transcript()
        with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:
            case = next(case for case in discover(suite.cases_folder) if case.number == number)
            run_case(case, parse("reference"), transcript, Path(folder))
        golden_path.write_text(transcript.text(), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from error
    except BaseException:
        case_path.unlink(missing_ok=True)
        raise
    return case_path, golden_path
