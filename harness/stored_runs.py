"""Runs as data: a folder for each, whose ``results.jsonl`` holds one record a line and is valid at every moment.

::

    RESULTS/                        --results, $MIRRORCHECK_RESULTS, or mirrorcheck/ below $XDG_STATE_HOME
        latest -> 2026-11-23T07-37-06Z
        2026-11-23T07-37-06Z/       one run
            results.jsonl           header, a record a case and implementation, end
            coverage.jsonl, mutants.jsonl      matrices that other commands add; see docs/file-formats.md
            reference/310-active-writes/       the artefact folder, see harness.results

The header is put into place in one step, each record is appended in one write as soon as its case is over, and the
last line says that the run came to its end. So a run that is killed at any moment has lost nothing that it knew: at
worst the last line is cut, and a reader leaves that one out. Everything else that is not as written here is refused.
"""

from __future__ import annotations

import datetime
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from harness import __version__
from harness.cases import Case
from harness.errors import UsageError
from harness.judge import SUITE_ITSELF
from harness.records import Record, Task
from harness.report import replace_file
from harness.results import slug

RESULTS_FILE = "results.jsonl"
LATEST = "latest"
FORMAT = 1

#: How many runs stay in the folder that nobody named; in a named one all do.
KEPT_RUNS_COUNT = 20

#: A run without an end that is older than this is not going on any more.
UNFINISHED_AGE_S_MAX = 24 * 3600.0

RESULTS_VARIABLE = "MIRRORCHECK_RESULTS"

_RUN_ID = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(-\d+)?")
_CASE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
#: No honest line is longer: a transcript ends at 16 MiB, and its difference may be twice that, escaped.
_LINE_BYTES_MAX = 256 * 1024 * 1024


class CaseInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a report says of a case, so that it needs no suite.

    :ivar sources: row ids, such as QE-15.
    """

    id: str
    claim: str = ""
    groups: list[str] = []
    needs: list[str] = []
    sources: list[str] = []


class Header(msgspec.Struct, frozen=True, kw_only=True, tag="run", tag_field="kind"):
    """The first line.

    :ivar format: of this file; a reader refuses what it does not know.
    :ivar started: UTC, ISO 8601, whole seconds.
    :ivar suite: the folder that holds cases/ and golden/.
    :ivar command: the arguments of mirrorcheck.
    :ivar order: the pairs of case and implementation that were to run, in order.
    :ivar environment: what a person wants to know of the machine; nothing is decided by it.
    """

    format: int
    id: str
    mirrorcheck: str
    started: str
    suite: str
    command: list[str] = []
    implementations: list[str] = []
    cases: list[CaseInfo] = []
    order: list[tuple[str, str]] = []
    jobs: int = 1
    limit_s: float = 60.0
    environment: dict[str, str] = {}


class RecordLine(msgspec.Struct, frozen=True, kw_only=True, tag="record", tag_field="kind"):
    """One case on one implementation.

    :ivar attempt: 1, or more for a rerun of the same pair within the run.
    :ivar seed: of a random choice, when there was one.
    :ivar schedule: the decisions of an explored schedule, when there was one.
    """

    record: Record
    attempt: int = 1
    seed: int | None = None
    schedule: list[str] = []


class End(msgspec.Struct, frozen=True, kw_only=True, tag="end", tag_field="kind"):
    """The last line of a run that was not killed.

    :ivar record_count: how many record lines stand before it.
    """

    record_count: int
    interrupted: bool
    exit_status: int
    duration_s: float


class Coverage(msgspec.Struct, frozen=True, kw_only=True, tag="coverage", tag_field="kind"):
    """A line of coverage.jsonl: what one case exercises.

    :ivar reached: names of what was reached: transitions, verbs, decision points, functions.
    :ivar known: all names that there are of this dimension, reached or not; may be given on one line only.
    """

    case: str
    implementation: str = "reference"
    dimension: str
    reached: list[str] = []
    known: list[str] = []


class Mutants(msgspec.Struct, frozen=True, kw_only=True, tag="mutants", tag_field="kind"):
    """A line of mutants.jsonl: which cases catch one mutant.

    :ivar verdict: "caught" or "survived".
    :ivar caught_by: ids of the cases that notice it.
    """

    mutant: str
    summary: str = ""
    verdict: Literal["caught", "survived"]
    caught_by: list[str] = []


class StoredRun(msgspec.Struct, kw_only=True):
    """A run read back.

    :ivar path: its folder, or the folder of a file that lies by itself.
    :ivar lines: every record line in order; a pair may come several times, as attempts.
    :ivar end: None when the run was killed or still goes on.
    :ivar is_cut: the last line was cut and left out.
    """

    path: Path
    header: Header
    lines: list[RecordLine]
    end: End | None = None
    is_cut: bool = False

    @property
    def records(self) -> list[Record]:
        """The last attempt at each pair, in the order of the first."""
        last: dict[tuple[str, str], Record] = {}
        for line in self.lines:
            last[line.record.case, line.record.implementation] = line.record
        return list(last.values())

    @property
    def is_complete(self) -> bool:
        """Whether the run came to its end and did all that it was asked to do."""
        return self.end is not None and not self.end.interrupted

    def missing(self) -> list[tuple[str, str]]:
        """Return the pairs of case and implementation that were to run and have no record."""
        done = {(line.record.case, line.record.implementation) for line in self.lines}
        return [pair for pair in self.header.order if pair not in done]

    def folder_of(self, record: Record) -> Path | None:
        """Return the artefact folder of a record, wherever the run has been moved to; None when there is none."""
        if record.implementation == SUITE_ITSELF:
            return None
        folder = self.path / slug(record.implementation) / record.case
        return folder if folder.is_dir() else None


# Where runs are


def results_home(named: Path | None = None) -> Path:
    """Return the folder that holds the folders of the runs.

    :param named: what the user named; else the environment's, else one below the user's state folder.
    """
    if named is not None:
        return named.absolute()
    if variable := os.environ.get(RESULTS_VARIABLE):
        return Path(variable).absolute()
    state = os.environ.get("XDG_STATE_HOME", "")
    # The standard wants relative paths ignored.
    return (Path(state) if os.path.isabs(state) else Path("~/.local/state").expanduser()) / "mirrorcheck"


def find(text: str, home: Path | None = None) -> Path:
    """Return the file of a stored run.

    :param text: a run's folder, its results.jsonl, a folder of runs (then its latest), or the id of a run in the
        results folder; "latest" is the last one there.
    :raise UsageError: when there is no such run.
    """
    path = Path(text)
    candidates = [path, path / RESULTS_FILE, path / LATEST / RESULTS_FILE]
    folder = results_home(home)
    if os.sep not in text:
        candidates.append(folder / text / RESULTS_FILE)
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    where = "" if os.sep in text else f" here or in {folder}"
    raise UsageError(f"there is no run '{text}'{where}")


def is_run(text: str) -> bool:
    """Say whether a text names a stored run, as ``find`` understands it."""
    try:
        find(text)
    except UsageError:
        return False
    return True


# Reading

_Line = Header | RecordLine | End
_Matrix = TypeVar("_Matrix", Coverage, Mutants)


def read(path: Path) -> StoredRun:
    """Read a run's file; everything in it is checked before anything is believed.

    :raise UsageError: when it cannot be read, is no such file, is of another format, or is damaged.
    """
    try:
        with path.open("rb") as file:
            head = file.readline(_LINE_BYTES_MAX)
            header = _header(path, head)
            data = file.read()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    decoder = msgspec.json.Decoder(_Line)
    lines: list[RecordLine] = []
    end: End | None = None
    *whole, rest = data.split(b"\n")
    for number, text in enumerate(whole, 2):
        if end is not None:
            raise UsageError(f"{path}: line {number} comes after the end of the run")
        try:
            line = decoder.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: line {number} is no record of a run: {error}") from error
        if isinstance(line, Header):
            raise UsageError(f"{path}: line {number} is a second header")
        if isinstance(line, End):
            end = line
            continue
        _check_record(path, number, line.record)
        lines.append(line)
    if end is not None and end.record_count != len(lines):
        raise UsageError(f"{path}: has {len(lines)} records, and its end counts {end.record_count}")
    if end is not None and rest:
        raise UsageError(f"{path}: something comes after the end of the run")
    return StoredRun(path=path.resolve().parent, header=header, lines=lines, end=end, is_cut=bool(rest))


def _header(path: Path, line: bytes) -> Header:
    refusal = f"{path} is no result of mirrorcheck: line 1 is no header of a run"
    try:
        kind = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        number = msgspec.json.decode(kind.get("format", b"null"), type=int)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(refusal) from error
    if kind.get("kind") != msgspec.Raw(b'"run"'):
        raise UsageError(refusal)
    if number != FORMAT:
        raise UsageError(f"{path} has format {number}, and this mirrorcheck reads format {FORMAT}")
    if not line.endswith(b"\n"):
        raise UsageError(f"{path} is cut in its first line")
    try:
        return msgspec.json.decode(line, type=Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(f"{refusal}: {error}") from error


def _check_record(path: Path, number: int, record: Record) -> None:
    if record.implementation != SUITE_ITSELF and not _CASE_ID.fullmatch(record.case):
        raise UsageError(f"{path}: line {number} names the case {record.case[:80]!r}, which is no name of a case")


def read_coverage(folder: Path) -> list[Coverage]:
    """Read coverage.jsonl of a run's folder; a file that is not there has no lines.

    :raise UsageError: when a line is not what it should be.
    """
    return _read_matrix(folder / "coverage.jsonl", Coverage)


def read_mutants(folder: Path) -> list[Mutants]:
    """Read mutants.jsonl of a run's folder, as ``read_coverage`` does."""
    return _read_matrix(folder / "mutants.jsonl", Mutants)


