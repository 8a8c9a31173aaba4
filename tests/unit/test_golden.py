"""Goldens: which one applies, what is wrong with the folder, how they change; and the difference of two transcripts."""

from __future__ import annotations

import difflib
import os
import random
import re
from pathlib import Path

import pytest
from fake_suite import write_golden

from harness import difference
from harness.errors import UsageError
from harness.golden import Change, Golden, GoldenError, Goldens

CASE = "310-active-writes"
VARIANTS = f"""
[[variant]]
when = ["flag", "!old"]
golden = "{CASE}.flag.out"

[[variant]]
golden = "{CASE}.out"
"""


@pytest.fixture
def goldens(tmp_path: Path) -> Goldens:
    (tmp_path / "golden").mkdir()
    return Goldens(tmp_path / "golden")


@pytest.mark.parametrize(
    ("features", "name"),
    [([], f"{CASE}.out"), (["flag"], f"{CASE}.flag.out"), (["flag", "old"], f"{CASE}.out"), (["old"], f"{CASE}.out")],
)
def test_variant_is_the_first_whose_features_fit(goldens: Goldens, features: list[str], name: str) -> None:
    write_golden(goldens.folder.parent, f"{CASE}.cfg", VARIANTS)
    write_golden(goldens.folder.parent, name, "text")
    assert goldens.expected(CASE, features) == Golden(name, "text")
    assert goldens.names(CASE) == [f"{CASE}.flag.out", f"{CASE}.out"]


def test_golden_keeps_every_byte(goldens: Goldens) -> None:
    write_golden(goldens.folder.parent, f"{CASE}.out", "a\r\nb\x0cü\n\n")
    assert goldens.expected(CASE, []).text == "a\r\nb\x0cü\n\n"


def test_golden_when_missing_is_an_error_by_name(goldens: Goldens) -> None:
    with pytest.raises(GoldenError, match=rf"^golden {CASE}\.out is missing$"):
        goldens.expected(CASE, [])


def test_golden_when_not_utf8_is_an_error_by_name(goldens: Goldens) -> None:
    (goldens.folder / f"{CASE}.out").write_bytes(b"ab\xff\n")
    with pytest.raises(GoldenError, match=rf"^golden {CASE}\.out is not UTF-8 at byte 2$"):
        goldens.expected(CASE, [])


def test_golden_when_unreadable_is_an_error_by_name(goldens: Goldens) -> None:
    (goldens.folder / f"{CASE}.out").mkdir()
    with pytest.raises(GoldenError, match=rf"^golden {CASE}\.out cannot be read: Is a directory$"):
        goldens.expected(CASE, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Object missing required field `variant`"),
        ("variant = []", "lists no variant"),
        ("[[variant", r".*at end of document.*|.*at line 1.*"),
        (VARIANTS.replace("when", "if"), r"Object contains unknown field `if` - at `\$\.variant\[0\]`"),
        (
            VARIANTS.replace('when = ["flag", "!old"]', ""),
            rf"{CASE}\.flag\.out has no 'when' but is not last, so what follows is never used",
        ),
        (
            f'[[variant]]\nwhen = ["a"]\ngolden = "{CASE}.out"\n',
            "the last variant must have no 'when', so that every implementation has a golden",
        ),
        (
            VARIANTS.replace(f"{CASE}.flag", "320-other"),
            rf"'320-other\.out' is not named {CASE}\.out or {CASE}\.VARIANT\.out",
        ),
        (
            VARIANTS.replace(f"{CASE}.flag", f"../{CASE}"),
            rf"'\.\./{CASE}\.out' is not named {CASE}\.out or {CASE}\.VARIANT\.out",
        ),
        (VARIANTS.partition("\n\n")[0] + "\n" + VARIANTS, "two variants have the same 'when'"),
    ],
)
def test_variants_that_break_a_rule_are_refused(goldens: Goldens, text: str, message: str) -> None:
    write_golden(goldens.folder.parent, f"{CASE}.cfg", text)
    with pytest.raises(GoldenError, match=rf"^{CASE}\.cfg: (?:{message})$"):
        goldens.expected(CASE, [])


def test_problems_when_all_is_well_are_none(goldens: Goldens) -> None:
    root = goldens.folder.parent
    write_golden(root, f"{CASE}.out")
    write_golden(root, "deviations.toml", "")
    write_golden(root, "README.md", "")
    write_golden(root, ".hidden", "")
    write_golden(root, f"deviations/{CASE}.old.out")
    assert goldens.problems([CASE], [f"deviations/{CASE}.old.out"], thorough=True) == []


def test_problems_name_orphans_and_what_only_another_implementation_would_miss(goldens: Goldens) -> None:
    root = goldens.folder.parent
    write_golden(root, f"{CASE}.cfg", VARIANTS)
    write_golden(root, f"{CASE}.out")
    write_golden(root, f"{CASE}.stray.out")
    write_golden(root, "315-gone.cfg", "")
    write_golden(root, "315-gone.out")
    write_golden(root, "notes.txt")
    write_golden(root, f"deviations/{CASE}.old.out")
    assert goldens.problems([CASE], [f"deviations/{CASE}.new.out"]) == [
        (f"{CASE}.flag.out", f"golden {CASE}.flag.out is missing"),
        (f"{CASE}.stray.out", f"golden {CASE}.stray.out belongs to no case"),
        ("315-gone.cfg", "golden 315-gone.cfg belongs to no case"),
        ("315-gone.out", "golden 315-gone.out belongs to no case"),
        (f"deviations/{CASE}.new.out", f"golden deviations/{CASE}.new.out is missing"),
        (f"deviations/{CASE}.old.out", f"golden deviations/{CASE}.old.out belongs to no case"),
        ("notes.txt", "golden notes.txt belongs to no case"),
    ]


