"""The gate: what is worse fails it, what is the same passes, and nothing flaky passes silently."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import command_line
import fake_suite
import pytest
from command_line import CommandLine
from fake_suite import make_record, write_case, write_golden

from harness.errors import UsageError
from harness.gating import Baseline, Kind, gated_record, slower
from harness.records import Record, RunStatus, Verdict
from harness.stored_runs import End, Header, RecordLine, StoredRun

CASE = "310-active-writes"
END = End(record_count=1, interrupted=False, exit_status=0, duration_s=1.0)


@pytest.fixture
def mirrorcheck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> CommandLine:
    return command_line.make(tmp_path, monkeypatch, capfd)


def stored(*records: Record, implementations: tuple[str, ...] = ("fake",), end: End | None = END) -> StoredRun:
    header = Header(
        format=1, id="x", mirrorcheck="0", started="", suite="/suite", implementations=list(implementations)
    )
    return StoredRun(path=Path("/run"), header=header, lines=[RecordLine(record=each) for each in records], end=end)


def fail(**fields: object) -> Record:
    values: dict[str, object] = {"reason": "it differs", "golden": "g", "diff": ["--- g", "+++ t", "@@ -3 +3 @@", "-a"]}
    return make_record(Verdict.FAIL, **(values | fields))


COMPARED = {
    "same pass": (make_record(), make_record(), Kind.SAME),
    "pass fails": (make_record(), fail(), Kind.WORSE),
    "fail passes": (fail(), make_record(), Kind.BETTER),
    "pass is skipped": (make_record(), make_record(Verdict.SKIP), Kind.WORSE),
    "skip passes": (make_record(Verdict.SKIP), make_record(), Kind.BETTER),
    "pass deviates": (make_record(), make_record(Verdict.KNOWN, reason="polite"), Kind.WORSE),
    "deviation is mended": (make_record(Verdict.KNOWN, reason="polite"), make_record(), Kind.BETTER),
    "deviation is stale": (make_record(Verdict.KNOWN), fail(reason="stale deviation: the case passes"), Kind.WORSE),
    "deviation is another": (
        make_record(Verdict.KNOWN, reason="polite"),
        make_record(Verdict.KNOWN, reason="rude"),
        Kind.WORSE,
    ),
    "deviation is the same": (
        make_record(Verdict.KNOWN, reason="polite"),
        make_record(Verdict.KNOWN, reason="polite"),
        Kind.SAME,
    ),
    "failure is the same": (fail(), fail(), Kind.SAME),
    "failure comes earlier": (fail(), fail(transcript="x", diff=["@@ -2 +2 @@", "-a"]), Kind.WORSE),
    "failure comes later": (fail(), fail(transcript="x", diff=["@@ -2,3 +2 @@", " b", " c", "-a"]), Kind.BETTER),
    "failure is another": (fail(), fail(transcript="x"), Kind.CHANGED),
    "failure is a crash now": (fail(), fail(status=RunStatus.CRASH), Kind.WORSE),
    "crash is a hang now": (fail(status=RunStatus.CRASH), fail(status=RunStatus.HANG), Kind.BETTER),
    "fail is broken": (fail(), make_record(Verdict.BROKEN), Kind.WORSE),
    "cannot be started": (make_record(), make_record(Verdict.UNAVAILABLE), Kind.CHANGED),
    "was not started": (make_record(Verdict.UNAVAILABLE), fail(), Kind.CHANGED),
    "new and passes": (make_record(case="100-life"), make_record(), Kind.NEW),
    "new and fails": (make_record(case="100-life"), fail(), Kind.WORSE),
}


@pytest.mark.parametrize("name", COMPARED)
def test_pair_is_compared_with_itself(name: str) -> None:
    before, now, kind = COMPARED[name]
    assert Baseline(stored(before), ["fake"]).judge(now).kind is kind


def test_pair_that_is_gone_vanished_if_it_was_asked_for() -> None:
    baseline = Baseline(stored(make_record(), make_record(case="100-life")), ["fake"])
    (change,) = baseline.vanished([make_record()], lambda case: True)
    assert (change.pair, change.kind, change.reason) == (("100-life", "fake"), Kind.VANISHED, "was pass, is gone")
    assert baseline.vanished([make_record()], lambda case: case == CASE) == []
    assert gated_record(change).verdict is Verdict.FAIL


def test_single_implementation_is_compared_whatever_it_is_called() -> None:
    baseline = Baseline(
        stored(make_record(implementation="qsd:/old/build"), implementations=("qsd:/old/build",)), ["qsd:/new/build"]
    )
    assert baseline.judge(make_record(implementation="qsd:/new/build")).kind is Kind.SAME


def test_baseline_without_the_implementation_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^the baseline has no implementation 'c': it has a, b$"):
        Baseline(stored(implementations=("a", "b")), ["a", "c"])


def test_baseline_that_is_not_complete_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^the baseline /run is not complete: it was killed, or still runs$"):
        Baseline(stored(end=None), ["fake"])
    interrupted = End(record_count=0, interrupted=True, exit_status=2, duration_s=1.0)
    with pytest.raises(UsageError, match=r"^the baseline /run is not complete: it was interrupted$"):
        Baseline(stored(end=interrupted), ["fake"])


def test_slower_is_said_of_what_passes_in_both() -> None:
    baseline = Baseline(stored(make_record(duration_s=1.0), fail(case="100-life", duration_s=1.0)), ["fake"])
    now = [make_record(duration_s=2.5), fail(case="100-life", duration_s=100.0)]
    assert slower(baseline, now, 3.0) == ""
    assert slower(baseline, now, 2.0) == "slower: 2.5 s instead of 1.0 s, more than 2 times as long"


def test_failure_of_the_baseline_counts_as_known_in_reports() -> None:
    change = Baseline(stored(fail()), ["fake"]).judge(fail())
    shown = gated_record(change)
    assert (shown.verdict, shown.reason) == (Verdict.KNOWN, "in the baseline: fails as before: it differs")


@pytest.mark.slow
def test_gate_on_the_same_failures_passes(mirrorcheck: CommandLine) -> None:
    write_case(mirrorcheck.root, CASE, "bench.say('goodbye')")
    assert mirrorcheck("run", "--results", "base")[0] == 1
    status, output, _ = mirrorcheck("gate", "--against", "base", "--junit", "r.xml")
    assert (status, output) == (0, f"results: {mirrorcheck.latest()}\ngate passed: 2 same\n")
    assert 'failures="0"' in (mirrorcheck.root / "r.xml").read_text()


@pytest.mark.slow
def test_gate_fails_on_what_is_worse_and_says_what_is_better(mirrorcheck: CommandLine) -> None:
    write_case(mirrorcheck.root, "100-life", "bench.say('goodbye')")
    mirrorcheck("run", "--results", "base")
    write_case(mirrorcheck.root, "100-life")
    write_case(mirrorcheck.root, CASE, "bench.say('goodbye')")
    status, output, _ = mirrorcheck("gate", "--against", "base", "-j", "1", "--rerun", "2", "--markdown", "r.md")
    assert status == 1
    reason = f"worse: was pass, is fail (the transcript differs from {CASE}.out)"
    assert f"{CASE}  reference  fail\n    {reason}\n" in output
    assert "better: 100-life reference: was fail (the transcript differs from 100-life.out), is pass\n" in output
    assert output.endswith("gate failed: 1 better, 1 worse\n")
    records = [json.loads(line) for line in (mirrorcheck.latest() / "results.jsonl").read_text().splitlines()]
    assert [line["attempt"] for line in records if line["kind"] == "record"] == [1, 1, 2, 3]
    assert sorted(os.listdir(mirrorcheck.latest() / "reruns")) == ["2", "3"]
    assert "1 passed, 1 failed" in (mirrorcheck.root / "r.md").read_text()
    assert mirrorcheck("gate", "--against", "base", "--run", str(mirrorcheck.latest()))[0] == 1


FLAKY = """
import os
path = __file__ + ".count"
count = int(open(path).read()) if os.path.exists(path) else 0
open(path, "w").write(str(count + 1))
bench.say("goodbye" if count == 0 else "hello")
"""


@pytest.mark.slow
@pytest.mark.parametrize(("options", "status"), [([], 1), (["--allow-flaky"], 0)])
def test_flaky_case_is_run_again_and_its_rate_is_said(
    mirrorcheck: CommandLine, options: list[str], status: int, tmp_path: Path
) -> None:
    mirrorcheck("run", "--results", "base")
    counter = tmp_path / "count"
    write_case(mirrorcheck.root, CASE, FLAKY.replace('__file__ + ".count"', repr(str(counter))))
    found, output, _ = mirrorcheck("gate", "--against", "base", *options)
    assert found == status
    assert "worse in 1 of 4 attempts: was pass, is fail" in output
    assert output.endswith(f"gate {'passed' if options else 'failed'}: 1 same, 1 flaky\n")


@pytest.mark.slow
def test_case_that_vanished_fails_and_one_not_asked_for_does_not(mirrorcheck: CommandLine) -> None:
    mirrorcheck("run", "--results", "base")
    (mirrorcheck.root / "cases" / f"{CASE}.py").unlink()
    (mirrorcheck.root / "golden" / f"{CASE}.out").unlink()
    status, output, _ = mirrorcheck("gate", "--against", "base")
    assert status == 1
    assert "vanished: was pass, is gone" in output
    assert mirrorcheck("gate", "--against", "base", "100")[0] == 0
    assert mirrorcheck("gate", "--against", "base", "-g", "quick")[0] == 1


@pytest.mark.slow
def test_slower_fails_only_when_asked(mirrorcheck: CommandLine) -> None:
    mirrorcheck("run", "--results", "base")
    assert mirrorcheck("gate", "--against", "base")[0] == 0
    status, output, _ = mirrorcheck("gate", "--against", "base", "--slower-than", "0.000001")
    assert status == 1
    assert "\nslower: " in output


@pytest.mark.slow
def test_implementation_that_cannot_be_started_is_125(mirrorcheck: CommandLine) -> None:
    mirrorcheck("run", "--results", "base")
    status, output, _ = mirrorcheck("gate", "--against", "base", "--impl", "fake:absent")
    assert status == 125
    assert output.endswith("gate undecided (the implementation could not be started): 2 changed\n")


@pytest.mark.slow
def test_case_file_that_breaks_is_255(mirrorcheck: CommandLine) -> None:
    mirrorcheck("run", "--results", "base")
    write_case(mirrorcheck.root, CASE, "bench.nonsense()")
    assert mirrorcheck("gate", "--against", "base", "--rerun", "0")[0] == 255


@pytest.mark.slow
def test_orphaned_golden_that_is_new_fails(mirrorcheck: CommandLine) -> None:
    mirrorcheck("run", "--results", "base")
    write_golden(mirrorcheck.root, "315-gone.out")
    assert mirrorcheck("gate", "--against", "base")[0] == 1


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.mark.slow
def test_git_bisect_run_finds_the_first_worse_commit_and_skips_what_does_not_start(mirrorcheck: CommandLine) -> None:
    """The version under test stands in a file of a repository; one does not start, 4 and later print something else."""
    write_case(mirrorcheck.root, CASE, "bench.say('hello' if float(bench.version) < 4 else 'goodbye')")
    mirrorcheck("run", "--results", "base", "--impl", "fake:1")
    repository = mirrorcheck.root.parent / "repository"
    repository.mkdir()
    git(repository, "init")
    for version in ("1", "2", "2.5", "absent", "3", "4", "5"):
        (repository / "version").write_text(version)
        git(repository, "add", "version")
        git(repository, "commit", "-m", f"version {version}")
    program = (
        f"{sys.executable} {fake_suite.__file__} gate --suite {mirrorcheck.root} --against {mirrorcheck.root}/base"
    )
    git(repository, "bisect", "start", "HEAD", "HEAD~6")
    output = git(repository, "bisect", "run", "sh", "-c", f"{program} -q --rerun 0 --impl fake:$(cat version)")
    assert "first bad commit" in output
    assert "version 4" in output
