"""Known deviations: where an implementation is wrong, in which versions, and what it does instead.

``golden/deviations.toml`` lists them. A case with an entry is still run, and must deviate exactly as the entry says:
by printing another transcript, or by hanging, crashing or failing a check. So an entry cannot hide a second fault,
and cannot stay after the fault is gone. The first entry that fits a run is the one that counts.

A fault that shows or not as the program happens to be fast is one that ``varies``: wherever its transcript and the
golden differ, a run has what either of them has, and nothing else.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import msgspec

from harness.errors import UsageError
from harness.golden import DEVIATIONS_FILE, DEVIATIONS_FOLDER

PROGRAM_FEATURE = "program="
"""Begins the feature that says which program an implementation is."""

_CONDITION = re.compile(r"(?P<operator>>=|<=|==|!=|>|<)\s*(?P<version>[0-9]+(?:\.[0-9]+)*)")
_LEADING_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)*")


class Deviation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry.

    :ivar implementation: a kind ("qemu-storage-daemon"), a pattern for several ("qemu-*": programs that share a block
        layer), or a whole spec ("reference:v4").
    :ivar versions: conditions on the version, all of which must hold: ">=5.2,<6.1"; "*" is every version.
    :ivar cases: ids of the cases it concerns.
    :ivar reason: what the implementation does wrong, and why.
    :ivar fix: the upstream commit that mended it, or "none known".
    :ivar transcript: what it prints instead, a file in golden/deviations/.
    :ivar varies: with ``transcript``: on what it depends whether the fault shows, at each place by itself.
    :ivar status: what it does instead of completing.
    :ivar message: with ``status``: a regular expression that the whole reason of the run must match.
    """

    implementation: str
    versions: str
    cases: tuple[str, ...]
    reason: str
    fix: str
    transcript: str | None = None
    varies: str = ""
    status: Literal["hang", "crash", "wrong"] | None = None
    message: str | None = None

    @property
    def golden_name(self) -> str | None:
        """The transcript's name relative to the golden folder."""
        return None if self.transcript is None else f"{DEVIATIONS_FOLDER}/{self.transcript}"

    def applies_to(self, case_id: str, implementation: str, version: str, features: Collection[str] = ()) -> bool:
        """Say whether this entry speaks of such a run.

        :param implementation: the spec as the user gave it.
        :param features: what it offers; one of them may say that it is another program than its kind suggests.
        :param version: what the implementation calls its version; leading dotted numbers count, so that a
            distribution's suffix does not.
        """
        return (
            case_id in self.cases
            and (
                self.implementation == implementation
                or fnmatchcase(program_of(implementation, features), self.implementation)
            )
            and version_matches(version, self.versions)
        )


def program_of(implementation: str, features: Collection[str]) -> str:
    """Which program it is that was run: what it says itself (the feature ``program=…``), else its kind.

    A reference on sockets that is run as a qemu-storage-daemon has none of that program's faults, and a
    qemu-storage-daemon that somebody else has started has all of them.
    """
    said = [feature.removeprefix(PROGRAM_FEATURE) for feature in features if feature.startswith(PROGRAM_FEATURE)]
    return said[0] if said else implementation.partition(":")[0]


class _DeviationFile(msgspec.Struct, forbid_unknown_fields=True):
    deviation: list[Deviation] = []