def test_problems_when_variants_are_wrong_say_only_that(goldens: Goldens) -> None:
    write_golden(goldens.folder.parent, f"{CASE}.cfg", "variant = []")
    write_golden(goldens.folder.parent, f"{CASE}.flag.out")
    assert goldens.problems([CASE]) == [(f"{CASE}.cfg", f"{CASE}.cfg: lists no variant")]


def test_problems_miss_a_case_s_only_golden_when_thorough(goldens: Goldens) -> None:
    assert goldens.problems([CASE]) == []
    assert goldens.problems([CASE], thorough=True) == [(f"{CASE}.out", f"golden {CASE}.out is missing")]


def test_update_writes_what_it_was_told_and_nothing_else(goldens: Goldens) -> None:
    root = goldens.folder.parent
    write_golden(root, "100-a.out", "same\n")
    write_golden(root, "110-b.out", "old\n")
    other = write_golden(root, "120-c.out", "other\n")
    changes = goldens.update({"100-a.out": "same\n", "110-b.out": "new\n", "130-d.out": "born\n"})
    assert changes == [
        Change("110-b.out", ["--- golden/110-b.out", "+++ golden/110-b.out (new)", "@@ -1 +1 @@", "-old", "+new"]),
        Change("130-d.out", ["--- /dev/null", "+++ golden/130-d.out (new)", "@@ -0,0 +1 @@", "+born"]),
    ]
    assert goldens.read("110-b.out").text == "new\n"
    assert goldens.read("130-d.out").text == "born\n"
    assert other.read_text() == "other\n"
    assert sorted(os.listdir(goldens.folder)) == ["100-a.out", "110-b.out", "120-c.out", "130-d.out"]


def test_update_when_one_file_cannot_be_written_changes_none(goldens: Goldens) -> None:
    write_golden(goldens.folder.parent, "100-a.out", "old\n")
    (goldens.folder / "110-b.out").mkdir()
    with pytest.raises(UsageError, match=r"^cannot write .*110-b\.out: Is a directory$"):
        goldens.update({"100-a.out": "new\n", "110-b.out": "new\n"})
    assert goldens.read("100-a.out").text == "old\n"
    assert sorted(os.listdir(goldens.folder)) == ["100-a.out", "110-b.out"]


@pytest.mark.parametrize("value", ["1", "true", "yes please"])
def test_update_in_ci_is_refused(goldens: Goldens, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CI", value)
    with pytest.raises(UsageError, match=r"^a golden is never changed in CI \(the environment variable CI is set\)$"):
        goldens.update({"100-a.out": "new\n"})
    assert os.listdir(goldens.folder) == []


def apply(before: str, diff: list[str]) -> str:
    """Apply a unified diff as patch(1) would, checking every line of context, every range and every count."""
    source = re.findall(r"[^\n]*\n|[^\n]+$", before)
    result: list[str] = []
    position = 0
    index = 2
    while index < len(diff):
        match = re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", diff[index])
        assert match, diff[index]
        start, count, new_start, new_count = (int(group or 1) for group in match.groups())
        start -= count > 0
        new_start -= new_count > 0
        result += source[position:start]
        position = start
        assert len(result) == new_start
        index += 1
        while index < len(diff) and not diff[index].startswith("@@"):
            kind, text = diff[index][0], diff[index][1:]
            index += 1
            if index < len(diff) and diff[index] == difference.NO_FINAL_NEWLINE:
                index += 1
            else:
                text += "\n"
            if kind in " -":
                assert source[position] == text
                position += 1
                count -= 1
            if kind in " +":
                result.append(text)
                new_count -= 1
        assert count == 0
        assert new_count == 0
    return "".join(result + source[position:])


@pytest.mark.parametrize("effort_max", [0, difference.ALIGNMENT_EFFORT_MAX])
def test_unified_difference_of_any_texts_leads_from_one_to_the_other(
    monkeypatch: pytest.MonkeyPatch, effort_max: int
) -> None:
    monkeypatch.setattr(difference, "ALIGNMENT_EFFORT_MAX", effort_max)
    source = random.Random(1)
    for _ in range(300):
        before, after = (
            "\n".join(source.choice("aab\r") for _ in range(source.randrange(14))) + source.choice(["", "\n"])
            for _ in range(2)
        )
        diff = difference.unified(before, after, "a", "b")
        assert apply(before, diff) == after if diff else before == after


def test_unified_difference_looks_as_difflib_s_does() -> None:
    before = [f"line {index}\n" for index in range(40)]
    after = [*before[:10], "new\n", *before[11:30], *before[32:]]
    expected = [line.rstrip("\n") for line in difflib.unified_diff(before, after, "a", "b")]
    assert difference.unified("".join(before), "".join(after), "a", "b") == expected


def test_unified_difference_of_huge_texts_takes_no_effort() -> None:
    before = "".join(f"{index % 7}\n" for index in range(100_000))
    after = "".join(f"{index % 5}\n" for index in range(100_000))
    diff = difference.unified(before, after, "a", "b")
    assert len(diff) > 150_000
    assert apply(before, diff) == after
