"""Reports: terminal, JUnit, TAP, JSON lines."""

from __future__ import annotations

import io
import json
import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

import pytest
from fake_suite import make_record

from harness.errors import UsageError
from harness.records import Record, RunStatus, Task, Verdict
from harness.report import check_writable, replace_file, summary, visible
from harness.report.failure import excerpt
from harness.report.jsonlines import JsonLinesReporter, read
from harness.report.junit import JunitReporter, document
from harness.report.tap import TapReporter
from harness.report.terminal import TerminalReporter

NASTY = "a\x1b[2Jb\x00\u202ec\u2028d\ud800"
NASTY_VISIBLE = r"a\x1b[2Jb\x00\u202ec\u2028d\ud800"

PASS = make_record()
FAIL = make_record(
    Verdict.FAIL,
    case="320-conflicts",
    reason="the transcript differs from 320-conflicts.out",
    diff=["--- golden/320-conflicts.out", "+++ transcript", "@@ -1 +1 @@", *(f"+{index}" for index in range(20))],
    folder="/somewhere/320-conflicts",
    repeat_command="mirrorcheck run 320-conflicts --impl fake",
)
KNOWN = make_record(Verdict.KNOWN, case="330-known", reason="it # does")
SKIP = make_record(Verdict.SKIP, case="340-skip", status=RunStatus.SKIPPED, reason="needs x")
BROKEN = make_record(
    Verdict.BROKEN,
    case="350-broken",
    implementation="other",
    version="",
    status=RunStatus.BROKEN,
    reason="it died",
    detail="".join(f"line {index}\n" for index in range(12)),
)
ABSENT = make_record(
    Verdict.UNAVAILABLE, case="360-absent", implementation="gone", status=RunStatus.UNAVAILABLE, reason="not there"
)
ALL = [PASS, FAIL, KNOWN, SKIP, BROKEN, ABSENT]

FAIL_TEXT = """\
    the transcript differs from 320-conflicts.out
    --- golden/320-conflicts.out
    +++ transcript
    @@ -1 +1 @@
    +0
    +1
    +2
    +3
    +4
    +5
    +6
    (13 more lines in diff.txt)
    everything about it: /somewhere/320-conflicts
    repeat: mirrorcheck run 320-conflicts --impl fake
"""


def terminal_output(records: Sequence[Record], *, quiet: bool = False, interrupted: bool = False) -> str:
    stream = io.StringIO()
    reporter = TerminalReporter(stream, quiet=quiet)
    reporter.start(len(records))
    for record in records:
        reporter.record(record)
    reporter.finish(records, interrupted=interrupted)
    reporter.close()
    return stream.getvalue()


class FakeTerminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_visible_shows_what_would_disturb() -> None:
    assert visible(NASTY) == NASTY_VISIBLE
    assert visible("tab\tünï 漢\n") == "tab\tünï 漢\n"
    assert visible("\r\x7f\x85\ufeff\ue000") == r"\r\x7f\x85\ufeff\ue000"


def test_summary_counts_each_verdict_that_occurs() -> None:
    assert summary([]) == "nothing ran"
    assert summary([PASS, PASS, KNOWN]) == "2 passed, 1 known deviation"
    assert summary(ALL) == "1 passed, 1 known deviation, 1 failed, 1 broken, 1 unavailable, 1 skipped"


def test_terminal_elsewhere_is_one_line_a_case_and_each_failure_in_short() -> None:
    assert terminal_output([PASS, FAIL, KNOWN, SKIP]) == (
        "310-active-writes  fake  pass  12 ms\n"
        "320-conflicts      fake  fail  12 ms\n" + FAIL_TEXT + "330-known          fake  known  (it # does)\n"
        "340-skip           fake  skip  needs x\n"
        "1 passed, 1 known deviation, 1 failed, 1 skipped\n"
    )


def test_terminal_when_quiet_shows_only_failures_and_the_result() -> None:
    output = terminal_output([PASS, FAIL, KNOWN, SKIP], quiet=True)
    assert output == "320-conflicts  fake  fail  12 ms\n" + FAIL_TEXT + (
        "1 passed, 1 known deviation, 1 failed, 1 skipped\n"
    )


def test_terminal_says_once_that_an_implementation_is_not_there() -> None:
    assert terminal_output([ABSENT, ABSENT, ABSENT]) == "360-absent  gone  unavailable\n    not there\n3 unavailable\n"


