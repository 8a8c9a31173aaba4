"""The page: what the data says is on it, what is hostile is not, and a real browser agrees."""

from __future__ import annotations

import base64
import gzip
import html.parser
import json
import os
import random
import re
from pathlib import Path
from typing import Any

import chromium
import command_line
import pytest
from chromium import Chromium
from command_line import CommandLine
from fake_suite import make_record, write_case, write_golden

from harness import deviations, judge
from harness.errors import UsageError
from harness.records import Record, RunStatus, Verdict
from harness.report import page
from harness.report.timeline import timeline
from harness.stored_runs import CaseInfo, Coverage, End, Header, Mutants, RecordLine, StoredRun
from harness.suite import Suite

CASE = "310-active-writes"
HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>\n"
    "]]> --> &amp; \x00\x1b[31m\u202ereversed\u2028\x85{{ 7 * 7 }}{% raw %}\n"
)

needs_chromium = pytest.mark.skipif(chromium.PROGRAM is None, reason="no chromium on this machine")


@pytest.fixture
def mirrorcheck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> CommandLine:
    return command_line.make(tmp_path, monkeypatch, capfd)


def make_page(folder: Path, *records: Record, bytes_max: int = page.DEFAULT_BYTES_MAX, **matrices: Any) -> str:
    """Return the page about a run with these records, of a suite whose goldens say hello."""
    case_ids = sorted({record.case for record in records})
    for case_id in case_ids:
        write_golden(folder, f"{case_id}.out")
    header = Header(
        format=1,
        id="x",
        mirrorcheck="0.1.0",
        started="2026-01-02T03:04:05Z",
        suite=str(folder),
        command=["run"],
        implementations=list(dict.fromkeys(record.implementation for record in records)),
        cases=[CaseInfo(id=case_id, claim="claims something", groups=["quick"]) for case_id in case_ids],
    )
    lines = [RecordLine(record=record) for record in records]
    end = End(record_count=len(lines), interrupted=False, exit_status=0, duration_s=1.0)
    run = StoredRun(path=folder, header=header, lines=lines, end=end)
    a_judge = judge.Judge(Suite(root=folder), deviations.Deviations())
    judged = [a_judge.judge(record.run) for record in records]
    return page.document(run, judged, a_judge, bytes_max=bytes_max, **matrices).decode()


