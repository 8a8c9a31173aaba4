"""Verdicts, and what is kept of a run that got a bad one."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from fake_suite import make_record, make_run, make_suite, write_golden

from harness import artefacts, judge
from harness.errors import UsageError
from harness.golden import Golden
from harness.judge import Judge
from harness.records import Record, RunStatus, Verdict

CASE = "310-active-writes"
DEVIATION = f"""
[[deviation]]
implementation = "fake"
versions = "*"
cases = ["{CASE}"]
reason = "it says goodbye"
fix = "none known"
"""


def make_judge(root: Path, entry: str = "", **goldens: str) -> Judge:
    texts = {f"{CASE}.out": "hello\n", "deviations.toml": DEVIATION + entry if entry else ""}
    return judge.load(make_suite(root, {CASE: ""}, texts | goldens), [CASE])


def with_transcript(root: Path) -> Judge:
    write_golden(root, f"deviations/{CASE}.fake.out", "goodbye\n")
    return make_judge(root, f'transcript = "{CASE}.fake.out"\n')


def verdict_and_reason(record: Record) -> tuple[Verdict, str]:
    return record.verdict, record.reason


def test_completed_run_that_equals_its_golden_passes(tmp_path: Path) -> None:
    record = make_judge(tmp_path).judge(make_run())
    assert record == Record(
        run=make_run(),
        verdict=Verdict.PASS,
        golden=f"{CASE}.out",
        repeat_command=f"mirrorcheck run {CASE} --impl fake --suite {tmp_path}",
    )


@pytest.mark.parametrize("transcript", ["", "hello", "Hello\n", "hello\r\n", "hello\n\n", "hello\nhello\n", "hellp\n"])
def test_completed_run_that_differs_anywhere_fails(tmp_path: Path, transcript: str) -> None:
    record = make_judge(tmp_path).judge(make_run(transcript=transcript))
    assert verdict_and_reason(record) == (Verdict.FAIL, f"the transcript differs from {CASE}.out")
    assert record.diff[:2] == [f"--- golden/{CASE}.out", "+++ transcript"]
    assert len(record.diff) > 3


def test_variant_is_chosen_by_the_run_s_features(tmp_path: Path) -> None:
    the_judge = make_judge(tmp_path)
    variants = f'[[variant]]\nwhen = ["x"]\ngolden = "{CASE}.x.out"\n[[variant]]\ngolden = "{CASE}.out"\n'
    write_golden(tmp_path, f"{CASE}.cfg", variants)
    write_golden(tmp_path, f"{CASE}.x.out", "hello, x\n")
    record = the_judge.judge(make_run(features=["x"], transcript="hello, x\n"))
    assert (record.verdict, record.golden) == (Verdict.PASS, f"{CASE}.x.out")
    assert the_judge.judge(make_run(features=["x"])).verdict is Verdict.FAIL


def test_completed_run_without_golden_fails_by_name_and_shows_what_it_printed(tmp_path: Path) -> None:
    the_judge = make_judge(tmp_path)
    (tmp_path / "golden" / f"{CASE}.out").unlink()
    record = the_judge.judge(make_run())
    assert verdict_and_reason(record) == (Verdict.FAIL, f"golden {CASE}.out is missing")
    assert record.diff[3:] == ["+hello"]


@pytest.mark.parametrize(
    ("status", "verdict", "reason"),
    [
        (RunStatus.SKIPPED, Verdict.SKIP, "why"),
        (RunStatus.UNAVAILABLE, Verdict.UNAVAILABLE, "why"),
        (RunStatus.CASE_ERROR, Verdict.BROKEN, "why"),
        (RunStatus.BROKEN, Verdict.BROKEN, "why"),
        (RunStatus.LEFT_BEHIND, Verdict.FAIL, "why"),
        (RunStatus.WRONG, Verdict.FAIL, "wrong: why"),
        (RunStatus.CRASH, Verdict.FAIL, "crash: why"),
        (RunStatus.HANG, Verdict.FAIL, "hang: why"),
    ],
)
def test_run_that_did_not_complete_never_passes(
    tmp_path: Path, status: RunStatus, verdict: Verdict, reason: str
) -> None:
    """Not even when what it printed equals the golden."""
    record = make_judge(tmp_path).judge(make_run(status=status, reason="why"))
    assert verdict_and_reason(record) == (verdict, reason)


def test_every_status_has_a_verdict(tmp_path: Path) -> None:
    the_judge = make_judge(tmp_path)
    assert {status: the_judge.judge(make_run(status=status)).verdict for status in RunStatus}.keys() == set(RunStatus)


def test_run_that_stopped_shows_how_far_it_came(tmp_path: Path) -> None:
    the_judge = make_judge(tmp_path, **{f"{CASE}.out": "one\ntwo\n"})
    record = the_judge.judge(make_run(status=RunStatus.HANG, reason="nothing moves", transcript="one\n"))
    assert record.diff == [f"--- golden/{CASE}.out", "+++ transcript", "@@ -1,2 +1 @@", " one", "-two"]


def test_deviation_that_happens_as_listed_is_known(tmp_path: Path) -> None:
    record = with_transcript(tmp_path).judge(make_run(transcript="goodbye\n"))
    assert verdict_and_reason(record) == (Verdict.KNOWN, "it says goodbye")
    assert record.golden == f"deviations/{CASE}.fake.out"


def test_deviation_that_no_longer_applies_fails(tmp_path: Path) -> None:
    record = with_transcript(tmp_path).judge(make_run())
    reason = "stale deviation: the case passes (it says goodbye)"
    assert verdict_and_reason(record) == (Verdict.FAIL, reason)
    assert record.diff == []


def test_deviation_cannot_hide_another_fault(tmp_path: Path) -> None:
    the_judge = with_transcript(tmp_path)
    record = the_judge.judge(make_run(transcript="good night\n"))
    reason = f"the transcript differs from {CASE}.out and from the known deviation's deviations/{CASE}.fake.out"
    assert verdict_and_reason(record) == (Verdict.FAIL, reason)
    assert record.diff[3:] == ["-goodbye", "+good night"]
    record = the_judge.judge(make_run(status=RunStatus.CRASH, reason="it ended", transcript="goodbye\n"))
    reason = f"crash: it ended (the known deviation is deviations/{CASE}.fake.out)"
    assert verdict_and_reason(record) == (Verdict.FAIL, reason)


VARYING = ("begin", "cancel", "offset 1", "between", "pause", "end")
FAULTY = ("begin", "cancel", "one more copy", "offset 2", "between", "pause, and nothing", "end")


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        (VARYING, Verdict.PASS),
        (FAULTY, Verdict.KNOWN),
        (("begin", "cancel", "one more copy", "offset 2", "between", "pause", "end"), Verdict.KNOWN),
        (("begin", "cancel", "offset 1", "between", "pause, and nothing", "end"), Verdict.KNOWN),
        (("begin", "cancel", "one more copy", "offset 1", "between", "pause", "end"), Verdict.FAIL),
        (("begin", "cancel", "offset 3", "between", "pause", "end"), Verdict.FAIL),
        (("begin", "cancel", "offset 1", "between", "pause"), Verdict.FAIL),
        (("begin", "cancel", "offset 1", "between", "pause", "end", "end"), Verdict.FAIL),
    ],
)
def test_deviation_that_varies_is_one_or_the_other_wherever_they_differ(
    tmp_path: Path, lines: tuple[str, ...], verdict: Verdict
) -> None:
    write_golden(tmp_path, f"deviations/{CASE}.fake.out", "".join(f"{line}\n" for line in FAULTY))
    entry = f'transcript = "{CASE}.fake.out"\nvaries = "how fast it is"\n'
    the_judge = make_judge(tmp_path, entry, **{f"{CASE}.out": "".join(f"{line}\n" for line in VARYING)})
    record = the_judge.judge(make_run(transcript="".join(f"{line}\n" for line in lines)))
    assert record.verdict is verdict


def test_deviation_whose_transcript_is_missing_fails_by_name(tmp_path: Path) -> None:
    the_judge = make_judge(tmp_path, f'transcript = "{CASE}.fake.out"\n')
    record = the_judge.judge(make_run(transcript="goodbye\n"))
    assert verdict_and_reason(record) == (Verdict.FAIL, f"golden deviations/{CASE}.fake.out is missing")


@pytest.mark.parametrize("message", ["", 'message = "nothing .*"\n'])
def test_deviation_by_status_is_known_when_status_and_message_fit(tmp_path: Path, message: str) -> None:
    the_judge = make_judge(tmp_path, f'status = "hang"\n{message}')
    record = the_judge.judge(make_run(status=RunStatus.HANG, reason="nothing moves"))
    assert verdict_and_reason(record) == (Verdict.KNOWN, "it says goodbye")


@pytest.mark.parametrize(
    ("status", "reason", "judged"),
    [
        (RunStatus.CRASH, "nothing moves", "crash: nothing moves (the known deviation is hang nothing.*)"),
        (RunStatus.HANG, "and nothing moves", "hang: and nothing moves (the known deviation is hang nothing.*)"),
        (RunStatus.COMPLETED, "", f"the transcript differs from {CASE}.out, and the known deviation is a hang"),
    ],
)
def test_deviation_by_status_that_happens_otherwise_fails(
    tmp_path: Path, status: RunStatus, reason: str, judged: str
) -> None:
    the_judge = make_judge(tmp_path, 'status = "hang"\nmessage = "nothing.*"\n')
    record = the_judge.judge(make_run(status=status, reason=reason, transcript="other\n"))
    assert verdict_and_reason(record) == (Verdict.FAIL, judged)


def test_deviation_by_status_is_stale_when_the_case_passes(tmp_path: Path) -> None:
    record = make_judge(tmp_path, 'status = "hang"\n').judge(make_run())
    assert record.reason == "stale deviation: the case passes (it says goodbye)"


def test_skipped_run_says_nothing_about_a_deviation(tmp_path: Path) -> None:
    record = with_transcript(tmp_path).judge(make_run(status=RunStatus.SKIPPED, reason="needs x"))
    assert verdict_and_reason(record) == (Verdict.SKIP, "needs x")


def test_suite_problems_are_failed_records(tmp_path: Path) -> None:
    the_judge = make_judge(tmp_path, **{"315-gone.out": ""})
    (record,) = the_judge.judge_suite([CASE])
    assert (record.verdict, record.case, record.implementation) == (Verdict.FAIL, "315-gone.out", "suite")
    assert record.reason == "golden 315-gone.out belongs to no case"
    assert record.repeat_command == f"mirrorcheck list --check --suite {tmp_path}"


def test_repeat_command_is_quoted_for_a_shell_and_names_what_matters(tmp_path: Path) -> None:
    suite = msgspec.structs.replace(make_suite(tmp_path, {}), explicit=False)
    the_judge = judge.load(suite, [], ("--timeout", "5"))
    assert the_judge.repeat_command(CASE, "fake:/a b") == f"mirrorcheck run {CASE} --impl 'fake:/a b' --timeout 5"


def test_run_with_lone_surrogates_can_be_stored(tmp_path: Path) -> None:
    record = make_judge(tmp_path).judge(make_run(transcript="a\udcffb\n", reason="\udc80"))
    assert record.run.transcript == "a\\udcffb\n"
    assert msgspec.json.decode(msgspec.json.encode(record), type=Record) == record


def test_artefacts_hold_everything_about_a_run(tmp_path: Path) -> None:
    folder = tmp_path / "results" / CASE
    record = make_record(Verdict.FAIL, folder=str(folder), transcript="ü\n", diff=["-hello", "+ü"])
    artefacts.write(record, Golden(f"{CASE}.out", "hello\n"))
    assert sorted(path.name for path in folder.iterdir()) == ["diff.txt", "golden.out", "record.json", "transcript.out"]
    assert (folder / "transcript.out").read_text("utf-8") == "ü\n"
    assert (folder / "golden.out").read_text() == "hello\n"
    assert (folder / "diff.txt").read_text("utf-8") == "-hello\n+ü\n"
    assert msgspec.json.decode((folder / "record.json").read_bytes(), type=Record) == record


def test_artefacts_when_the_folder_cannot_be_made_are_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=rf"^cannot write {tmp_path}/file/x: Not a directory$"):
        artefacts.write(make_record(folder=str(tmp_path / "file" / "x")), None)
