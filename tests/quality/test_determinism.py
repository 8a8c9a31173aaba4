"""Every case gives the same transcript however often, with whatever hash seed, and however many run at once.

The reference takes no decision by chance: this is where that is held against all cases, in processes of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from harness.records import Record

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent

#: Catches a hang only.
LIMIT_S = 280.0

Outcome = dict[str, tuple[str, str, str]]
"""By the case's id: verdict, reason and transcript."""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the suite: who edits a case meanwhile shall not look like chance."""
    copy = tmp_path_factory.mktemp("suite")
    for name in ("cases", "golden"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def run_everything(suite: Path, folder: Path, *, hash_seed: str, jobs: int, explored: bool = True) -> Outcome:
    """Run all cases on the reference through the command line.

    :param explored: whether also those that explore schedules. They take half of the time, and run a schedule twice by
        themselves.
    """
    report = folder / f"{hash_seed}-{jobs}.json"
    command = [
        sys.executable,
        "-m",
        "harness.cli",
        "run",
        "--impl",
        "reference",
        "-j",
        str(jobs),
        "--suite",
        str(suite),
    ]
    command += [] if explored else ["-x", "explored"]
    command += ["--results", str(folder / report.stem), "--json", str(report)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    assert report.exists(), done.stdout + done.stderr
    lines = report.read_bytes().splitlines()
    records = [msgspec.json.decode(line, type=Record, strict=False) for line in lines]
    return {record.case: (record.verdict.value, record.reason, record.run.transcript) for record in records}


@pytest.fixture(scope="module")
def first(suite: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run_everything(suite, tmp_path_factory.mktemp("first"), hash_seed="0", jobs=1)


def test_there_are_cases_and_they_say_something(first: Outcome) -> None:
    assert len(first) >= 16
    assert all(transcript for verdict, _, transcript in first.values() if verdict == "pass")


@pytest.mark.parametrize(("hash_seed", "jobs"), [("0", 2), ("random", 1), ("random", 2)])
def test_transcripts_are_byte_equal(suite: Path, first: Outcome, tmp_path: Path, hash_seed: str, jobs: int) -> None:
    everything = (hash_seed, jobs) == ("random", 2)
    again = run_everything(suite, tmp_path, hash_seed=hash_seed, jobs=jobs, explored=everything)
    assert again.keys() == first.keys() if everything else again.keys() < first.keys()
    different = [case for case in again if again[case] != first[case]]
    assert different == []
