"""The harness tests itself: a small suite of cases that do their worst, run through the real command line.

Each run happens below a sub-reaper of its own, in a temporary folder of its own; afterwards nothing may be left of it.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from harness.records import Record

pytestmark = pytest.mark.slow

SUITE = Path(__file__).parent
CASE_IDS = sorted(path.stem for path in (SUITE / "cases").glob("*.py"))

#: Catches a hang of the harness itself.
LIMIT_S = 120.0

#: For cases that never end: any limit is as good as another, so a short one.
SHORT_LIMIT_S = "2"

# Started as `python -c RUN_AND_LOOK report command...`: runs the command, then tells its status and what survived it.
RUN_AND_LOOK = """
import json, os, signal, subprocess, sys
from harness import process_tree, processes
processes.become_subreaper()
# Whoever runs the tests in the background of a shell has SIGINT ignored; the command under test shall not.
signal.signal(signal.SIGINT, signal.default_int_handler)
with subprocess.Popen(sys.argv[2:]) as command:
    signal.signal(signal.SIGINT, lambda number, frame: command.send_signal(number))
    status = command.wait()
left = [str(found) for found in process_tree.list_descendants(os.getpid()) if not found.ending]
process_tree.kill_descendants(os.getpid())
with open(sys.argv[1], "w") as report:
    json.dump({"status": status, "left": left}, report)
