"""The process in which cases run, one after the other: takes an order, runs the case, says what happened.

A worker is forked by its keeper (``harness.keeper``), which enforces the limit of time and picks up the pieces. The
worker itself only turns whatever a case does, raises or leaves behind into a `RawRun`. It goes on to the next case
only after one that went well; after anything else it asks to be replaced, so that no case suffers from another.
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import functools
import io
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from harness import leftovers, processes, results
from harness.errors import (
    CaseError,
    CaseSkipped,
    HarnessBug,
    ImplementationCrash,
    ImplementationError,
    ImplementationHang,
    ImplementationUnavailable,
    MirrorcheckError,
    Undecided,
    UsageError,
)
from harness.records import RawRun, RunStatus, Task

if TYPE_CHECKING:
    from harness.cases import Case
    from harness.implementations import Implementation

#: How long a case may wait for an implementation on its own; half the case's limit when that is shorter.
HANG_LIMIT_S_MAX = 30.0

OUTPUT_TAIL_BYTES = 4096
REASON_LENGTH_MAX = 1000
DETAIL_LENGTH_MAX = 256 * 1024
TRACEBACK_LINES_MAX = 200

#: After these, if nothing was left behind, the worker is as good as new.
HARMLESS = frozenset({RunStatus.COMPLETED, RunStatus.SKIPPED, RunStatus.UNAVAILABLE})

#: What a disk answers that takes no more.
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})

_HARNESS_FOLDER = str(Path(__file__).resolve().parent) + os.sep
_REFERENCE_FOLDER = str(Path(__file__).resolve().parent.parent / "reference_impl") + os.sep


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the supervisor asks of a keeper, and the keeper of its worker: run this.

    :ivar folder: the artefact folder; exists.
    :ivar limit_s: for the whole case; the keeper enforces it.
    """

    task: Task
    folder: str
    limit_s: float


class Begun(msgspec.Struct, frozen=True, kw_only=True, tag="begun"):
    """Sent by a worker once it knows what it runs against, so that this is known even if it dies."""

    version: str
    features: list[str]


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    """Sent by a worker when a case is over.

    :ivar run: without its transcript, which is in the artefact folder.
    :ivar retire: the worker must not be used again.
    """

    run: RawRun
    retire: bool


class Identity(msgspec.Struct):
    """What the implementation said of itself; filled in by the runner as soon as it is known."""

    version: str = ""
    features: list[str] = []


#: Runs one order: gets the transcript's file, the scratch folder, and what to call with the implementation's identity.
Runner = Callable[[Order, BinaryIO, Path, Callable[[Identity], None]], None]


def run_on_bench(order: Order, file: BinaryIO, scratch: Path, begin: Callable[[Identity], None]) -> None:
    """The ordinary runner: load the case, find the implementation, check the needs, run it on the bench.

    :raise MirrorcheckError: as the bench does; CaseSkipped when a feature that the case needs is missing.
    """
    from harness import case_run, cases
    from harness.trace import Trace, TracedTranscript
    from harness.trace_file import TRACE_FILE

    case = cases.load(Path(order.task.case_path))
    implementation, identity = _probe(order.task.implementation)
    begin(identity)
    if not implementation.restartable:
        _spare(implementation, identity, case)
    hang_limit_s = min(HANG_LIMIT_S_MAX, order.limit_s / 2)
    with (Path(order.folder) / TRACE_FILE).open("wb", buffering=0) as trace_file:
        trace = Trace(trace_file)
        transcript = TracedTranscript(file, trace)
        case_run.run_case(case, implementation, transcript, scratch, hang_limit_s, trace)


def _spare(implementation: Implementation, identity: Identity, case: Case) -> None:
    """Keep a case from a program of which it is known that the case ends it, when nobody would start it again.

    :raise CaseSkipped: when that is known.
    """
    from harness.deviations import Deviations
    from harness.suite import GOLDEN_FOLDER

    folder = case.path.parent
    case_ids = [path.stem for path in folder.glob("*.py")]
    known = Deviations.load(folder.parent / GOLDEN_FOLDER, case_ids)
    deviation = known.find(case.id, implementation.spec, identity.version, identity.features)
    if deviation is not None and deviation.status in ("crash", "hang"):
        raise CaseSkipped(f"is known to end this program, which nobody would start again: {deviation.reason}")


@functools.cache
def _probe(specification: str) -> tuple[Implementation, Identity]:
    from harness import implementations

    implementation = implementations.parse(specification)
    probe = implementation.probe()
    return implementation, Identity(probe.version, sorted(probe.features))


