"""What is known to be wrong with real programs on some scenarios: an exploration names it and goes on.

``known.toml`` beside this is for schedules what golden/deviations.toml is for cases. A schedule's failure that an entry
speaks of is counted under its reason and is no finding; anything else is one.
"""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from harness.deviations import check_versions, version_matches
from harness.errors import UsageError
from harness.explore.failure import Failure

TABLE = Path(__file__).with_name("known.toml")


class KnownFailure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry.

    :ivar implementation: a kind, or a pattern of kinds such as "qemu-*". :ivar versions: as in deviations.toml.
    :ivar scenarios: names. :ivar failure: a regular expression that the whole failure must match, its kind included.
    :ivar reason: what the program does wrong, one line. :ivar fix: what mended it, or "none known".
    """

    implementation: str
    versions: str
    scenarios: tuple[str, ...]
    failure: str
    reason: str
    fix: str

    def speaks_of(self, scenario: str, spec: str, version: str, failure: Failure) -> bool:
        """Whether this is that failure."""
        return (
            scenario in self.scenarios
            and fnmatchcase(spec.partition(":")[0], self.implementation)
            and version_matches(version, self.versions)
            and re.fullmatch(self.failure, str(failure), re.DOTALL) is not None
        )


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    known: list[KnownFailure] = []


def read(path: Path = TABLE) -> list[KnownFailure]:
    """The table.

    :raise UsageError: when it cannot be read.
    """
    try:
        entries = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Table).known
        for entry in entries:
            check_versions(entry.versions)
            re.compile(entry.failure)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError, re.error) as error:
        raise UsageError(f"{path.name}: {error}") from error
    return entries


def reason_of(entries: list[KnownFailure], scenario: str, spec: str, version: str, failure: Failure) -> str:
    """Why a failure is no news; empty when it is.

    :param spec, version: of the program.
    """
    for entry in entries:
        if entry.speaks_of(scenario, spec, version, failure):
            return entry.reason
    return ""