def write_mutants(folder: Path, mutants: Sequence[Mutants]) -> None:
    """Write mutants.jsonl into a run's folder, in one step, for the page to show.

    :raise UsageError: when it cannot be written.
    """
    replace_file(str(folder / "mutants.jsonl"), b"".join(msgspec.json.encode(line) + b"\n" for line in mutants))


def _read_matrix(file: Path, kind: type[_Matrix]) -> list[_Matrix]:
    try:
        *whole, _ = file.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    found = []
    for number, line in enumerate(whole, 1):
        try:
            found.append(msgspec.json.decode(line, type=kind))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise UsageError(f"{file}: line {number} is no record of {file.stem}: {error}") from error
    return found


def durations_s(home: Path, count: int = 5) -> dict[tuple[str, str], float]:
    """Return how long each pair of implementation and case took, in the latest of the last runs that had it.

    It orders the runs and estimates what is left, and decides nothing; so a run that cannot be read is passed over.
    """
    found: dict[tuple[str, str], float] = {}
    for run_id in reversed(run_ids(home)[-count:]):
        try:
            with (home / run_id / RESULTS_FILE).open("rb") as file:
                for line in file:
                    for pair, duration_s in _duration(line):
                        found.setdefault(pair, duration_s)
        except OSError:
            continue
    return found


class _DurationRun(msgspec.Struct):
    case: str
    implementation: str
    duration_s: float = 0.0


class _DurationRecord(msgspec.Struct):
    run: _DurationRun


class _DurationLine(msgspec.Struct):
    record: _DurationRecord


_DURATIONS = msgspec.json.Decoder(_DurationLine)


def _duration(line: bytes) -> list[tuple[tuple[str, str], float]]:
    try:
        run = _DURATIONS.decode(line).record.run
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []
    return [((run.implementation, run.case), run.duration_s)] if run.duration_s > 0 else []


def run_ids(home: Path) -> list[str]:
    """Return the ids of the runs in a results folder, the oldest first; none where there is no such folder."""
    try:
        return sorted(name for name in os.listdir(home) if _RUN_ID.fullmatch(name))
    except OSError:
        return []