def serve(connection: socket.socket, stacks: int, scratch: Path, runner: Runner) -> None:
    """Run orders until the keeper closes the connection.

    :param connection: to the keeper: an `Order` a line comes in, `Begun` and `Done` go out.
    :param stacks: descriptor to which the Python stacks of all threads are written on SIGUSR1 or a fatal signal.
    :param scratch: the folder that each case gets empty.
    """
    processes.become_subreaper()
    faulthandler.enable(stacks)
    # After the stacks the signal's default action follows, which ends the process: the keeper sees when they are there.
    faulthandler.register(signal.SIGUSR1, stacks, chain=True)
    decoder = msgspec.json.Decoder(Order)
    with connection.makefile("rb") as lines:
        for line in lines:
            done = run_order(decoder.decode(line), scratch, runner, functools.partial(_send, connection))
            _send(connection, done)


def _send(connection: socket.socket, message: Begun | Done) -> None:
    connection.sendall(msgspec.json.encode(message) + b"\n")


def run_order(order: Order, scratch: Path, runner: Runner, send: Callable[[Begun], None]) -> Done:
    """Run one case and conclude what happened; nothing that a case can raise escapes.

    :param scratch: the case's scratch folder; made here, emptied afterwards.
    :param send: told when it is known what the case runs against.
    """
    try:
        return _run_order(order, scratch, runner, send)
    except Exception as error:  # around the case: a full disk, or the case removed what it stands on
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            reason, detail = f"cannot write to {error.filename or order.folder}: {error.strerror}", ""
        else:
            reason, detail = f"the harness raised {type(error).__name__}: {_text(error)}", _format(error)
        run = RawRun(
            case=order.task.case_id,
            implementation=order.task.implementation,
            status=RunStatus.BROKEN,
            reason=one_line(reason),
            detail=detail[:DETAIL_LENGTH_MAX],
            folder=order.folder,
        )
        return Done(run=run, retire=True)


def _run_order(order: Order, scratch: Path, runner: Runner, send: Callable[[Begun], None]) -> Done:
    folder = Path(order.folder)
    own_pid = os.getpid()
    identity = Identity()

    def begin(found: Identity) -> None:
        identity.version, identity.features = found.version, found.features
        send(Begun(version=found.version, features=found.features))

    with redirected_output(folder):
        surroundings = leftovers.Surroundings(scratch)
        started_s = time.monotonic()
        status, reason, detail = _run_and_classify(order, folder, scratch, runner, begin)
        duration_s = time.monotonic() - started_s
        if os.getpid() != own_pid:
            # The case forked, and its child came back here. It must not answer as well, and it must not end either:
            # then it would depend on its speed whether the parent finds it.
            while True:
                signal.pause()
        left = surroundings.leftovers()
        _keep_artefacts(scratch, folder)
        surroundings.restore()
    if left:
        detail = _join(detail, "left behind:\n" + "\n".join(f"  {item}" for item in left))
        if status in (RunStatus.COMPLETED, RunStatus.SKIPPED):
            status, reason = RunStatus.LEFT_BEHIND, one_line(f"left behind: {', '.join(left)}")
    if status != RunStatus.COMPLETED:
        detail = _join(detail, *output_tails(folder))
    run = RawRun(
        case=order.task.case_id,
        implementation=order.task.implementation,
        version=identity.version,
        features=identity.features,
        status=status,
        reason=reason,
        detail=detail[:DETAIL_LENGTH_MAX],
        duration_s=duration_s,
        folder=order.folder,
    )
    return Done(run=run, retire=bool(left) or status not in HARMLESS)


def _run_and_classify(
    order: Order, folder: Path, scratch: Path, runner: Runner, begin: Callable[[Identity], None]
) -> tuple[RunStatus, str, str]:
    try:
        # Unbuffered: what a case said must not be lost with the process.
        with (folder / results.TRANSCRIPT).open("wb", buffering=0) as file:
            runner(order, file, scratch, begin)
    except BaseException as error:
        return classify(error, order.task.case_path)
    return RunStatus.COMPLETED, "", ""


def classify(error: BaseException, case_path: str) -> tuple[RunStatus, str, str]:
    """Say what an exception that ended a case means: status, reason (one line), detail (many lines).

    An error raised on purpose says itself whose fault it is. For any other, the innermost frame that is not the
    standard library's decides: the case file's own code, the reference, or the harness.
    """
    match error:
        case CaseSkipped():
            return RunStatus.SKIPPED, one_line(_text(error)), ""
        case ImplementationUnavailable():
            return RunStatus.UNAVAILABLE, one_line(_text(error)), _describe_cause(error)
        case ImplementationHang():
            waits = [f"waits: {line}" for line in error.waits]
            messages = [f"last message: {line}" for line in error.last_messages]
            return RunStatus.HANG, one_line(_text(error)), "\n".join(waits + messages)
        case ImplementationCrash():
            return RunStatus.CRASH, one_line(_text(error)), error.detail
        case ImplementationError():
            return RunStatus.WRONG, one_line(_text(error)), _format(error, case_path)
        case HarnessBug():
            return RunStatus.BROKEN, one_line(_text(error)), _format(error)
        case CaseError():
            return RunStatus.CASE_ERROR, one_line(_text(error)), _format(error, case_path)
        case Undecided():
            return RunStatus.SKIPPED, one_line(f"undecided: {_text(error)}"), ""
        case UsageError():  # where we are to write there is no room, or no right to: nobody's code is wrong
            return RunStatus.BROKEN, one_line(_text(error)), ""
        case MirrorcheckError():
            return RunStatus.BROKEN, one_line(_text(error)), _format(error)
    text = one_line(f"{type(error).__name__}: {_text(error)}".removesuffix(": "))
    match whose_fault(error, case_path):
        case "case":
            return RunStatus.CASE_ERROR, f"the case raised {text}", _format(error, case_path)
        case "reference":
            return RunStatus.CRASH, f"the reference raised {text}", _format(error)
    return RunStatus.BROKEN, f"the harness raised {text}", _format(error)


