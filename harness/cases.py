"""Finds the numbered case files, reads their headers, and selects among them.

A case is ``cases/NNN-name.py``. Its docstring is its header: the first line is ``NNN-name: claim``, then free text,
and the last paragraph holds the fields, each continued by indented lines::

    Groups: active quick
    Needs: copy-mode=write-blocking
    Source: QE-18, 151-1

``Groups:`` and ``Source:`` are required, ``Needs:`` is not. A header is read without running the file, and it is
read strictly, because a misspelt field would silently drop a case from a group or run it where it cannot pass.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from harness.errors import CaseError, UsageError

FIELDS = ("Groups", "Needs", "Source")
REQUIRED_FIELDS = ("Groups", "Source")

CASE_FILE_NAME = re.compile(r"(?P<number>[0-9]{3})-(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)\.py")
_FIELD_LINE = re.compile(r"(?P<field>[A-Z][A-Za-z-]*):(?:\s+(?P<value>.*))?")
_GROUP = re.compile(r"[a-z][a-z0-9-]*")
_FEATURE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:=+/-]*")

_NUMBER = re.compile(r"[0-9]{1,3}")
_RANGE = re.compile(r"(?P<first>[0-9]{1,3})-(?P<last>[0-9]{1,3})")
_HUNDREDS = re.compile(r"[0-9][0-9x]x")


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One case file's header.

    :ivar number: 0 to 999.
    :ivar name: "active-writes".
    :ivar id: "310-active-writes"; also the stem of the file's name and of its golden's.
    :ivar path: the file, absolute.
    :ivar claim: what the case shows, one line.
    :ivar text: the docstring's free text between claim and fields; may be empty.
    :ivar groups: in the order of the header.
    :ivar needs: features without which the case is skipped.
    :ivar sources: where the claimed behaviour comes from.
    """

    number: int
    name: str
    id: str
    path: Path
    claim: str
    text: str
    groups: tuple[str, ...]
    needs: tuple[str, ...]
    sources: tuple[str, ...]


def is_case_file(path: Path) -> bool:
    """Say whether ``path`` is named as a case is (NNN-name.py, lower case)."""
    match = CASE_FILE_NAME.fullmatch(path.name)
    return match is not None and not match["name"].isdecimal()


