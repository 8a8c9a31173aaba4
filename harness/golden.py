"""Expected transcripts: where they are, which one applies, and how they change.

``golden/NNN-name.out`` is what a case must print. Where implementations lawfully differ there is a list of variants,
``golden/NNN-name.cfg``, from which the first whose features fit is taken::

    [[variant]]
    when = ["copy-mode=write-blocking", "!actively-synced"]
    golden = "310-active-writes.no-flag.out"

    [[variant]]
    golden = "310-active-writes.out"

The last one has no ``when``: it is for everybody else. Variants go by feature and never by version: a feature can be
asked for, and is backported. Known wrong behaviour is no variant; it belongs into ``deviations.toml``.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness import difference
from harness.errors import UsageError

DEVIATIONS_FILE = "deviations.toml"
DEVIATIONS_FOLDER = "deviations"

#: What may lie in the golden folder without being a case's.
_NOT_GOLDENS = frozenset({DEVIATIONS_FILE, DEVIATIONS_FOLDER, "README.md"})


class GoldenError(UsageError):
    """A golden is missing, cannot be read, or its list of variants is wrong; the text begins with the file's name."""


class Golden(NamedTuple):
    """An expected transcript and the name of its file, relative to the golden folder."""

    name: str
    text: str


class Change(NamedTuple):
    """What an update did to one golden."""

    name: str
    diff: list[str]


class _Variant(msgspec.Struct, forbid_unknown_fields=True):
    golden: str
    when: list[str] = []

    def applies(self, features: Collection[str]) -> bool:
        return all(
            (feature[1:] not in features) if feature.startswith("!") else (feature in features) for feature in self.when
        )


class _VariantFile(msgspec.Struct, forbid_unknown_fields=True):
    variant: list[_Variant]