class Parser(html.parser.HTMLParser):
    """Collects the tags of a page, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def blocks(text: str) -> dict[str, Any]:
    found = re.findall(r'<script type="text/plain" id="([^"]+)">([A-Za-z0-9+/=]*)</script>', text)
    return {name: json.loads(gzip.decompress(base64.b64decode(data))) for name, data in found}


def test_page_has_what_the_run_has(tmp_path: Path) -> None:
    text = make_page(tmp_path, make_record(), make_record(implementation="fake:2", transcript="hello\nmore\n"))
    assert f'<a href="#{CASE}/2/2" data-verdict="fail"' in text
    (block,) = blocks(text).values()
    assert block["transcripts"] == [["hello"], ["hello", "more"]]
    assert [side["transcript"] for side in block["sides"]] == [0, 1]
    assert block["sides"][1]["reason"] == f"the transcript differs from {CASE}.out"
    assert make_page(tmp_path, make_record()) == make_page(tmp_path, make_record())


def test_page_needs_nothing_from_elsewhere_and_allows_only_its_own(tmp_path: Path) -> None:
    tags = Parser(make_page(tmp_path, make_record())).tags
    addresses = [value for _, attributes in tags for name, value in attributes.items() if name in ("src", "href")]
    assert all(value is not None and (value.startswith("#") or value == "data:,") for value in addresses)
    (policy,) = [attributes for tag, attributes in tags if attributes.get("http-equiv")]
    assert str(policy["content"]).startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in str(policy["content"])


def test_hostile_transcript_does_not_enter_the_page(tmp_path: Path) -> None:
    plain = Parser(make_page(tmp_path / "a", make_record(Verdict.FAIL, transcript="x\n", version="x"))).tags
    record = make_record(
        Verdict.FAIL,
        **dict.fromkeys(("transcript", "detail", "version"), HOSTILE),
        status=RunStatus.WRONG,
        case=CASE,
    )
    text = make_page(
        tmp_path / "b",
        record,
        mutants=[Mutants(mutant=HOSTILE, summary=HOSTILE, verdict="caught", caught_by=[HOSTILE])],
        coverage=[Coverage(case=HOSTILE, dimension=HOSTILE, reached=[HOSTILE])],
    )
    tags = Parser(text).tags
    assert [tag for tag, _ in tags].count("script") == [tag for tag, _ in plain].count("script")
    assert not any(tag == "img" or name.startswith("on") for tag, attributes in tags for name in attributes)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e]", text)
    assert "7 * 7" in text
    lines = blocks(text)["c0"]["transcripts"][0]
    assert lines[1] == "]]> --> &amp; \\x00\\x1b[31m\\u202ereversed\\u2028\\x85{{ 7 * 7 }}{% raw %}"


def test_endless_lines_and_transcripts_are_cut(tmp_path: Path) -> None:
    endless = "x" * 10_000_000
    text = make_page(tmp_path, make_record(transcript=f"{endless}\n" + "line\n" * 20_000, version=endless))
    assert len(text) < 100_000
    lines = next(lines for lines in blocks(text)["c0"]["transcripts"] if lines[0] != "hello")
    assert lines[0].endswith("… (9998000 more characters)")
    assert lines[-1] == "… (15001 more lines are not on this page)"


def test_page_that_would_be_too_large_leaves_passes_out_first(tmp_path: Path) -> None:
    chance = random.Random(1)
    noise = ["".join(chance.choices("abcdefghij", k=3000)) + "\n" for _ in range(2)]
    bad = make_record(case="310-bad", transcript=noise[1])
    text = make_page(tmp_path, make_record(case="100-good", transcript="hello\n", detail=noise[0]), bad)
    small = make_page(
        tmp_path, make_record(case="100-good", transcript="hello\n", detail=noise[0]), bad, bytes_max=len(text) - 1
    )
    assert list(blocks(small)) == ["c1"]
    assert "1 transcripts and timelines are not on this page" in small
    with pytest.raises(UsageError, match=r"^the matrix alone takes \d+ bytes, and the page may have 1000$"):
        make_page(tmp_path, make_record(), bytes_max=1000)


@pytest.mark.slow
def test_page_of_300_cases_on_4_implementations_has_at_most_5_mb(tmp_path: Path) -> None:
    chance = random.Random(2)

    def record(number: int, implementation: str) -> Record:
        lines = [
            f'event JOB_STATUS_CHANGE {{"id": "job0", "offset": {chance.randrange(1 << 30)}}}\n' for _ in range(60)
        ]
        return make_record(case=f"{number:03}-case", implementation=implementation, transcript="".join(lines))

    records = [record(number, f"fake:{version}") for number in range(300) for version in range(4)]
    text = make_page(tmp_path, *records)
    assert len(text.encode()) <= 5_000_000
    assert len(blocks(text)) == 300


def test_matrices_are_shown(tmp_path: Path) -> None:
    text = make_page(
        tmp_path,
        make_record(),
        mutants=[
            Mutants(mutant="BF-13", verdict="survived"),
            Mutants(mutant="A10", verdict="caught", caught_by=[CASE]),
        ],
        coverage=[
            Coverage(case=CASE, dimension="transitions", reached=["created running"], known=["ready standby"]),
            Coverage(case="100-life", dimension="transitions", reached=["created running"]),
        ],
    )
    assert '<td class="fail">survived</td>' in text
    assert f'<a href="#{CASE}">{CASE}</a>' in text
    assert "<h3>transitions: 1 of 2</h3>" in text
    assert f'<th scope="row">created running</th><td class="pass">2</td><td>{CASE} 100-life</td>' in text


def test_timeline_has_bars_in_lanes_and_survives_nonsense() -> None:
    entries: list[list[Any]] = [
        ["disk", "source", 8192, 4096, ["11", ""]],
        ["disk", "target", 8192, 4096, ["", ""]],
        ["guest", 1, "source", "write", 0, 4096],
        ["storage", "target", 0, "write", 0, 4096, "held"],
        ["event", "JOB_STATUS_CHANGE", "job0", "running"],
        ["inside", [[4096, 4096]], ["copy 0+4096"]],
        ["storage-end", "target", 0, 5],
        ["line", 1, {"target": {"0": "11"}}],
        ["guest-end", 1, 0],
        ["inside", [], []],
        ["line", 7],
        ["line", "x"],
        ["guest", "x"],
        ["disk", "bad", -1, 0, []],
        ["inside", [["a"], [-1, 5]], [{}]],
        ["cut", 5],
    ]
    drawn = timeline(entries)
    assert [(bar.start, bar.end, bar.text, bar.style) for bar in drawn.lanes["target"]] == [
        (3, 6, "write 0+4k", "write held failed")
    ]
    assert [(bar.start, bar.end) for bar in drawn.lanes["guest"]] == [(2, 8)]
    assert [(bar.text, bar.end) for bar in drawn.lanes["mirror"]][:1] == [("copy 0+4096", 9)]
    assert drawn.lanes["job"][0].text == "job0 running"
    assert drawn.dirty == [(5, "01"), (9, "00")]
    assert drawn.lines == [7]
    assert drawn.disks[1].changes == [(1, {"0": "11"})]
    assert drawn.is_cut


@pytest.mark.slow
def test_report_command_writes_the_page_into_the_run(mirrorcheck: CommandLine) -> None:
    mirrorcheck("run")
    path = mirrorcheck.latest() / "report.html"
    assert mirrorcheck("report") == (0, f"{path}\n", "")
    assert path.read_text().startswith("<!DOCTYPE html>")
    assert mirrorcheck("report", "-o", "/dev/full")[0] == 254
    status, _, error = mirrorcheck("report", "--max-bytes", "10")
    assert (status, error.count("\n")) == (254, 1)


@needs_chromium
@pytest.mark.slow
def test_real_browser_opens_filters_and_follows_a_link_to_a_step(mirrorcheck: CommandLine, tmp_path: Path) -> None:
    greeting = "".join(f"bench.say('line {number}')\n" for number in range(100))
    write_case(mirrorcheck.root, CASE, f"{greeting}bench.say(bench.version)\nbench.say({HOSTILE!r})")
    expected = "".join(f"line {number}\n" for number in range(100)) + "1.0\n"
    write_golden(mirrorcheck.root, f"{CASE}.out", expected)
    mirrorcheck("run", "--impl", "fake", "--impl", "fake:2.0", "--results", "out")
    trace = (mirrorcheck.root / "out" / "latest").resolve() / "fake" / CASE / "trace.jsonl"
    trace.parent.mkdir(parents=True, exist_ok=True)
    entries = [["trace", 1], ["disk", "source", 8192, 4096, ["11", ""]], ["disk", "target", 8192, 4096, ["", ""]]]
    entries += [
        ["guest", 1, "source", "write", 0, 4096],
        ["line", 1],
        ["storage", "target", 0, "write", 0, 4096, "held"],
    ]
    entries += [["event", "JOB_STATUS_CHANGE", "job0", HOSTILE], ["line", 2, {"target": {"0": "11"}}], ["line", 3]]
    trace.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    assert mirrorcheck("report", "out", "-o", "page.html")[0] == 0
    with Chromium(tmp_path) as browser:
        browser.open(f"file://{mirrorcheck.root}/page.html")
        browser.wait("document.getElementById('count').textContent !== ''")
        assert browser.evaluate("document.getElementById('count').textContent") == "2 of 2 cases"
        assert "2 passed, 2 failed" in browser.evaluate("document.getElementById('summary').textContent")

        browser.press("/")
        browser.press("3")
        browser.wait("document.getElementById('count').textContent === '1 of 2 cases'")
        visible = "[...document.querySelectorAll('#matrix tbody tr')].filter(r => !r.hidden).map(r => r.dataset.case)"
        assert browser.evaluate(visible) == [CASE]
        browser.press("Escape")
        browser.evaluate(
            "document.getElementById('search').value = ''; document.getElementById('verdict').value = 'pass'"
        )
        browser.evaluate("document.getElementById('filters').dispatchEvent(new Event('input'))")
        assert browser.evaluate(visible) == ["100-life"]
        browser.evaluate("document.getElementById('verdict').value = ''")
        browser.evaluate("document.getElementById('filters').dispatchEvent(new Event('input'))")

        # One click on a failure shows its first difference.
        browser.evaluate("document.querySelector('a[data-verdict=fail]').click()")
        browser.wait(f"document.getElementById('detail').dataset.ready === '#{CASE}/1/102'")
        assert browser.evaluate("document.querySelector('#detail h2').textContent") == f"{CASE} on fake"
        chosen = "document.querySelector('#detail .right.chosen')"
        assert browser.evaluate(f"{chosen}.textContent").startswith("</script><script>alert(1)</script>")
        edges = ("parentElement.getBoundingClientRect()", "getBoundingClientRect()")
        box, line = (browser.evaluate(f"{chosen}.{edge}.toJSON()") for edge in edges)
        assert box["top"] <= line["top"] <= line["bottom"] <= box["bottom"]
        assert browser.evaluate("document.querySelectorAll('#detail .fold').length") == 1
        # CI keeps what is in this folder; elsewhere pytest keeps its own for a while.
        artefacts = Path(os.environ.get("MIRRORCHECK_TEST_ARTEFACTS", tmp_path))
        artefacts.mkdir(parents=True, exist_ok=True)
        browser.screenshot(artefacts / "page.png")

        # A link to a step moves what the disks hold to that step; a key moves it on.
        target = "document.querySelectorAll('#strip svg')[1].querySelector('title').textContent"
        browser.evaluate(f"location.hash = '#{CASE}/1/1'")
        browser.wait(f"document.getElementById('detail').dataset.ready === '#{CASE}/1/1'")
        assert browser.evaluate(target) == "0+4096: hole"
        browser.press("j")
        browser.wait(f"document.getElementById('detail').dataset.ready === '#{CASE}/1/2'")
        assert browser.evaluate(target) == "0+4096: 11"
        assert browser.evaluate("document.querySelectorAll('#timeline .bar').length") == 5
        browser.evaluate("document.querySelector('#detail nav a:nth-child(2)').click()")
        browser.wait(f"document.getElementById('detail').dataset.ready === '#{CASE}/2'")
        differing = "[...document.querySelectorAll('#detail .right.differs')].map((line) => line.textContent)"
        assert browser.evaluate(differing)[0] == "2.0"
        browser.press("Escape")
        browser.wait("document.getElementById('detail').hidden")
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 28)"
        browser.call("Emulation.setEmulatedMedia", media="print")
        assert browser.evaluate("getComputedStyle(document.getElementById('filters')).display") == "none"
        assert browser.evaluate("document.querySelectorAll('img').length") == 0
        assert browser.problems == []
    assert (artefacts / "page.png").stat().st_size > 10_000