# Writing


class RunWriter:
    """Writes one run into a folder of its own.

    :ivar path: the folder of the run.
    """

    def __init__(self, home: Path, header: Header, *, keep_count: int | None = None) -> None:
        """Make the folder, put the header there and let ``latest`` point to it.

        :param keep_count: how many runs stay in the results folder, this one included; None is all.
        :raise UsageError: when something of it cannot be written; the text names it and the reason.
        """
        self._home = home
        self._record_count = 0
        self._started_s = time.monotonic()
        try:
            home.mkdir(parents=True, exist_ok=True)
            self.path = _make_run_folder(home, header.id)
            header = msgspec.structs.replace(header, id=self.path.name)
            replace_file(str(self.path / RESULTS_FILE), msgspec.json.encode(header) + b"\n")
            self._file = os.open(self.path / RESULTS_FILE, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            _point_latest(home, self.path.name)
        except OSError as error:
            raise UsageError(f"cannot write the results folder {home}: {error.strerror}") from error
        if keep_count is not None:
            _remove_old(home, keep_count, self.path.name)

    def add(self, line: RecordLine) -> None:
        """Append one record.

        :raise UsageError: when it cannot be written.
        """
        self._write(line)
        self._record_count += 1

    def finish(self, *, interrupted: bool, exit_status: int) -> None:
        """Write the end.

        :raise UsageError: when it cannot be written.
        """
        duration_s = time.monotonic() - self._started_s
        self._write(
            End(
                record_count=self._record_count, interrupted=interrupted, exit_status=exit_status, duration_s=duration_s
            )
        )

    def close(self) -> None:
        """Close the file. May be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, line: RecordLine | End) -> None:
        data = memoryview(msgspec.json.encode(line) + b"\n")
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            raise UsageError(f"cannot write {self.path / RESULTS_FILE}: {error.strerror}") from error


def make_header(
    *, suite: Path, cases: Sequence[Case], tasks: Sequence[Task], command: Sequence[str], jobs: int, limit_s: float
) -> Header:
    """Return the header of a run that begins now."""
    started = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return Header(
        format=FORMAT,
        id=started.strftime("%Y-%m-%dT%H-%M-%SZ"),
        mirrorcheck=__version__,
        started=started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        suite=str(suite),
        command=[text.encode("utf-8", "backslashreplace").decode() for text in command],
        implementations=list(dict.fromkeys(task.implementation for task in tasks)),
        cases=[
            CaseInfo(
                id=case.id,
                claim=case.claim,
                groups=list(case.groups),
                needs=list(case.needs),
                sources=list(case.sources),
            )
            for case in cases
        ],
        order=[(task.case_id, task.implementation) for task in tasks],
        jobs=jobs,
        limit_s=limit_s,
        environment={
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "processors": str(len(os.sched_getaffinity(0))),
            "hash seed": os.environ.get("PYTHONHASHSEED", "random" if sys.flags.hash_randomization else "0"),
        },
    )


def _make_run_folder(home: Path, run_id: str) -> Path:
    """Make a folder that nobody else has: two runs may begin within the same second."""
    number = 1
    while True:
        path = home / (run_id if number == 1 else f"{run_id}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def _point_latest(home: Path, name: str) -> None:
    temporary = home / f".latest-{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(name)
    try:
        os.replace(temporary, home / LATEST)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _remove_old(home: Path, keep_count: int, own: str) -> None:
    """Remove the oldest runs. One that may still go on stays; what cannot be removed is no reason to stop."""
    for run_id in [name for name in run_ids(home) if name != own][: -(keep_count - 1) or None]:
        path = home / run_id
        try:
            with (path / RESULTS_FILE).open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
                ended = b'"kind":"end"' in file.read()
                age_s = time.time() - os.fstat(file.fileno()).st_mtime
        except OSError:
            continue
        if ended or age_s > UNFINISHED_AGE_S_MAX:
            shutil.rmtree(path, ignore_errors=True)
