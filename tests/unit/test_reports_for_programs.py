"""The reports that other programs read: each is read by a parser that somebody else wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import junitparser
import pytest
from fake_suite import make_record
from markdown_it import MarkdownIt
from tap.parser import Parser

from harness.judge import SUITE_ITSELF
from harness.records import Record, RunStatus, Verdict
from harness.report import Reporter
from harness.report.annotations import CodeQualityReporter, GithubReporter, differing_line, github_command
from harness.report.junit import JunitReporter
from harness.report.markdown import MarkdownReporter, document
from harness.report.tap import TapReporter

HOSTILE = "</summary>``` # TODO ]]> \x1b[2J\x00 | [x](y) <b>*bold*</b>\n::error::x\r\n%0A"
DIFF = ["--- golden/g", "+++ transcript", "@@ -7,4 +7,4 @@", " same", " same", "-old", "+new"]

RECORDS = [
    make_record(),
    make_record(Verdict.KNOWN, case="110-known", reason=HOSTILE),
    make_record(Verdict.SKIP, case="120-skip", status=RunStatus.SKIPPED, reason=HOSTILE),
    make_record(Verdict.FAIL, case="310-fail", reason=HOSTILE, diff=[*DIFF, HOSTILE], golden="310-fail.out"),
    make_record(Verdict.BROKEN, case="320-broken", reason="bug", status=RunStatus.BROKEN, detail=HOSTILE),
    make_record(Verdict.UNAVAILABLE, case="330-gone", reason="gone", status=RunStatus.UNAVAILABLE),
]


def written(make: Callable[[str], Reporter], path: Path, records: list[Record]) -> str:
    reporter = make(str(path))
    reporter.start(len(records))
    for record in records:
        reporter.record(record)
    reporter.finish(records, interrupted=False)
    reporter.close()
    return path.read_text("utf-8")


def test_junit_is_read_by_junitparser(tmp_path: Path) -> None:
    written(JunitReporter, tmp_path / "r.xml", RECORDS)
    (suite,) = junitparser.JUnitXml.fromfile(str(tmp_path / "r.xml"))
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (6, 1, 2, 1)
    kinds = {case.name: [type(result).__name__ for result in case.result] for case in suite}
    assert kinds["310-fail"] == ["Failure"]
    assert kinds["320-broken"] == ["Error"]
    assert kinds["120-skip"] == ["Skipped"]
    assert kinds["310-active-writes"] == []


def test_tap_is_read_by_tap_py(tmp_path: Path) -> None:
    text = written(TapReporter, tmp_path / "r.tap", RECORDS)
    lines = list(Parser().parse_text(text))
    tests = [line for line in lines if line.category == "test"]
    assert [line.category for line in lines if line.category not in ("test", "unknown")][:2] == ["version", "plan"]
    assert [(line.ok, line.todo, line.skip) for line in tests] == [
        (True, False, False),
        (False, True, False),
        (True, False, True),
        (False, False, False),
        (False, False, False),
        (False, False, False),
    ]


def test_markdown_is_read_as_a_table_and_code_and_nothing_of_a_run_is_markup(tmp_path: Path) -> None:
    text = written(MarkdownReporter, tmp_path / "r.md", RECORDS)
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    kinds = [token.type for token in tokens]
    assert kinds.count("table_open") == 1
    fences = [token for token in tokens if token.type == "fence"]
    assert len(fences) == 3
    assert any("```" in fence.content for fence in fences)
    assert any("\\x1b[2J\\x00" in fence.content for fence in fences)
    inline = [child for token in tokens for child in token.children or []]
    assert not any(child.type in ("link_open", "em_open", "html_inline") for child in inline)
    html = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert all(re.fullmatch(r"<details><summary>[^<>]*</summary>|</details>", block) for block in html)


def test_markdown_shows_50_failures_and_counts_the_rest() -> None:
    records = [make_record(Verdict.FAIL, case=f"{number:03}-x") for number in range(60)]
    text = document(records, interrupted=True)
    assert text.count("<details>") == 50
    assert "10 more failures are not shown." in text
    assert "**interrupted: 60 failed**" in text


def test_github_command_is_one_line_that_decodes_to_what_was_meant(tmp_path: Path) -> None:
    command = github_command(RECORDS[3], tmp_path)
    match = re.fullmatch(r"::error file=([^,:]*),line=(\d+),title=([^,:]*)::([^\r\n]*)", command)
    assert match is not None
    assert match[1].endswith("golden/310-fail.out")
    assert match[2] == "9"
    assert match[3] == "310-fail on fake"
    message = match[4].replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
    assert "\n-old\n+new\n" in message
    assert "%0A" in message
    assert "\x1b" not in command


def test_github_shows_ten_and_counts_the_rest(tmp_path: Path) -> None:
    records = [make_record(Verdict.FAIL, case=f"{number:03}-x") for number in range(12)]
    text = written(lambda path: GithubReporter(path, tmp_path), tmp_path / "r", records)
    assert text.count("::error ") == 10
    assert text.endswith("::notice title=mirrorcheck::2 more failures\n")


#: Source: GitLab, "Code Quality report format": the fields that it demands, and the severities that it knows.
SEVERITIES = {"info", "minor", "major", "critical", "blocker"}


def test_code_quality_has_what_gitlab_demands(tmp_path: Path) -> None:
    orphan = make_record(Verdict.FAIL, case="315-gone.out", implementation=SUITE_ITSELF, golden="315-gone.out")
    records = [*RECORDS, orphan]
    issues = json.loads(written(lambda path: CodeQualityReporter(path, tmp_path), tmp_path / "r", records))
    assert len(issues) == 4
    for issue in issues:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in SEVERITIES
        assert isinstance(issue["location"]["lines"]["begin"], int)
        assert not issue["location"]["path"].startswith("./")
    assert len({issue["fingerprint"] for issue in issues}) == 4
    assert json.loads(written(lambda path: CodeQualityReporter(path, tmp_path), tmp_path / "r", RECORDS[:1])) == []


def test_path_is_relative_where_it_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "file=golden/310-fail.out,line=9," in github_command(RECORDS[3], tmp_path)
    assert "file=cases/320-broken.py,line=1," in github_command(RECORDS[4], tmp_path)


@pytest.mark.parametrize(
    ("diff", "line"),
    [([], 1), (["@@ -0,0 +1 @@", "+a"], 1), (["@@ -5 +5 @@", "-a"], 5), (DIFF, 9), (["@@ -1,2 +1 @@", " a", "-b"], 2)],
)
def test_line_of_a_difference_is_the_first_that_changes(diff: list[str], line: int) -> None:
    assert differing_line(diff) == line