class Deviations:
    """All entries, in the order of the file."""

    def __init__(self, entries: Collection[Deviation] = ()) -> None:
        self.entries = tuple(entries)

    @classmethod
    def load(cls, golden_folder: Path, case_ids: Collection[str]) -> Deviations:
        """Read deviations.toml; a folder without one has no deviations.

        :param case_ids: all cases of the suite.
        :raise UsageError: when the file cannot be read or an entry breaks a rule.
        """
        try:
            text = (golden_folder / DEVIATIONS_FILE).read_bytes().decode("utf-8")
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise UsageError(f"{DEVIATIONS_FILE}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"{DEVIATIONS_FILE}: is not UTF-8 at byte {error.start}") from error
        try:
            entries = msgspec.convert(tomllib.loads(text), _DeviationFile).deviation
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise UsageError(f"{DEVIATIONS_FILE}: {error}") from error
        for index, entry in enumerate(entries):
            try:
                _check(entry, case_ids)
            except UsageError as error:
                raise UsageError(f"{DEVIATIONS_FILE}: entry {index + 1}: {error}") from error
        return cls(entries)

    def find(self, case_id: str, implementation: str, version: str, features: Collection[str] = ()) -> Deviation | None:
        """Return the first entry that speaks of such a run, or None."""
        for entry in self.entries:
            if entry.applies_to(case_id, implementation, version, features):
                return entry
        return None

    def transcripts(self) -> list[str]:
        """Return the names of all transcripts that entries expect, relative to the golden folder."""
        return [entry.golden_name for entry in self.entries if entry.golden_name is not None]


def _check(entry: Deviation, case_ids: Collection[str]) -> None:
    for field in ("implementation", "versions", "reason", "fix"):
        if not getattr(entry, field).strip():
            raise UsageError(f"{field} is empty")
    if not entry.cases:
        raise UsageError("cases is empty")
    for case_id in entry.cases:
        if case_id not in case_ids:
            raise UsageError(f"unknown case '{case_id}'")
    check_versions(entry.versions)
    if (entry.transcript is None) == (entry.status is None):
        raise UsageError("an entry has either a transcript or a status")
    if entry.transcript is not None:
        if len(entry.cases) != 1:
            raise UsageError(f"transcript '{entry.transcript}' can belong to one case only, not to {len(entry.cases)}")
        case_id = entry.cases[0]
        is_plain = "/" not in entry.transcript and entry.transcript.endswith(".out")
        if not is_plain or not entry.transcript.startswith(f"{case_id}."):
            raise UsageError(f"transcript '{entry.transcript}' is not named {case_id}.WHERE.out")
        if entry.message is not None:
            raise UsageError("message goes with status, not with transcript")
    if entry.varies and entry.transcript is None:
        raise UsageError("varies goes with transcript, not with status")
    if entry.message is not None:
        try:
            re.compile(entry.message)
        except re.error as error:
            raise UsageError(f"message '{entry.message}' is no regular expression: {error}") from error


def check_versions(conditions: str) -> None:
    """Check a list of conditions on versions.

    :raise UsageError: when it is neither "*" nor conditions such as ">=5.2" separated by commas.
    """
    if conditions.strip() == "*":
        return
    for condition in conditions.split(","):
        if not _CONDITION.fullmatch(condition.strip()):
            raise UsageError(f"versions '{conditions}' is neither '*' nor conditions such as '>=5.2,<6.1'")


def version_matches(version: str, conditions: str) -> bool:
    """Say whether a version meets all conditions.

    A version that does not begin with a number meets only "*": nothing can be said about it.

    :raise UsageError: as :func:`check_versions` does.
    """
    check_versions(conditions)
    if conditions.strip() == "*":
        return True
    leading = _LEADING_VERSION.match(version)
    if leading is None:
        return False
    actual = _numbers(leading[0])
    return all(_holds(actual, condition.strip()) for condition in conditions.split(","))


def _holds(actual: tuple[int, ...], condition: str) -> bool:
    match = _CONDITION.fullmatch(condition)
    assert match is not None
    wanted = _numbers(match["version"])
    match match["operator"]:
        case ">=":
            return actual >= wanted
        case "<=":
            return actual <= wanted
        case ">":
            return actual > wanted
        case "<":
            return actual < wanted
        case "==":
            return actual == wanted
        case _:
            return actual != wanted


def _numbers(version: str) -> tuple[int, ...]:
    """Return a version as numbers that compare; 6 and 6.0 are the same."""
    numbers = [int(number) for number in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
