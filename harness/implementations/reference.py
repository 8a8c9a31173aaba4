"""The adapter to the reference: the only place where the harness meets `reference_impl`."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness import __version__
from harness.consoles.hbitmap_protocol import HBITMAP_FEATURES, ConsoleRefusal
from harness.errors import (
    HarnessBug,
    ImplementationCrash,
    ImplementationError,
    ImplementationHang,
    MirrorcheckError,
    UsageError,
)
from harness.implementations.base import (
    HANG_LIMIT_S,
    BitmapPort,
    Event,
    GuestPort,
    Implementation,
    Inside,
    PendingCommand,
    PendingRequest,
    Probe,
    Session,
)
from harness.implementations.features import features_of_schema
from harness.implementations.reference_bitmaps import AREA_BITMAPS, AreaBitmap
from harness.implementations.reference_files import Files
from harness.implementations.stepping import PendingTimer
from harness.storage import HeldStorage, Operation, StorageRequest
from reference_impl.backend import Backend, GuestRequest
from reference_impl.bitmap_export import BitmapExport
from reference_impl.errors import BitmapError
from reference_impl.hbitmap import HBitmap
from reference_impl.introspection import introspection
from reference_impl.job_states import JobState, JobVerb
from reference_impl.machine import Machine
from reference_impl.monitor import Command
from reference_impl.parts import Parts
from reference_impl.qmp_errors import QmpError
from reference_impl.scheduler import LivelockError, Scheduler
from reference_impl.storage_node import Completion
from reference_impl.variants import VARIANTS

VIRTUAL_LIMIT_NS = 60 * 1_000_000_000
"""How much virtual time a wait may take before it is a hang: twice what a real program gets."""

MODEL_FEATURES = HBITMAP_FEATURES | {
    "bitmap-export",
    "decisions",
    "drive",
    "hbitmap",
    "job-states",
    "own-program",
    "relative-names",
    "virtual-time",
}
"""What a model offers besides commands: its bitmaps, a clock that stands still until told to go on, its decisions."""


AREAS_SHOWN_MAX = 256
"""With more dirty areas than this only the first are shown."""


_OPERATIONS = {operation.value: operation for operation in Operation}
"""To look a member up in an enum class by its value costs more than a request."""


class _Guard:
    """Turns whatever goes wrong inside the model into an error of the implementation under test."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, where: object) -> None:
        if isinstance(error, LivelockError):
            raise ImplementationHang(str(error), error.waits) from error
        if isinstance(error, Exception):
            # Whatever the model raises out of its own code is the model's fault, which here is the one under test.
            text = f"the reference raised {type(error).__name__}: {error}"
            raise ImplementationCrash(text, "".join(traceback.format_exception(error))) from error


_GUARD = _Guard()


class _Port:
    """Held storage as the reference's storage nodes see it: completions come through the scheduler, never at once."""

    def __init__(self, storage: HeldStorage, scheduler: Scheduler) -> None:
        self._storage = storage
        self._scheduler = scheduler

    @property
    def size_bytes(self) -> int:
        return self._storage.size

    def submit(
        self,
        operation: str,
        offset: int,
        length: int,
        data: bytes | None,
        fua: bool,
        may_unmap: bool,
        completion: Completion,
    ) -> None:
        def on_complete(request: StorageRequest) -> None:
            errno, result = request.errno, request.result
            self._scheduler.post(lambda: completion(errno, result))

        self._storage.submit(
            _OPERATIONS[operation], offset, length, data, fua=fua, may_unmap=may_unmap, on_complete=on_complete
        )

    def truncate(self, size_bytes: int) -> None:
        # An export keeps its length, whatever its client makes of it.
        pass

    def block_status(self, offset: int, length: int) -> tuple[int, bool, bool]:
        extent = self._storage.extents(offset, length, 1)[0]
        return extent.length, extent.is_hole, extent.is_zero


class _Guest(GuestPort):
    def __init__(self, session: ReferenceSession, backend: Backend) -> None:
        self._session = session
        self._backend = backend

    def submit(self, request: PendingRequest) -> None:
        def on_done(answered: GuestRequest) -> None:
            request.data = answered.data
            request.errno = answered.errno

        inner = GuestRequest(
            request.operation.value,
            request.offset,
            request.length,
            request.payload,
            fua=request.fua,
            may_unmap=request.may_unmap,
        )
        with self._session.guarded():
            self._backend.submit(inner, on_done)


class _Bitmap(BitmapPort):
    def __init__(self, export: BitmapExport) -> None:
        self._export = export

    def ranges(self) -> list[tuple[int, int]]:
        return self._export.ranges()

    def close(self) -> None:
        self._export.close()