def discover(folder: Path) -> list[Case]:
    """Return all cases in ``folder``, by number.

    Python files whose names do not begin with a digit are nobody's case and are left alone.

    :raise UsageError: when the folder cannot be read.
    :raise CaseError: when a name that begins with a digit is not NNN-name.py, when two cases have one number, or when
        a header is wrong.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".py" and path.name[0].isdigit())
    except OSError as error:
        raise UsageError(f"cannot read the cases in {folder}: {error.strerror}") from error
    by_number: dict[int, Case] = {}
    for path in paths:
        case = load(path)
        if case.number in by_number:
            other = by_number[case.number]
            raise CaseError(f"two cases have the number {case.number:03}: {other.path.name} and {path.name}")
        by_number[case.number] = case
    return [by_number[number] for number in sorted(by_number)]


def load(path: Path) -> Case:
    """Read the header of one case file, without running it.

    :raise CaseError: when the file cannot be read or parsed, or its header breaks a rule; the text begins with the
        file's name.
    """
    match = CASE_FILE_NAME.fullmatch(path.name)
    if match is None:
        raise CaseError(f"{path.name}: a case file is named NNN-name.py, in lower case and with hyphens")
    if match["name"].isdecimal():
        raise CaseError(f"{path.name}: the name '{match['name']}' would read as a range of numbers")
    try:
        source = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise CaseError(f"{path.name}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CaseError(f"{path.name}: is not UTF-8 at byte {error.start}") from error
    try:
        tree = ast.parse(source, filename=str(path))
    except SyntaxError as error:
        raise CaseError(f"{path.name}: line {error.lineno}: {error.msg}") from error
    except ValueError as error:  # older Pythons raise it for a null byte
        raise CaseError(f"{path.name}: {error}") from error
    docstring = ast.get_docstring(tree)
    if docstring is None:
        raise CaseError(f"{path.name}: has no docstring, so it has no header")
    _check_run_function(path.name, tree)
    claim, text, fields = _split_docstring(path.name, path.stem, docstring)
    return Case(
        number=int(match["number"]),
        name=match["name"],
        id=path.stem,
        path=path.absolute(),
        claim=claim,
        text=text,
        groups=_words(path.name, "Groups", fields["Groups"], _GROUP),
        needs=_words(path.name, "Needs", fields.get("Needs", ""), _FEATURE),
        sources=_sources(path.name, fields["Source"]),
    )


def _check_run_function(file_name: str, tree: ast.Module) -> None:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "run":
            arguments = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
            if arguments == ["bench"] and not (node.args.vararg or node.args.kwonlyargs or node.args.kwarg):
                return
            raise CaseError(f"{file_name}: run() must take one argument, bench")
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "run":
            raise CaseError(f"{file_name}: run() must be a plain function, not async")
    raise CaseError(f"{file_name}: has no function run(bench)")


def _split_docstring(file_name: str, case_id: str, docstring: str) -> tuple[str, str, dict[str, str]]:
    """Return claim, free text and fields.

    :raise CaseError: when the first line or a field breaks a rule.
    """
    lines = docstring.splitlines()
    claimed_id, colon, claim = lines[0].partition(":")
    if not colon or claimed_id != case_id:
        raise CaseError(f"{file_name}: the docstring begins with '{lines[0]}', it must begin with '{case_id}: '")
    rest_start = 1
    while rest_start < len(lines) and lines[rest_start].startswith((" ", "\t")):
        claim += " " + lines[rest_start].strip()
        rest_start += 1
    claim = claim.strip()
    if not claim:
        raise CaseError(f"{file_name}: the docstring's first line makes no claim")

    rest = lines[rest_start:]
    while rest and not rest[-1].strip():
        rest.pop()
    fields_start = len(rest)
    while fields_start > 0 and rest[fields_start - 1].strip():
        fields_start -= 1
    for line in rest[:fields_start]:
        field = _FIELD_LINE.fullmatch(line)
        if field and field["field"] in FIELDS:
            raise CaseError(f"{file_name}: the field {field['field']}: stands outside the docstring's last paragraph")
    fields = _parse_fields(file_name, rest[fields_start:])
    return claim, "\n".join(rest[:fields_start]).strip(), fields


def _parse_fields(file_name: str, lines: Sequence[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    current = ""
    for line in lines:
        if line.startswith((" ", "\t")) and current:
            fields[current] += " " + line.strip()
            continue
        match = _FIELD_LINE.fullmatch(line)
        if match is None:
            raise CaseError(
                f"{file_name}: '{line.strip()}' is no header field; the docstring's last paragraph holds only fields"
            )
        current = match["field"]
        if current not in FIELDS:
            raise CaseError(f"{file_name}: unknown header field {current}:, known are {', '.join(FIELDS)}")
        if current in fields:
            raise CaseError(f"{file_name}: the header field {current}: is there twice")
        fields[current] = match["value"] or ""
    for field in REQUIRED_FIELDS:
        if field not in fields:
            raise CaseError(f"{file_name}: the header field {field}: is missing")
    for field, value in fields.items():
        if not value.strip():
            raise CaseError(f"{file_name}: the header field {field}: is empty")
    return fields


def _words(file_name: str, field: str, value: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
    words = tuple(value.split())
    for word in words:
        if not pattern.fullmatch(word):
            raise CaseError(f"{file_name}: '{word}' is no word for {field}:, which takes words separated by spaces")
    _check_no_repeat(file_name, field, words)
    return words


def _sources(file_name: str, value: str) -> tuple[str, ...]:
    sources = tuple(" ".join(source.split()) for source in value.split(","))
    if "" in sources:
        raise CaseError(f"{file_name}: Source: has an empty item; it takes items separated by commas")
    _check_no_repeat(file_name, "Source", sources)
    return sources


def _check_no_repeat(file_name: str, field: str, words: Sequence[str]) -> None:
    for index, word in enumerate(words):
        if word in words[:index]:
            raise CaseError(f"{file_name}: {field}: names '{word}' twice")


def select(
    cases: Sequence[Case],
    patterns: Iterable[str] = (),
    *,
    groups: Iterable[str] = (),
    excluded_groups: Iterable[str] = (),
) -> list[Case]:
    """Return the cases that are asked for, by number.

    A pattern is a number (310), an id (310-active-writes), a name (active-writes), a path to the case file, a range
    (100-199), or hundreds and tens (3xx, 31x). No pattern means every case. Of these the cases remain that are in one
    of ``groups`` (all of them when there is none) and in none of ``excluded_groups``.

    A range, hundreds or groups may lawfully select nothing.

    :raise UsageError: when a number, an id, a name or a group is not known; the text names the nearest ones.
    """
    patterns = list(patterns)
    wanted: set[str] = set()
    for pattern in patterns:
        wanted.update(case.id for case in _matching(cases, pattern))
    known_groups = {group for case in cases for group in case.groups}
    groups = set(groups)
    excluded_groups = set(excluded_groups)
    for group in sorted(groups | excluded_groups):
        if group not in known_groups:
            raise UsageError(f"unknown group '{group}': known are {', '.join(sorted(known_groups)) or 'none'}")
    return [
        case
        for case in sorted(cases, key=lambda case: case.number)
        if (not patterns or case.id in wanted)
        and (not groups or groups & set(case.groups))
        and not excluded_groups & set(case.groups)
    ]


def _matching(cases: Sequence[Case], pattern: str) -> list[Case]:
    # A path is accepted because that is what a shell completes.
    stem = Path(pattern).stem if pattern.endswith(".py") else pattern
    for case in cases:
        if stem in (case.id, case.name):
            return [case]
    if match := _RANGE.fullmatch(pattern):
        first, last = int(match["first"]), int(match["last"])
        if first > last:
            raise UsageError(f"the range {pattern} of cases ends before it begins")
        return [case for case in cases if first <= case.number <= last]
    if _HUNDREDS.fullmatch(pattern):
        prefix = pattern.rstrip("x")
        return [case for case in cases if f"{case.number:03}".startswith(prefix)]
    if _NUMBER.fullmatch(pattern):
        for case in cases:
            if case.number == int(pattern):
                return [case]
    raise UsageError(f"unknown case '{pattern}'{_nearest_hint(cases, pattern, stem)}")


def _nearest_hint(cases: Sequence[Case], pattern: str, stem: str) -> str:
    if _NUMBER.fullmatch(pattern):
        nearest = sorted(cases, key=lambda case: (abs(case.number - int(pattern)), case.number))[:3]
        names = [case.id for case in sorted(nearest, key=lambda case: case.number)]
    else:
        by_spelling = {spelling: case.id for case in cases for spelling in (case.name, case.id)}
        close = difflib.get_close_matches(stem, by_spelling, n=3, cutoff=0.5)
        names = list(dict.fromkeys(by_spelling[spelling] for spelling in close))
    return f": the nearest are {', '.join(names)}" if names else ""