def test_terminal_when_interrupted_says_so_last() -> None:
    assert terminal_output([PASS], interrupted=True).splitlines()[-1] == "interrupted: 1 passed"


def test_terminal_cannot_be_disturbed_by_a_record() -> None:
    output = terminal_output(
        [make_record(Verdict.FAIL, case=NASTY, reason=NASTY, diff=["+" + NASTY], folder=NASTY, repeat_command=NASTY)]
    )
    assert NASTY_VISIBLE in output
    assert output == visible(output)


def test_terminal_on_a_terminal_shows_progress_and_what_is_remarkable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    stream = FakeTerminal()
    reporter = TerminalReporter(stream)
    reporter.start(4)
    for record in (PASS, FAIL, KNOWN, SKIP):
        reporter.record(record)
    reporter.finish([PASS, FAIL, KNOWN, SKIP], interrupted=False)
    reporter.close()
    output = stream.getvalue()
    assert "4/4" in output
    assert not re.search(r"\x1b\[[0-9;]*[1-9][0-9;]*m", output)  # NO_COLOR
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", output)
    assert "320-conflicts  fake  fail  12 ms\n" + FAIL_TEXT in plain
    assert "310-active-writes  fake  pass" not in plain
    assert plain.endswith(
        "330-known      fake  known  (it # does)\n340-skip       fake  skip  needs x\n"
        "1 passed, 1 known deviation, 1 failed, 1 skipped\n"
    )


def test_terminal_on_a_terminal_uses_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = FakeTerminal()
    reporter = TerminalReporter(stream, quiet=True)
    reporter.start(1)
    reporter.record(FAIL)
    reporter.finish([FAIL], interrupted=False)
    assert "\x1b[1;31m320-conflicts  fake  fail  12 ms\x1b[0m" in stream.getvalue()


def test_excerpt_of_a_traceback_is_its_end() -> None:
    lines = ["it died", "(2 lines before)", *(f"line {index}" for index in range(2, 12))]
    assert excerpt(BROKEN) == lines


def test_tap_has_plan_directives_and_reasons(tmp_path: Path) -> None:
    path = tmp_path / "report.tap"
    reporter = TapReporter(str(path))
    reporter.start(5)
    for record in (PASS, KNOWN, SKIP, BROKEN):
        reporter.record(record)
    reporter.finish([], interrupted=True)
    reporter.close()
    detail = json.dumps([f"line {index}" for index in range(12)])
    assert path.read_text() == (
        "TAP version 13\n"
        "1..5\n"
        "ok 1 - 310-active-writes fake\n"
        "not ok 2 - 330-known fake # TODO known deviation: it \\# does\n"
        "ok 3 - 340-skip fake # SKIP needs x\n"
        "not ok 4 - 350-broken other\n"
        "  ---\n"
        '  verdict: "broken"\n'
        '  status: "broken"\n'
        '  reason: "it died"\n'
        f"  detail: {detail}\n"
        "  ...\n"
        "Bail out! interrupted\n"
    )


def test_tap_cannot_be_disturbed_by_a_record(tmp_path: Path) -> None:
    path = tmp_path / "report.tap"
    reporter = TapReporter(str(path))
    reporter.record(make_record(case="a\nok 2 # SKIP", implementation=NASTY))
    reporter.close()
    assert path.read_text() == f"ok 1 - a ok 2 \\# SKIP {NASTY_VISIBLE.replace(chr(92), chr(92) * 2)}\n"


def test_junit_has_a_suite_for_each_implementation() -> None:
    root = ElementTree.fromstring(document(ALL))
    assert root.attrib == {
        "name": "mirrorcheck",
        "tests": "6",
        "failures": "1",
        "errors": "2",
        "skipped": "1",
        "time": "0.072",
    }
    assert [suite.get("name") for suite in root] == ["fake", "other", "gone"]
    fake = root[0]
    properties = {each.get("name"): each.get("value") for each in fake.iter("property")}
    assert properties == {"implementation": "fake", "version": "1.0"}
    children = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert children == {
        "310-active-writes": [],
        "320-conflicts": ["failure"],
        "330-known": ["system-out"],
        "340-skip": ["skipped"],
        "350-broken": ["error"],
        "360-absent": ["error"],
    }
    failure = fake.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "the transcript differs from 320-conflicts.out"
    assert failure.text == "\n".join(excerpt(FAIL))