class ReferenceSession(Session):
    """The reference in this process, driven through its scheduler."""

    def __init__(self, parts: Parts | None = None, folder: Path = Path()) -> None:
        super().__init__()
        self._parts = parts or Parts()
        self._files = Files(folder, self._post)
        self.machine = Machine(self._parts, self._on_event, files=self._files)
        self._scheduler = self.machine.scheduler
        self._backends: dict[str, Backend] = {}
        self.stepping = _Stepping(self)

    def _post(self, callback: Callable[[], None]) -> None:
        self._scheduler.post(callback)

    def _on_event(self, name: str, data: Mapping[str, Any]) -> None:
        self.events.append(Event(name, dict(data)))

    def guarded(self) -> _Guard:
        """Turn whatever goes wrong inside the model into an error of the implementation under test."""
        return _GUARD

    def attach(self, name: str, storage: HeldStorage, *, read_only: bool = False, unmap: bool = False) -> None:
        with self.guarded():
            port = _Port(storage, self._scheduler)
            self.machine.attach_storage(name, port, read_only=read_only, unmap=unmap)

    def attach_drive(self, drive: str, name: str, storage: HeldStorage, *, unmap: bool = False) -> None:
        self.attach(name, storage, unmap=unmap)
        with self.guarded():
            self.machine.devices.add_drive(drive, self.machine.graph.nodes[name])

    def add_empty_drive(self, drive: str) -> None:
        with self.guarded():
            self.machine.devices.add_drive(drive, None)

    def open_guest(self, node_name: str) -> GuestPort:
        with self.guarded():
            backend = self._backends[node_name] = self.machine.open_guest(node_name)
            return _Guest(self, backend)

    def close_guest(self, node_name: str) -> None:
        with self.guarded():
            del self._backends[node_name]
            self.machine.exports.close(f"guest-{node_name}")

    def open_bitmap(self, node_name: str, bitmap_name: str) -> BitmapPort:
        with self.guarded():
            try:
                return _Bitmap(self.machine.bitmaps.open_export(node_name, bitmap_name))
            except QmpError as error:
                refusal = str(error)
        raise ImplementationError(f"an export of bitmap '{bitmap_name}' was refused: {refusal}")

    def quit(self) -> str:
        pending = self.submit_command("quit", {})
        self.wait(lambda: pending.done, "the reply to quit")
        return "ended with status 0"

    def submit_command(self, name: str, arguments: Mapping[str, Any]) -> PendingCommand:
        pending = PendingCommand(name, arguments)

        def on_reply(command: Command) -> None:
            pending.reply = command.reply

        with self.guarded():
            self.machine.execute(name, arguments, on_reply)
        return pending

    def settle(self) -> None:
        with self.guarded():
            self._scheduler.settle()

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        limit_ns = self._scheduler.now_ns + VIRTUAL_LIMIT_NS
        self.settle()
        while not condition():
            if self._scheduler.now_ns > limit_ns:
                seconds = VIRTUAL_LIMIT_NS // 1_000_000_000
                raise self._hang(f"{seconds} s of virtual time passed while waiting for {what}")
            self._advance(what)
            self.settle()

    def let_time_pass(self) -> None:
        self._advance("anything")
        self.settle()

    def virtual_time_ms(self) -> int:
        return self._scheduler.now_ns // 1_000_000

    def _advance(self, what: str) -> None:
        with self.guarded():
            if self._scheduler.advance_to_next_timer():
                return
        raise self._hang(f"nothing can happen any more while waiting for {what}")

    def _hang(self, text: str) -> ImplementationHang:
        return ImplementationHang(text, self._scheduler.waits())

    def close(self) -> None:
        self._scheduler.close()
        self._files.close()

    @contextmanager
    def bitmap_calls(self) -> Iterator[None]:
        try:
            yield
        except BitmapError as refusal:
            raise ConsoleRefusal(str(refusal)) from refusal
        except MirrorcheckError:
            raise
        except Exception:
            with self.guarded():
                raise

    def inside(self) -> Inside | None:
        bitmaps = {id(bitmap): bitmap for node in self.machine.graph.nodes.values() for bitmap in node.bitmaps}
        unnamed = [bitmap for bitmap in bitmaps.values() if bitmap.name is None]
        if len(unnamed) != 1:
            return None
        areas: list[tuple[int, int]] = []
        position = 0
        while len(areas) < AREAS_SHOWN_MAX:
            area = unnamed[0].next_dirty_area(position, unnamed[0].size_bytes)
            if area is None:
                break
            areas.append(area)
            position = sum(area)
        operations = [str(each) for job in self.machine.jobs.values() for each in getattr(job, "operations", ())]
        return Inside(areas, operations)

    def job_states(self) -> tuple[Mapping[str, Sequence[str]], Mapping[str, Sequence[str]]]:
        job = self._parts.job
        return (
            {state: [following for following in JobState if following in job.transitions[state]] for state in JobState},
            {verb: [state for state in JobState if state in job.verbs[verb]] for verb in JobVerb},
        )

    def hbitmap(self, size: int, granularity: int) -> HBitmap:
        return self._parts.hbitmap(size, granularity)

    def area_bitmap(self, size: int, granularity: int, feature: str) -> AreaBitmap:
        return AREA_BITMAPS[feature](size, granularity)