def whose_fault(error: BaseException, case_path: str) -> str:
    """``case``, ``reference`` or ``harness``: where the innermost frame of the three lies.

    A recursion that went too deep is the fault of whoever has most of the frames: its end may lie anywhere.
    """
    owners = ["harness"]
    for frame, _ in traceback.walk_tb(error.__traceback__):
        name = frame.f_code.co_filename
        if name == case_path:
            owners.append("case")
        elif name.startswith(_REFERENCE_FOLDER):
            owners.append("reference")
        elif name.startswith(_HARNESS_FOLDER):
            owners.append("harness")
    if isinstance(error, RecursionError):
        return max(("harness", "reference", "case"), key=owners.count)
    return owners[-1]


@contextlib.contextmanager
def redirected_output(folder: Path) -> Iterator[None]:
    """Send what this process and its children write to stdout and stderr to files; keep those only if not empty."""
    saved_objects = sys.stdin, sys.stdout, sys.stderr
    paths = {1: folder / results.STDOUT, 2: folder / results.STDERR}
    saved = {number: os.dup(number) for number in paths}
    for stream in saved_objects[1:]:
        stream.flush()
    for number, path in paths.items():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        os.dup2(descriptor, number)
        os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Whatever a case prints is kept; in which locale we run must not decide whether it may.
            stream.reconfigure(errors="surrogateescape")
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr, *saved_objects[1:]):
            with contextlib.suppress(ValueError, OSError):  # a case may have closed or replaced it
                stream.flush()
        sys.stdin, sys.stdout, sys.stderr = saved_objects
        for number, descriptor in saved.items():
            os.dup2(descriptor, number)
            os.close(descriptor)
        for path in paths.values():
            if path.stat().st_size == 0:
                path.unlink()


def output_tails(folder: Path) -> list[str]:
    """The ends of the captured stdout and stderr, each under a heading; nothing for an empty one."""
    tails: list[str] = []
    for name in (results.STDOUT, results.STDERR):
        try:
            with (folder / name).open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - OUTPUT_TAIL_BYTES))
                text = file.read().decode("utf-8", "backslashreplace").rstrip("\n")
        except FileNotFoundError:
            continue
        if text:
            tails.append(f"{name} ends with:\n{text}")
    return tails


def one_line(text: str) -> str:
    """Make a text fit for one line of a report: control characters escaped, not endless."""
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text[: REASON_LENGTH_MAX + 1]
    )
    return shown if len(shown) <= REASON_LENGTH_MAX else shown[: REASON_LENGTH_MAX - 4] + " ..."


def _keep_artefacts(scratch: Path, folder: Path) -> None:
    artefacts = scratch / results.ARTEFACTS
    if artefacts.is_dir() and any(artefacts.iterdir()):
        import shutil

        shutil.move(artefacts, folder / results.ARTEFACTS)


def _text(error: BaseException) -> str:
    """An exception's text, also when its own __str__ raises."""
    try:
        return str(error)
    except Exception as failure:
        return f"(its text cannot be shown: {type(failure).__name__})"


def _describe_cause(error: BaseException) -> str:
    return f"{type(error.__cause__).__name__}: {error.__cause__}" if error.__cause__ is not None else ""


def _format(error: BaseException, begins_in: str = "") -> str:
    """The traceback; from the first frame of a file on, if there is one: how it came to be called is of no interest."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != begins_in:
        frames = frames.tb_next
    try:
        lines = "".join(traceback.format_exception(error.with_traceback(frames or error.__traceback__))).splitlines()
    except Exception as failure:
        return f"(the traceback cannot be shown: {type(failure).__name__})"
    if len(lines) > TRACEBACK_LINES_MAX:
        half = TRACEBACK_LINES_MAX // 2
        lines = [*lines[:half], f"... {len(lines) - 2 * half} lines ...", *lines[-half:]]
    return "\n".join(lines)


def _join(*parts: str) -> str:
    return "\n".join(part for part in parts if part)