def test_junit_is_valid_xml_whatever_a_record_holds() -> None:
    record = make_record(
        Verdict.FAIL, case=NASTY, implementation=NASTY, version=NASTY, reason=NASTY + "]]>", diff=["+" + NASTY]
    )
    root = ElementTree.fromstring(document([record]))
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("message") == NASTY_VISIBLE + "]]>"


def test_junit_is_written_in_one_step_and_not_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    path.write_text("old")
    reporter = JunitReporter(str(path))
    reporter.start(1)
    reporter.record(PASS)
    assert path.read_text() == "old"
    reporter.finish([PASS], interrupted=False)
    reporter.close()
    assert ElementTree.fromstring(path.read_bytes()).get("tests") == "1"
    assert os.listdir(tmp_path) == ["report.xml"]


def test_json_lines_give_back_the_records(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    path.write_text("from before\n")
    reporter = JsonLinesReporter(str(path))
    reporter.start(len(ALL))
    for count, record in enumerate(ALL, start=1):
        reporter.record(record)
        assert len(read(path)) == count  # valid at every moment, without close
    reporter.finish(ALL, interrupted=False)
    reporter.close()
    reporter.close()
    assert read(path) == ALL


def test_json_lines_coverage_of_a_whole_run_is_no_record(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    reporter = JsonLinesReporter(str(path))
    reporter.record(make_record())
    reporter.coverage("reference", "1 transitions", ["event BLOCK_JOB_READY"])
    reporter.close()
    assert read(path) == [make_record()]
    last = path.read_text().splitlines()[-1]
    assert json.loads(last) == {
        "coverage": {"implementation": "reference", "seen": "1 transitions", "unseen": ["event BLOCK_JOB_READY"]}
    }


def test_json_lines_cut_by_a_kill_give_what_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    reporter = JsonLinesReporter(str(path))
    reporter.record(PASS)
    reporter.record(FAIL)
    reporter.close()
    path.write_bytes(path.read_bytes()[:-1])
    assert read(path) == [PASS]


def test_json_lines_that_are_no_records_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    path.write_text("{}\n")
    with pytest.raises(UsageError, match=r"line 1 is no record: Object missing required field `run`$"):
        read(path)
    with pytest.raises(UsageError, match=r"^cannot read .*/none: No such file or directory$"):
        read(tmp_path / "none")


def test_check_writable_leaves_nothing(tmp_path: Path) -> None:
    check_writable(str(tmp_path / "new"))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("reporter", [TapReporter, JsonLinesReporter, JunitReporter])
def test_report_that_cannot_be_written_is_refused_at_once(tmp_path: Path, reporter: type[TapReporter]) -> None:
    with pytest.raises(UsageError, match=rf"^cannot write {tmp_path}/no/file: No such file or directory$"):
        reporter(str(tmp_path / "no" / "file"))


@pytest.mark.parametrize("reporter", [TapReporter, JsonLinesReporter])
def test_report_on_a_full_disk_is_an_error_that_names_it(reporter: type[TapReporter]) -> None:
    full = reporter("/dev/full")
    with pytest.raises(UsageError, match=r"^cannot write /dev/full: No space left on device$"):
        full.record(PASS)
    full.close()


def test_replace_file_keeps_links_and_special_files(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("old")
    link = tmp_path / "link"
    link.symlink_to(target)
    replace_file(str(link), b"new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    replace_file("/dev/null", b"new")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(UsageError, match=r"^cannot write /dev/full: No space left on device$"):
        replace_file("/dev/full", b"new")


def test_terminal_says_how_much_time_is_left_from_earlier_runs() -> None:
    terminal = TerminalReporter(io.StringIO())
    tasks = [Task(case_path="/x", case_id=f"{number}-x", implementation="fake") for number in (100, 200, 300)]
    assert terminal._time_left() == ""
    terminal.expect(tasks, {("fake", "100-x"): 6.0, ("fake", "200-x"): 2.0}, 2)
    assert terminal._time_left() == "about 6.0 s left"
    terminal.record(make_record(case="100-x"))
    assert terminal._time_left() == "about 4.0 s left"
    for case in ("200-x", "300-x"):
        terminal.record(make_record(case=case))
    assert terminal._time_left() == ""