class _Stepping:
    """A reference, one decision at a time; see `harness.implementations.stepping`."""

    def __init__(self, session: ReferenceSession) -> None:
        self._session = session
        self._scheduler = session.machine.scheduler

    def rest(self) -> None:
        try:
            self._scheduler.run_posted()
        except Exception:
            with self._session.guarded():
                raise

    def next_timer(self) -> PendingTimer | None:
        timer = self._scheduler.next_timer()
        if timer is None:
            return None
        return PendingTimer(timer.name, max(timer.deadline_ns - self._scheduler.now_ns, 0))

    def fire_next_timer(self) -> None:
        timer = self._scheduler.next_timer()
        if timer is None:
            raise HarnessBug("there is no timer that could fire")
        with self._session.guarded():
            self._scheduler.fire(timer)

    def running(self) -> str:
        task = self._scheduler.current
        return task.name if task is not None else ""

    def waits(self) -> list[str]:
        return self._scheduler.waits()

    def fresh(self) -> Session:
        return ReferenceSession(self._session._parts)

    def unchanging(self) -> tuple[object, ...]:
        machine = self._session.machine
        # Who handles a command works on the graph, the jobs, the files and the throttle groups, and has nothing else.
        return machine.commands, machine.handlers, self._session._parts

    def now_ns(self) -> int:
        return self._scheduler.now_ns

    def begin_drain(self, node_name: str, on_begun: Callable[[], None]) -> None:
        node = self._session.machine.graph.nodes[node_name]

        async def begin() -> None:
            await node.drained_begin_and_wait()
            on_begun()

        with self._session.guarded():
            self._scheduler.start(begin(), f"drained section of {node_name}")

    def end_drain(self, node_name: str) -> None:
        with self._session.guarded():
            self._session.machine.graph.nodes[node_name].unquiesce()

    def jobs(self) -> Mapping[str, Any]:
        return self._session.machine.jobs


class Reference(Implementation):
    """The reference as it should be, with another choice where there is one, or with bugs put back.

    :param name: the name of a variant, a mutant or a set of mutants; empty for none.
    :ivar parts: what it is made of; None for what it is made of as it should be.
    :raise UsageError: when there is nothing of that name.
    """

    def __init__(self, spec: str = "reference", name: str = "") -> None:
        self.spec = spec
        self.parts = _parts_of(name) if name else None

    def probe(self) -> Probe:
        marks = (self.parts or Parts()).filter.command_features
        return Probe(__version__, features_of_schema(introspection(command_features=marks)) | MODEL_FEATURES)

    def open(self, folder: Path, hang_limit_s: float = HANG_LIMIT_S) -> Session:
        return ReferenceSession(self.parts, folder)


def _parts_of(name: str) -> Parts:
    from reference_impl.mutants import MUTANTS, SETS, combined
    from reference_impl.mutants.tables import cells

    if name in VARIANTS:
        return VARIANTS[name].parts
    if name in SETS:
        return combined(SETS[name])
    known = MUTANTS if name in MUTANTS else cells()
    if name not in known:
        raise UsageError(f"the reference has no mutant '{name}'; 'mirrorcheck mutants --list' names them")
    return known[name].parts


def known_mutants() -> tuple[dict[str, str], dict[str, str]]:
    """(each mutant by name with its rows, its fix and what it does; each set of them with its members)."""
    from reference_impl.mutants import MUTANTS, SETS

    single = {
        name: f"{' '.join(mutant.rows)} (fixed: {mutant.fixed}): {mutant.summary}" for name, mutant in MUTANTS.items()
    }
    return single, {name: f"all of {', '.join(members)}" for name, members in SETS.items()}


def mutant_rows() -> dict[str, tuple[str, ...]]:
    """Each mutant's rows of facts, by its name."""
    from reference_impl.mutants import MUTANTS

    return {name: mutant.rows for name, mutant in MUTANTS.items()}


def known_variants() -> dict[str, str]:
    """Each other choice by name, with its rows and what it is."""
    return {name: f"{' '.join(variant.rows)} (no bug): {variant.summary}" for name, variant in VARIANTS.items()}


def members_of(name: str) -> tuple[str, ...]:
    """The mutants of a set."""
    from reference_impl.mutants import SETS

    return SETS[name]


def table_mutants() -> dict[str, str]:
    """Each flipped cell of the job's tables by name, with what it does."""
    from reference_impl.mutants.tables import cells

    return {name: mutant.summary for name, mutant in cells().items()}
