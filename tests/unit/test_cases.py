"""Case files: names, headers, selection."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_suite import write_case

from harness import cases
from harness.errors import CaseError, UsageError

HEADER = '"""310-active-writes: a claim.\n\nText.\n\nGroups: active quick\nSource: QE-18\n"""\ndef run(bench): pass\n'


def write(folder: Path, text: str | bytes, name: str = "310-active-writes.py") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_header_is_read_whole(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '"""310-active-writes: a claim,\n    in two lines.\n\nOne paragraph: Groups are not here.\n\n* another\n\n'
        "Groups: active\n  quick\nNeeds: copy-mode=write-blocking  x.y\n"
        'Source: real-qemu G, QE-18,\n    mirror_wait_on_conflicts()\n"""\ndef run(bench): pass\n',
    )
    assert cases.load(path) == cases.Case(
        number=310,
        name="active-writes",
        id="310-active-writes",
        path=path,
        claim="a claim, in two lines.",
        text="One paragraph: Groups are not here.\n\n* another",
        groups=("active", "quick"),
        needs=("copy-mode=write-blocking", "x.y"),
        sources=("real-qemu G", "QE-18", "mirror_wait_on_conflicts()"),
    )


def test_header_directly_below_the_claim_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER.replace("\n\nText.\n\n", "\n"))
    case = cases.load(path)
    assert case.text == ""
    assert case.groups == ("active", "quick")
    assert case.needs == ()


def test_case_file_is_not_run(tmp_path: Path) -> None:
    assert cases.load(write(tmp_path, HEADER + "raise SystemExit\n")).number == 310


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def run(bench): pass\n", "has no docstring, so it has no header"),
        ("", "has no docstring, so it has no header"),
        ('"""x"""\ndef run(:\n', "line 2: invalid syntax"),
        (b'"""\xff"""\n', "is not UTF-8 at byte 3"),
        (HEADER.replace("def run(bench)", "def walk(bench)"), r"has no function run\(bench\)"),
        (HEADER.replace("def run(bench)", "def run(self, bench)"), r"run\(\) must take one argument, bench"),
        (HEADER.replace("def run(bench)", "def run(bench, *more)"), r"run\(\) must take one argument, bench"),
        (HEADER.replace("def run", "async def run"), r"run\(\) must be a plain function, not async"),
        (
            HEADER.replace("310-active-writes:", "310-active-write:"),
            "the docstring begins with '310-active-write: a claim.', it must begin with '310-active-writes: '",
        ),
        (HEADER.replace(": a claim.", ":"), "the docstring's first line makes no claim"),
        (HEADER.replace("Groups", "Group"), "unknown header field Group:, known are Groups, Needs, Source"),
        (HEADER.replace("Groups: active quick\n", ""), "the header field Groups: is missing"),
        (HEADER.replace("Source: QE-18\n", ""), "the header field Source: is missing"),
        (HEADER.replace("Source: QE-18\n", "Source:\n"), "the header field Source: is empty"),
        (HEADER.replace("Source: QE-18\n", "Source: QE-18\nNeeds:\n"), "the header field Needs: is empty"),
        (HEADER.replace("Source: QE-18\n", "Source: a\nSource: b\n"), "the header field Source: is there twice"),
        (HEADER.replace("QE-18", "a,, b"), "Source: has an empty item; it takes items separated by commas"),
        (HEADER.replace("QE-18", "a, b, a"), "Source: names 'a' twice"),
        (HEADER.replace("active quick", "quick quick"), "Groups: names 'quick' twice"),
        (
            HEADER.replace("active quick", "active, quick"),
            "'active,' is no word for Groups:, which takes words separated by spaces",
        ),
        (
            HEADER.replace("quick\nSource", "quick\n\nSource"),
            "the field Groups: stands outside the docstring's last paragraph",
        ),
        (
            HEADER.replace("Source", "and more\nSource"),
            "'and more' is no header field; the docstring's last paragraph holds only fields",
        ),
        (
            HEADER.replace("Text.\n\n", "Text.\n"),
            "'Text.' is no header field; the docstring's last paragraph holds only fields",
        ),
    ],
)
def test_header_that_breaks_a_rule_is_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(CaseError, match=rf"^310-active-writes\.py: {message}$"):
        cases.load(write(tmp_path, text))