"""

GROUP_VERDICTS = {
    "pass": "pass",
    "skip": "skip",
    "fail": "fail",
    "left-behind": "fail",
    "hang": "fail",
    "broken": "broken",
}

#: The reason of each case's record, as a regular expression; those that pass have none.
REASONS = {
    "904-differs": r"the transcript differs from 904-differs\.out",
    "905-differs-at-end": r"the transcript differs from 905-differs-at-end\.out",
    "906-has-no-golden": r".*906-has-no-golden.*",
    "907-has-binary-golden": r".*907-has-binary-golden\.out.*UTF-8.*",
    "910-needs-what-nobody-has": r"needs feature-that-nobody-has, which reference does not offer",
    "911-skips-itself": r"the moon is not full",
    "920-raises": r"the case raised ValueError: two\\nlines and \\x1b\[31m colour",
    "921-exits": r"the case raised SystemExit: 0",
    "922-raises-keyboard-interrupt": r"the case raised KeyboardInterrupt",
    "923-raises-memory-error": r"the case raised MemoryError",
    "924-recurses": r"the case raised RecursionError: maximum recursion depth exceeded.*",
    "925-raises-generator-exit": r"the case raised GeneratorExit",
    "926-has-no-such-module": r"the case raised ModuleNotFoundError: No module named 'absent'",
    "927-raises-case-error": r"granularity 4095 is not a power of two",
    "928-finds-harness-bug": r"two clocks disagree",
    "929-finds-disagreement": r"wrong: sector 3 differs",
    "930-ends-worker": r"the worker ended with status 0 in the middle of the case",
    "931-kills-worker": r"the worker was killed by SIGKILL in the middle of the case",
    "932-segfaults": r"the worker was killed by SIGSEGV in the middle of the case",
    "933-aborts": r"the worker was killed by SIGABRT in the middle of the case",
    "934-kills-keeper": r"the worker's keeper was killed by SIGKILL in the middle of the case",
    "935-closes-everything": r"the worker ended with status 1 in the middle of the case",
    "936-dies-with-daemon": r"the worker ended with status 3 in the middle of the case",
    "940-loops-for-ever": r"hang: the case was not over after 2 s",
    "941-stops-worker": r"hang: the case was not over after 2 s",
    "942-waits-with-daemon": r"hang: the case was not over after 2 s",
    "943-swallows-everything": r"hang: the case was not over after 2 s",
    "944-tells-that-it-waits": r"hang: the case was not over after 2 s",
    "950-leaves-process": r"left behind: process [0-9]+ \(.*\)",
    "951-leaves-daemon": r"left behind: process [0-9]+ \(.*\)",
    "952-forks": r"left behind: process [0-9]+ \(.*\)",
    "953-leaves-thread": r"left behind: thread forgotten",
    "954-leaves-descriptor": r"left behind: descriptor [0-9]+ \(/dev/null\)",
    "955-leaves-file": r"left behind: file forgotten\\n",
    "956-leaves-socket": r"left behind: socket forgotten\.sock",
    "957-leaves-folder": r"left behind: folder outer, folder outer/inner",
    "960-prints-without-end": r"the transcript is longer than 16777216 bytes",
    "970-crashes-reference": r"crash: the reference raised ZeroDivisionError: integer division or modulo by zero",
    "971-waits-for-what-never-comes": r"hang: nothing can happen any more while waiting for event NEVER",
    "972-leaves-after-skip": r"left behind: file forgotten",
    "973-leaves-after-failure": r"wrong: sector 3 differs",
}

#: What the detail of a record must show, as a regular expression.
DETAILS = {
    "932-segfaults": r'^Fatal Python error: Segmentation fault\n\n.*\n  File ".*932-segfaults\.py", line [0-9]+ in run',
    "936-dies-with-daemon": r"^killed with it:\n  process [0-9]+ \(.*\)$",
    "940-loops-for-ever": r'  File ".*/940-loops-for-ever\.py", line [0-9]+ in run',
    "942-waits-with-daemon": r"\nkilled with it:\n  process [0-9]+ \(sleep 86399\)$",
    "970-crashes-reference": r"ZeroDivisionError",
    "973-leaves-after-failure": r"left behind:\n  file forgotten",
}


class Outcome(NamedTuple):
    """What one run of the command line left."""

    status: int
    output: str
    records: dict[str, Record]


Run = Callable[..., Outcome]


@functools.cache
def groups_of(case_id: str) -> tuple[str, ...]:
    text = (SUITE / "cases" / f"{case_id}.py").read_text()
    found = re.search(r"^Groups: (.*)$", text, re.MULTILINE)
    assert found is not None
    return tuple(found[1].split())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    # Not below pytest's folder: a long TMPDIR would not be used for sockets, and then we would look in the wrong place.
    temporary = Path(tempfile.mkdtemp(prefix="selftest-", dir="/tmp"))

    def run_cases(*options: str, told: Path | None = None) -> Outcome:
        folder = tmp_path_factory.mktemp("run")
        environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(SUITE.parent.parent)}
        command = [sys.executable, "-m", "harness.cli", "run", "--suite", str(SUITE)]
        command += ["--results", str(folder / "results"), "--json", str(folder / "records.json"), *options]
        if told is not None:
            environment["SELF_TEST_TOLD"] = str(told)
        with (
            (folder / "output").open("wb") as output,
            subprocess.Popen(
                [sys.executable, "-c", RUN_AND_LOOK, str(folder / "report"), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=folder,
            ) as process,
        ):
            if told is not None:
                assert told.read_text() == "it waits\n"
                process.send_signal(signal.SIGINT)
            assert process.wait(LIMIT_S) == 0
        report = json.loads((folder / "report").read_text())
        assert report["left"] == []
        assert os.listdir(temporary) == []
        lines = (folder / "records.json").read_bytes().splitlines()
        records = [msgspec.json.decode(line, type=Record, strict=False) for line in lines]
        text = (folder / "output").read_bytes().decode()
        return Outcome(report["status"], text, {record.case: record for record in records})

    yield run_cases
    shutil.rmtree(temporary)


@pytest.fixture(scope="module")
def everything(run: Run) -> dict[str, Record]:
    """The records of all cases, by id."""
    ending = run("-j", "2", "-x", "hang", "-x", "qemu")
    assert ending.status == 255
    endless = run("-j", "5", "-g", "hang", "--timeout", SHORT_LIMIT_S)
    assert endless.status == 1
    return {**ending.records, **endless.records}


ORDINARY_CASE_IDS = [case_id for case_id in CASE_IDS if groups_of(case_id) != ("qemu",)]


@pytest.mark.parametrize("case_id", ORDINARY_CASE_IDS)
def test_case_gets_its_verdict_and_reason(everything: dict[str, Record], case_id: str) -> None:
    record = everything[case_id]
    (group,) = groups_of(case_id)
    assert record.verdict == GROUP_VERDICTS[group], record.reason
    assert re.fullmatch(REASONS.get(case_id, ""), record.reason), record.reason
    assert re.search(DETAILS.get(case_id, ""), record.run.detail), record.run.detail


@pytest.mark.parametrize("case_id", [case_id for case_id in ORDINARY_CASE_IDS if case_id >= "920"])
def test_transcript_has_come_as_far_as_the_case(everything: dict[str, Record], case_id: str) -> None:
    transcript = everything[case_id].run.transcript
    if case_id == "926-has-no-such-module":
        assert transcript == ""  # never begun
    elif case_id == "960-prints-without-end":
        assert transcript == ("x" * 65535 + "\n") * 256
    elif case_id == "924-recurses":
        assert set(transcript.splitlines()) == {"begun"}
    else:
        assert transcript == "begun\n"


@pytest.mark.parametrize("case_id", [case_id for case_id in ORDINARY_CASE_IDS if groups_of(case_id) != ("pass",)])
def test_record_names_folder_and_command(everything: dict[str, Record], case_id: str) -> None:
    record = everything[case_id]
    assert Path(record.run.folder).name == case_id
    assert record.repeat_command.startswith(f"mirrorcheck run {case_id} --impl reference")


def test_table_of_reasons_names_only_cases_that_exist() -> None:
    assert sorted(REASONS.keys() - set(CASE_IDS)) == []
    assert sorted(DETAILS.keys() - set(CASE_IDS)) == []


@pytest.mark.parametrize(
    ("selection", "status"),
    [
        (["-g", "pass"], 0),
        (["904"], 1),
        (["-g", "skip"], 2),
        (["-g", "left-behind"], 1),
        (["920"], 255),
        (["931"], 255),
        (["900", "910"], 0),
        (["904", "920"], 255),
        (["999"], 254),
    ],
)
def test_exit_status_is_that_of_the_worst(tmp_path: Path, selection: list[str], status: int) -> None:
    environment = {**os.environ, "PYTHONPATH": str(SUITE.parent.parent)}
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", "run", "--suite", str(SUITE), "--results", str(tmp_path), *selection],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == status, done.stdout + done.stderr


def test_any_number_of_jobs_gives_the_same_records(run: Run, everything: dict[str, Record]) -> None:
    for jobs in ("1", "5"):
        for case_id, record in run("-j", jobs, "-g", "pass", "-g", "fail", "-g", "skip").records.items():
            expected = everything[case_id]
            assert (record.verdict, record.reason, record.diff) == (expected.verdict, expected.reason, expected.diff)
            assert record.run.transcript == expected.run.transcript


def test_interrupt_leaves_nothing_and_reports_what_is_known(run: Run, tmp_path: Path) -> None:
    told = tmp_path / "told"
    os.mkfifo(told)
    outcome = run("-j", "1", "900", "944", told=told)
    assert outcome.status == 2
    assert outcome.records["900-passes"].verdict == "pass"
    assert "944-tells-that-it-waits" not in outcome.records
    assert "interrupted" in outcome.output
    assert "Traceback" not in outcome.output


@pytest.mark.qemu
@pytest.mark.skipif(shutil.which("qemu-storage-daemon") is None, reason="no qemu-storage-daemon on this machine")
def test_real_program_that_dies_or_stops_is_the_implementations_fault(run: Run) -> None:
    records = run("-g", "qemu", "--timeout", "6", "--impl", "qemu-storage-daemon").records
    assert records["980-segfaults-program"].verdict == "fail"
    assert re.match("crash: .*SIGSEGV", records["980-segfaults-program"].reason)
    assert records["981-stops-program"].verdict == "fail"
    assert re.match("hang: ", records["981-stops-program"].reason)
    assert records["982-kills-program"].verdict == "fail"
    assert re.match("crash: .*SIGKILL", records["982-kills-program"].reason)
