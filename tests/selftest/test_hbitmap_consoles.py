"""Bitmaps of other people, through the real command line: one in C that is right, and consoles that go wrong."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CONSOLE_IN_C = Path(__file__).parent / "consoles" / "hbitmap_console.c"

#: Catches a hang of the harness itself.
LIMIT_S = 120.0

MISBEHAVING = """
import os, signal, sys
for line in sys.stdin:
    name = line.split()[0]
    if name == "hello":
        print("hbitmap-console 1", flush=True)
    elif name == "features":
        print("none", flush=True)
    else:
        {what}
"""


def run(command: str, folder: Path, *arguments: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Run cases against a console; return the exit status, and the verdict and reason of each case by its number."""
    report = folder / "report.jsonl"
    options = ["--impl", f"hbitmap-console:{command}", "--json", str(report), "--results", str(folder / "results")]
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", "run", "--suite", str(ROOT), *options, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    records = [json.loads(line) for line in report.read_text().splitlines()]
    verdicts = {record["run"]["case"][:3]: (record["verdict"], record["reason"]) for record in records}
    assert verdicts, done.stderr
    return done.returncode, verdicts


@pytest.fixture(scope="session")
def console_in_c(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs cc")
    program = tmp_path_factory.mktemp("console") / "hbitmap_console"
    subprocess.run([compiler, "-std=c11", "-O2", "-o", program, CONSOLE_IN_C], check=True)
    return program


def test_bitmap_in_c_passes_all_cases_of_what_it_has(console_in_c: Path, tmp_path: Path) -> None:
    status, verdicts = run(shlex.quote(str(console_in_c)), tmp_path, "010-049")
    skipped = {number for number, (verdict, _) in verdicts.items() if verdict == "skip"}
    assert {verdict for verdict, _ in verdicts.values()} == {"pass", "skip"}
    assert skipped == {"024", "025", "026", "035", "038", "042", "044", "046"}
    assert status == 0


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("sys.exit('on fire')", "crash: hbitmap console ended with status 1 at 'new 262144 0'"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "crash: hbitmap console was killed by SIGSEGV at 'new 262144 0'"),
        ("print('bitmap!', flush=True)", "wrong: hbitmap console: 'bitmap!' is no answer to 'new 262144 0'"),
    ],
)
def test_console_that_goes_wrong_fails_the_case_by_name(tmp_path: Path, what: str, reason: str) -> None:
    console = tmp_path / "console.py"
    console.write_text(MISBEHAVING.format(what=what))
    status, verdicts = run(f"{sys.executable} {console}", tmp_path, "033", "016")
    assert status == 1
    assert verdicts["033"][0] == "skip"
    assert verdicts["016"] == ("fail", reason)


def test_console_that_never_answers_fails_the_case(tmp_path: Path) -> None:
    console = tmp_path / "console.py"
    console.write_text(MISBEHAVING.format(what="signal.pause()"))
    # Any limit is as good as another for a console that never answers.
    status, verdicts = run(f"{sys.executable} {console}", tmp_path, "016", "--timeout", "3")
    assert status == 1
    verdict, reason = verdicts["016"]
    assert verdict == "fail"
    assert reason.startswith("hang: ")


def test_console_that_does_not_start_decides_nothing(tmp_path: Path) -> None:
    status, verdicts = run(f"{tmp_path}/none", tmp_path, "016")
    assert status == 125
    assert verdicts["016"][0] == "unavailable"
