"""deviations.toml: which entry speaks of a run, and what an entry may not say."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_suite import write_golden

from harness.deviations import Deviations, version_matches
from harness.errors import UsageError

CASE = "310-active-writes"
ENTRY = f"""
[[deviation]]
implementation = "fake"
versions = ">=5.2,<6.1"
cases = ["{CASE}"]
reason = "it does it twice"
fix = "none known"
transcript = "{CASE}.fake-5.out"
"""
STATUS_ENTRY = ENTRY.replace(f'transcript = "{CASE}.fake-5.out"', 'status = "hang"')


def load(root: Path, text: str) -> Deviations:
    write_golden(root, "deviations.toml", text)
    return Deviations.load(root / "golden", [CASE, "320-other"])


@pytest.mark.parametrize(
    ("version", "conditions", "matches"),
    [
        ("5.2.0", ">=5.2,<6.1", True),
        ("6.0.1", ">=5.2, <6.1", True),
        ("6.1.0", ">=5.2,<6.1", False),
        ("6.1", "<=6.1.0", True),
        ("5.10", ">5.9", True),
        ("7.2.22 (Debian 1:7.2+dfsg-7)", "==7.2.22", True),
        ("7.2.22", "==7.2", False),
        ("7.2.22", "!=7.2", True),
        ("7", "!=7.0.0", False),
        ("v4", "*", True),
        ("", "*", True),
        ("v4", ">0", False),
        ("", "!=1", False),
    ],
)
def test_version_matches_dotted_numbers(version: str, conditions: str, matches: bool) -> None:
    assert version_matches(version, conditions) is matches


@pytest.mark.parametrize("conditions", ["", "5.2", "=5.2", ">=5.2,", ">=5.2 <6", "~5", ">=5.x", "*,>5"])
def test_versions_when_malformed_are_refused(tmp_path: Path, conditions: str) -> None:
    reason = "versions is empty" if not conditions else "versions '.*' is neither .*"
    with pytest.raises(UsageError, match=rf"^deviations\.toml: entry 1: {reason}$"):
        load(tmp_path, ENTRY.replace(">=5.2,<6.1", conditions))


def test_find_returns_the_first_entry_that_speaks_of_the_run(tmp_path: Path) -> None:
    deviations = load(tmp_path, ENTRY + STATUS_ENTRY.replace('"fake"', '"fake:v4"').replace(">=5.2,<6.1", "*"))
    first, second = deviations.entries
    assert deviations.find(CASE, "fake", "5.2") is first
    assert deviations.find(CASE, "fake:/some/where", "5.2") is first
    assert deviations.find(CASE, "fake:v4", "5.2") is first
    assert deviations.find(CASE, "fake:v4", "9") is second
    assert deviations.find(CASE, "fake:v44", "9") is None
    assert deviations.find(CASE, "fakes", "5.2") is None
    assert deviations.find("320-other", "fake", "5.2") is None
    assert deviations.transcripts() == [f"deviations/{CASE}.fake-5.out"]


@pytest.mark.parametrize(
    ("spec", "found"),
    [("qemu-storage-daemon", True), ("qemu-system-x86_64:/a/qemu", True), ("reference", False), ("my:qemu-x", False)],
)
def test_find_with_a_pattern_speaks_of_every_kind_it_matches(tmp_path: Path, spec: str, found: bool) -> None:
    deviations = load(tmp_path, STATUS_ENTRY.replace('"fake"', '"qemu-*"'))
    assert (deviations.find(CASE, spec, "6.0") is not None) is found


def test_load_without_a_file_has_no_deviations(tmp_path: Path) -> None:
    assert Deviations.load(tmp_path, []).entries == ()


def test_load_of_the_project_s_own_file_is_fine() -> None:
    root = Path(__file__).parent.parent.parent
    Deviations.load(root / "golden", [path.stem for path in (root / "cases").glob("*.py")])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "Object contains unknown field `x`"),
        ("deviation = 1", r"Expected `array`, got `int` - at `\$\.deviation`"),
        ("[", ".*"),
        (ENTRY.replace("reason", "because"), r"Object contains unknown field `because` - at `\$\.deviation\[0\]`"),
        (ENTRY.replace('fix = "none known"', ""), r"Object missing required field `fix` - at `\$\.deviation\[0\]`"),
        (ENTRY.replace("none known", " "), "entry 1: fix is empty"),
        (ENTRY.replace("it does it twice", ""), "entry 1: reason is empty"),
        (ENTRY + ENTRY.replace(f'"{CASE}"', ""), "entry 2: cases is empty"),
        (ENTRY.replace(CASE, "310-nobody"), "entry 1: unknown case '310-nobody'"),
        (ENTRY + 'status = "hang"', "entry 1: an entry has either a transcript or a status"),
        (STATUS_ENTRY.replace('status = "hang"', ""), "entry 1: an entry has either a transcript or a status"),
        (STATUS_ENTRY.replace("hang", "pass"), r"Invalid enum value 'pass' - at `\$\.deviation\[0\]\.status`"),
        (
            ENTRY.replace(f'["{CASE}"]', f'["{CASE}", "320-other"]'),
            rf"entry 1: transcript '{CASE}\.fake-5\.out' can belong to one case only, not to 2",
        ),
        (
            ENTRY.replace(f"{CASE}.fake", "320-other.fake"),
            rf"entry 1: transcript '320-other\.fake-5\.out' is not named {CASE}\.WHERE\.out",
        ),
        (ENTRY + 'message = "x"', "entry 1: message goes with status, not with transcript"),
        (STATUS_ENTRY + 'message = "("', r"entry 1: message '\(' is no regular expression: .*"),
        (STATUS_ENTRY + 'varies = "x"', "entry 1: varies goes with transcript, not with status"),
    ],
)
def test_load_when_an_entry_breaks_a_rule_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=rf"^deviations\.toml: {message}$"):
        load(tmp_path, text)


def test_load_when_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "deviations.toml").write_bytes(b"# \xff")
    with pytest.raises(UsageError, match=r"^deviations\.toml: is not UTF-8 at byte 2$"):
        Deviations.load(tmp_path, [])