class Goldens:
    """The folder of expected transcripts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def name_for(self, case_id: str, features: Collection[str]) -> str:
        """Return the name of the golden that applies to an implementation with these features.

        The file need not exist.

        :raise GoldenError: when the case's list of variants is wrong.
        """
        return next(variant.golden for variant in self._variants(case_id) if variant.applies(features))

    def expected(self, case_id: str, features: Collection[str]) -> Golden:
        """Return the golden that applies to an implementation with these features.

        :raise GoldenError: when it is missing, unreadable or not UTF-8, or the list of variants is wrong.
        """
        return self.read(self.name_for(case_id, features))

    def read(self, name: str) -> Golden:
        """Return the golden in the file ``name``, relative to the folder.

        :raise GoldenError: when it is missing, unreadable or not UTF-8.
        """
        try:
            return Golden(name, (self.folder / name).read_bytes().decode("utf-8"))
        except FileNotFoundError as error:
            raise GoldenError(f"golden {name} is missing") from error
        except OSError as error:
            raise GoldenError(f"golden {name} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise GoldenError(f"golden {name} is not UTF-8 at byte {error.start}") from error

    def names(self, case_id: str) -> list[str]:
        """Return the names of all goldens of a case, first the ones with conditions, without repeats.

        :raise GoldenError: when the case's list of variants is wrong.
        """
        return list(dict.fromkeys(variant.golden for variant in self._variants(case_id)))

    def problems(
        self, case_ids: Iterable[str], deviation_transcripts: Iterable[str] = (), *, thorough: bool = False
    ) -> list[tuple[str, str]]:
        """Return what is wrong with the folder as a whole, as file name and one line, in order of names.

        That is every file that belongs to no case, and every golden or list of variants that a run against some
        other implementation would find missing or unreadable.

        :param case_ids: all cases of the suite, not only the selected ones.
        :param deviation_transcripts: the transcripts that deviations.toml names, relative to the folder.
        :param thorough: also read the golden of a case that has only one; a run notices by itself when that is missing.
        """
        found: dict[str, str] = {}
        lawful = set(deviation_transcripts)
        to_read = set(lawful)
        for case_id in case_ids:
            lawful.add(f"{case_id}.cfg")
            try:
                names = self.names(case_id)
            except GoldenError as error:
                found[f"{case_id}.cfg"] = str(error)
                # A wrong list names nothing reliably: that the variants look orphaned now would only mislead.
                lawful.update(self._file_names(f"{case_id}."))
                continue
            lawful.update(names)
            to_read.update(names if thorough or len(names) > 1 else ())
        for name in to_read:
            try:
                self.read(name)
            except GoldenError as error:
                found[name] = str(error)
        for name in set(self._file_names("")) - lawful:
            found[name] = f"golden {name} belongs to no case"
        return sorted(found.items())

    def update(self, transcripts: Mapping[str, str]) -> list[Change]:
        """Write the given goldens and nothing else, all of them or none; return those that changed.

        Every file is replaced in one step, so that a reader and a crash find the old one or the new one. Nothing is
        ever deleted.

        :param transcripts: new text by file name, relative to the folder.
        :raise UsageError: when the environment variable CI says that this is an automatic run, or a file cannot be
            written.
        """
        refuse_in_ci()
        changes: list[Change] = []
        prepared: list[tuple[str, Path]] = []
        try:
            for name, text in transcripts.items():
                path = self.folder / name
                try:
                    before = path.read_bytes().decode("utf-8", "backslashreplace")
                    old_name = f"golden/{name}"
                except FileNotFoundError:
                    before, old_name = "", "/dev/null"
                if before == text and old_name != "/dev/null":
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                prepared.append((_write_beside(path, text), path))
                changes.append(Change(name, difference.unified(before, text, old_name, f"golden/{name} (new)")))
            while prepared:
                temporary, path = prepared[0]
                os.replace(temporary, path)
                prepared.pop(0)
        except OSError as error:
            raise UsageError(f"cannot write {error.filename or self.folder}: {error.strerror}") from error
        finally:
            for temporary, _ in prepared:
                Path(temporary).unlink(missing_ok=True)
        return changes

    def _variants(self, case_id: str) -> list[_Variant]:
        name = f"{case_id}.cfg"
        try:
            text = (self.folder / name).read_bytes().decode("utf-8")
        except FileNotFoundError:
            return [_Variant(golden=f"{case_id}.out")]
        except OSError as error:
            raise GoldenError(f"{name}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise GoldenError(f"{name}: is not UTF-8 at byte {error.start}") from error
        try:
            variants = msgspec.convert(tomllib.loads(text), _VariantFile).variant
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise GoldenError(f"{name}: {error}") from error
        _check_variants(name, case_id, variants)
        return variants

    def _file_names(self, prefix: str) -> list[str]:
        """Return the names of the files that should be goldens and begin with ``prefix``, deviations' included."""
        try:
            names = [path.name for path in self.folder.iterdir() if path.name not in _NOT_GOLDENS]
        except OSError:
            return []
        try:
            names += [f"{DEVIATIONS_FOLDER}/{path.name}" for path in (self.folder / DEVIATIONS_FOLDER).iterdir()]
        except OSError:
            pass
        return [name for name in names if name.startswith(prefix) and not Path(name).name.startswith(".")]


def refuse_in_ci() -> None:
    """Check that goldens may be changed here.

    :raise UsageError: when the environment variable CI says that this is an automatic run: a golden that moves by
        itself agrees with everything.
    """
    if os.environ.get("CI", "").lower() not in ("", "0", "false", "no"):
        raise UsageError("a golden is never changed in CI (the environment variable CI is set)")


def _check_variants(name: str, case_id: str, variants: list[_Variant]) -> None:
    if not variants:
        raise GoldenError(f"{name}: lists no variant")
    for index, variant in enumerate(variants):
        is_last = index == len(variants) - 1
        if not variant.when and not is_last:
            raise GoldenError(f"{name}: {variant.golden} has no 'when' but is not last, so what follows is never used")
        if variant.when and is_last:
            raise GoldenError(
                f"{name}: the last variant must have no 'when', so that every implementation has a golden"
            )
        is_plain = "/" not in variant.golden and variant.golden.endswith(".out")
        if not is_plain or not variant.golden.startswith(f"{case_id}."):
            raise GoldenError(f"{name}: '{variant.golden}' is not named {case_id}.out or {case_id}.VARIANT.out")
        if any(variant.when == other.when for other in variants[:index]):
            raise GoldenError(f"{name}: two variants have the same 'when'")


def _write_beside(path: Path, text: str) -> str:
    """Write ``text`` to a new temporary file beside ``path``, safely on disk, and return its name."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return temporary
