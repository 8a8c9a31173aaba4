"""Stored runs: what is written is read back, what is cut is read as far as it goes, and what is wrong is refused."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import fake_suite
import msgspec
import pytest
from fake_suite import make_record, make_suite

from harness import cli, stored_runs
from harness.errors import UsageError
from harness.records import Verdict
from harness.stored_runs import End, Header, RecordLine, RunWriter, read

HEADER = Header(
    format=1,
    id="2026-01-02T03-04-05Z",
    mirrorcheck="0.1.0",
    started="2026-01-02T03:04:05Z",
    suite="/suite",
    implementations=["fake"],
    order=[("100-life", "fake"), ("310-active-writes", "fake")],
)


def line(case: str, verdict: Verdict = Verdict.PASS, **fields: object) -> RecordLine:
    return RecordLine(record=make_record(verdict, case=case, **fields))


def write_run(home: Path, *lines: RecordLine, end: bool = True) -> Path:
    writer = RunWriter(home, HEADER)
    for each in lines:
        writer.add(each)
    if end:
        writer.finish(interrupted=False, exit_status=0)
    writer.close()
    return writer.path / stored_runs.RESULTS_FILE


def test_run_that_is_written_is_read_back(tmp_path: Path) -> None:
    lines = [line("100-life"), line("310-active-writes", Verdict.FAIL, transcript="\x1b ü\u2028\n", diff=["-a", "+b"])]
    run = read(write_run(tmp_path, *lines))
    assert run.lines == lines
    assert run.header == HEADER
    assert run.end is not None
    assert run.is_complete
    assert run.missing() == []


def test_second_attempt_replaces_the_first_in_its_place(tmp_path: Path) -> None:
    again = RecordLine(record=make_record(Verdict.FAIL, case="100-life"), attempt=2)
    run = read(write_run(tmp_path, line("100-life"), line("310-active-writes"), again))
    assert [(record.case, record.verdict) for record in run.records] == [
        ("100-life", Verdict.FAIL),
        ("310-active-writes", Verdict.PASS),
    ]
    assert len(run.lines) == 3


def test_two_runs_in_one_second_have_folders_of_their_own_and_latest_is_the_last(tmp_path: Path) -> None:
    one, two = write_run(tmp_path), write_run(tmp_path)
    assert [one.parent.name, two.parent.name] == [HEADER.id, f"{HEADER.id}-2"]
    assert stored_runs.find("latest", tmp_path).resolve() == two
    assert stored_runs.find(str(tmp_path)).resolve() == two
    assert stored_runs.find(HEADER.id, tmp_path) == one
    assert stored_runs.find(str(one)) == one
    assert stored_runs.find(str(one.parent)) == one


def test_run_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=rf"^there is no run 'yesterday' here or in {re.escape(str(tmp_path))}/x$"):
        stored_runs.find("yesterday", tmp_path / "x")
    with pytest.raises(UsageError, match=r"^there is no run '\./yesterday'$"):
        stored_runs.find("./yesterday")


def test_run_cut_at_any_byte_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write_run(tmp_path, line("100-life"), line("310-active-writes"))
    data = path.read_bytes()
    ends = [index for index, byte in enumerate(data) if byte == ord("\n")]
    for length in range(ends[0] + 1, len(data)):
        path.write_bytes(data[:length])
        run = read(path)
        whole_count = sum(end < length for end in ends) - 1
        assert len(run.lines) == whole_count
        assert run.end is None
        assert run.is_cut == (length - 1 not in ends)
        assert run.missing() == list(HEADER.order[whole_count:])
    for length in range(1, ends[0] + 1):
        path.write_bytes(data[:length])
        with pytest.raises(UsageError, match=r"(is no result of mirrorcheck: line 1 is no header|is cut in its first)"):
            read(path)


def good_lines() -> list[bytes]:
    end = End(record_count=1, interrupted=False, exit_status=0, duration_s=1.0)
    return [msgspec.json.encode(item) for item in (HEADER, line("100-life"), end)]


REFUSED = {
    "empty": (b"", r"PATH is no result of mirrorcheck: line 1 is no header of a run"),
    "binary": (b"\x7fELF\x00\xff\n", r"PATH is no result of mirrorcheck: line 1 is no header of a run"),
    "foreign": (b'{"kind": "node"}\n', r"PATH is no result of mirrorcheck: line 1 is no header of a run"),
    "list": (b"[1]\n", r"PATH is no result of mirrorcheck: line 1 is no header of a run"),
    "later format": (b'{"kind":"run","format":2}\n', r"PATH has format 2, and this mirrorcheck reads format 1"),
    "poor header": (
        b'{"kind":"run","format":1}\n',
        r"PATH is no result of mirrorcheck: line 1 is no header of a run: Object missing required field `id`",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_foreign_file_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    data, message = REFUSED[name]
    path = tmp_path / "results.jsonl"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=f"^{message.replace('PATH', re.escape(str(path)))}$"):
        read(path)


def damaged() -> dict[str, tuple[list[bytes], str]]:
    header, record, end = good_lines()
    return {
        "hole": ([header, record[:20], end], r"line 2 is no record of a run: Input data was truncated"),
        "utf-8": ([header, record.replace(b"hello", b"\xff\xfe"), end], r"line 2 is no record of a run: .*"),
        "foreign": ([header, b'{"kind":"other"}', end], r"line 2 is no record of a run: Invalid value 'other' .*"),
        "two headers": ([header, header, end], r"line 2 is a second header"),
        "lost record": ([header, end], r"has 0 records, and its end counts 1"),
        "after the end": ([header, record, end, record], r"line 4 comes after the end of the run"),
        "escape": (
            [header, record.replace(b"100-life", b"../../etc"), end],
            r"line 2 names the case '\.\./\.\./etc', which is no name of a case",
        ),
    }


@pytest.mark.parametrize("name", damaged())
def test_damaged_file_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    lines, message = damaged()[name]
    path = tmp_path / "results.jsonl"
    path.write_bytes(b"".join(each + b"\n" for each in lines))
    with pytest.raises(UsageError, match=f"^{re.escape(str(path))}: {message}$"):
        read(path)


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^cannot read /.*: Is a directory$"):
        read(tmp_path)


def test_old_runs_go_and_running_ones_stay(tmp_path: Path) -> None:
    running = write_run(tmp_path, end=False).parent
    old = [write_run(tmp_path).parent for _ in range(3)]
    foreign = tmp_path / "2020-01-01"
    foreign.mkdir()
    writer = RunWriter(tmp_path, HEADER, keep_count=2)
    writer.close()
    assert running.is_dir()
    assert [path.is_dir() for path in old] == [False, False, True]
    assert foreign.is_dir()


def test_durations_are_those_of_the_latest_run_that_had_them(tmp_path: Path) -> None:
    write_run(tmp_path, line("100-life", duration_s=1.0), line("310-active-writes", duration_s=2.0))
    path = write_run(tmp_path, line("100-life", duration_s=3.0))
    with path.open("ab") as file:
        file.write(b"nonsense \xff\n{}\n")
    assert stored_runs.durations_s(tmp_path) == {("fake", "100-life"): 3.0, ("fake", "310-active-writes"): 2.0}
    assert stored_runs.durations_s(tmp_path / "none") == {}


def test_results_home_is_the_named_the_environments_or_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIRRORCHECK_RESULTS", "/there")
    assert stored_runs.results_home(Path("/here")) == Path("/here")
    assert stored_runs.results_home() == Path("/there")
    monkeypatch.delenv("MIRRORCHECK_RESULTS")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert stored_runs.results_home() == Path("/state/mirrorcheck")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/me")
    assert stored_runs.results_home() == Path("/home/me/.local/state/mirrorcheck")


def test_matrix_lines_are_read_and_wrong_ones_refused(tmp_path: Path) -> None:
    assert stored_runs.read_mutants(tmp_path) == []
    assert stored_runs.read_coverage(tmp_path) == []
    path = tmp_path / "mutants.jsonl"
    path.write_text('{"kind":"mutants","mutant":"BF-13","verdict":"caught","caught_by":["310-active-writes"]}\n{"ki')
    (mutant,) = stored_runs.read_mutants(tmp_path)
    assert mutant.caught_by == ["310-active-writes"]
    path.write_text('{"kind":"coverage"}\n')
    with pytest.raises(UsageError, match=r"^/.*/mutants\.jsonl: line 1 is no record of mutants: .*$"):
        stored_runs.read_mutants(tmp_path)


@pytest.mark.slow
def test_run_killed_at_20_random_moments_leaves_results_that_are_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Kill the program with SIGKILL after a random share of its output; read what it left, and let commands read it."""
    suite = make_suite(tmp_path / "suite", {f"{number}-case": "" for number in range(100, 108)})
    home = tmp_path / "results"
    environment = {**os.environ, "MIRRORCHECK_RESULTS": str(home)}
    environment["PYTHONPATH"] = f"{fake_suite.FOLDER}:{fake_suite.FOLDER.parent.parent}"
    command = [sys.executable, fake_suite.__file__, "run", "-j", "2", "--suite", str(suite.root)]
    chance = random.Random(8)
    complete_count = 0
    for _ in range(20):
        told_bytes = chance.randrange(230)
        before = {path.name for path in home.iterdir()} if home.exists() else set()
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
            assert process.stdout is not None
            process.stdout.read(told_bytes)
            process.kill()
        for name in {path.name for path in home.iterdir()} - before - {"latest"}:
            if not (home / name / stored_runs.RESULTS_FILE).exists():
                continue  # not yet a run: nothing points to it
            run = read(home / name / stored_runs.RESULTS_FILE)
            assert len(run.records) + len(run.missing()) == 8
            assert all(record.verdict is Verdict.PASS for record in run.records)
            complete_count += run.is_complete
        if (home / "latest").exists():
            read(stored_runs.find("latest", home))
    assert complete_count < 20
    fake_suite.install(monkeypatch)
    for name in sorted(path.name for path in home.iterdir() if (path / stored_runs.RESULTS_FILE).exists()):
        path = str(home / name)
        assert cli.main(["analyze", path]) in (0, 2), capsys.readouterr()
        assert cli.main(["compare", path, "golden"]) == 0, capsys.readouterr()
        assert cli.main(["report", path]) == 0, capsys.readouterr()