@pytest.mark.parametrize("name", ["31-a.py", "3100-a.py", "310_a.py", "310-A.py", "310-a--b.py", "310-.py", "310.py"])
def test_discover_when_a_name_is_malformed_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, HEADER, name)
    message = rf"^{name}: a case file is named NNN-name\.py, in lower case and with hyphens$"
    with pytest.raises(CaseError, match=message):
        cases.discover(tmp_path)


def test_name_that_reads_as_a_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"^100-199\.py: the name '199' would read as a range of numbers$"):
        cases.load(write(tmp_path, HEADER, "100-199.py"))


def test_discover_orders_by_number_and_leaves_other_files_alone(tmp_path: Path) -> None:
    for case_id in ("310-b", "020-c", "999-a"):
        write_case(tmp_path, case_id)
    write(tmp_path / "cases", "not a case", "helpers.py")
    write(tmp_path / "cases", "not a case", "310-notes.txt")
    assert [case.id for case in cases.discover(tmp_path / "cases")] == ["020-c", "310-b", "999-a"]


def test_discover_when_two_cases_have_one_number_is_refused(tmp_path: Path) -> None:
    write_case(tmp_path, "310-b")
    write_case(tmp_path, "310-a")
    with pytest.raises(CaseError, match=r"^two cases have the number 310: 310-a\.py and 310-b\.py$"):
        cases.discover(tmp_path / "cases")


def test_discover_when_the_folder_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^cannot read the cases in .*: No such file or directory$"):
        cases.discover(tmp_path / "nowhere")


@pytest.fixture
def some_cases(tmp_path: Path) -> list[cases.Case]:
    for case_id, groups in {
        "005-bitmap": "quick",
        "051-areas": "slow",
        "100-life": "quick",
        "199-end": "quick error",
        "310-active-writes": "active",
    }.items():
        write_case(tmp_path, case_id, groups=groups)
    return cases.discover(tmp_path / "cases")


@pytest.mark.parametrize(
    ("patterns", "numbers"),
    [
        ([], [5, 51, 100, 199, 310]),
        (["310"], [310]),
        (["5"], [5]),
        (["310-active-writes"], [310]),
        (["active-writes"], [310]),
        (["cases/310-active-writes.py"], [310]),
        (["100-199"], [100, 199]),
        (["0-100"], [5, 51, 100]),
        (["0xx"], [5, 51]),
        (["05x"], [51]),
        (["310", "0xx", "310"], [5, 51, 310]),
        (["7xx"], []),
        (["700-799"], []),
    ],
)
def test_select_by_pattern_returns_the_cases_in_order(
    some_cases: list[cases.Case], patterns: list[str], numbers: list[int]
) -> None:
    assert [case.number for case in cases.select(some_cases, patterns)] == numbers


def test_select_by_groups_keeps_one_of_and_none_of(some_cases: list[cases.Case]) -> None:
    chosen = cases.select(some_cases, groups=["quick", "slow"], excluded_groups=["error"])
    assert [case.number for case in chosen] == [5, 51, 100]
    assert cases.select(some_cases, ["310"], groups=["quick"]) == []


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("active-wrties", "unknown case 'active-wrties': the nearest are 310-active-writes"),
        ("zzz", "unknown case 'zzz'"),
        ("", "unknown case ''"),
        ("198", "unknown case '198': the nearest are 100-life, 199-end, 310-active-writes"),
        ("199-100", "the range 199-100 of cases ends before it begins"),
        ("xxx", "unknown case 'xxx'"),
    ],
)
def test_select_when_a_case_is_unknown_is_refused(some_cases: list[cases.Case], pattern: str, message: str) -> None:
    with pytest.raises(UsageError, match=rf"^{message}$"):
        cases.select(some_cases, [pattern])


def test_select_when_a_group_is_unknown_is_refused(some_cases: list[cases.Case]) -> None:
    with pytest.raises(UsageError, match=r"^unknown group 'quik': known are active, error, quick, slow$"):
        cases.select(some_cases, groups=["quik"])
    with pytest.raises(UsageError, match=r"^unknown group 'fast': known are active, error, quick, slow$"):
        cases.select(some_cases, excluded_groups=["fast"])
