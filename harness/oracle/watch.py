"""A session with an oracle over every mirror in it: whoever uses the session notices nothing until a rule breaks.

The session passes everything on. On the way it reads what is asked of jobs, what events say and what guests are
answered, which is all that an oracle needs besides the disks. In this process it judges at once; a real program sends
events and answers on connections of their own, so that their order means nothing, and is judged at rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from harness.implementations.base import Event, GuestPort, PendingCommand, PendingRequest, Session
from harness.oracle.oracle import Oracle, Phase
from harness.storage import CHANGING, HeldStorage

if TYPE_CHECKING:
    from harness.consoles.console import Console

GRANULARITY_BYTES_DEFAULT = 65536
"""What a mirror takes for a target without clusters (QA-07)."""

BUFFER_BYTES_DEFAULT = 16 << 20
"""What a mirror takes for its buffer."""

ACTIVE_MODES = frozenset({"write-blocking", "write-async", "read-write-blocking"})
"""Copy modes in which guests' writes go to the target too."""

WATCHED_BYTES_MAX = 256 << 20
"""Larger disks are not watched: the oracle looks at whole disks, however little of them is there."""


class WatchedJob:
    """A mirror and its oracle.

    :ivar oracle: what judges it. :ivar job_id: how commands and events name the job.
    :ivar copy_mode: what it was started with, or changed to by a command that was not refused.
    :ivar changes: commands that are to change that and are without a reply, with the modes.
    """

    def __init__(self, job_id: str, oracle: Oracle, command: PendingCommand) -> None:
        self.job_id = job_id
        self.oracle = oracle
        self.command = command
        self.copy_mode = str(command.arguments.get("copy-mode", "background"))
        self.is_ready = False
        self.is_over = False
        self.completions: list[PendingCommand] = []
        self.changes: list[tuple[PendingCommand, str]] = []

    @property
    def is_active(self) -> bool:
        """Whether guests' writes go to the target too."""
        return self.copy_mode in ACTIVE_MODES

    @property
    def buffer_bytes(self) -> int:
        """What may be on its way to the target at once, in the mode in which anything may."""
        granularity = _granularity_bytes(self.command.arguments.get("granularity"))
        asked = self.command.arguments.get("buf-size") or BUFFER_BYTES_DEFAULT
        return -(-int(asked) // granularity) * granularity

    @property
    def was_refused(self) -> bool:
        return self.command.reply is not None and "error" in self.command.reply

    @property
    def is_to_complete(self) -> bool:
        """Whether somebody asked for the target to take the source's place, and was not refused."""
        return any(command.reply is not None and "return" in command.reply for command in self.completions)


class WatchedSession(Session):
    """A session of an implementation, watched.

    :param inner: the session; it is closed with this one.
    :param raises: whether `settle` raises `OracleViolation` as soon as a rule was broken; without, look at `oracles`.
    :ivar oracles: one for each mirror that was started, the oldest first.
    """

    def __init__(self, inner: Session, *, raises: bool = True) -> None:
        super().__init__()
        self.inner = inner
        self.events = inner.events
        self.oracles: list[Oracle] = []
        self.jobs: list[WatchedJob] = []
        self._raises = raises
        self._stepping: Any = getattr(inner, "stepping", None)
        self._disks: dict[str, HeldStorage] = {}
        self._guests_of: dict[str, HeldStorage] = {}
        self._pending: dict[int, tuple[str, PendingRequest]] = {}
        self._commands: list[PendingCommand] = []
        self._events_taken = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def __getattribute__(self, name: str) -> Any:
        # What `Session` itself does by default, the implementation's own session may do better.
        if name in _PASSED_ON:
            return getattr(object.__getattribute__(self, "inner"), name)
        return object.__getattribute__(self, name)

    # What is passed on

    def attach(self, name: str, storage: HeldStorage, *, read_only: bool = False, unmap: bool = False) -> None:
        self.inner.attach(name, storage, read_only=read_only, unmap=unmap)
        self._disks[name] = storage

    def attach_drive(self, drive: str, name: str, storage: HeldStorage, *, unmap: bool = False) -> None:
        # Who writes through a drive is no guest of the session: such a disk is not watched.
        self.inner.attach_drive(drive, name, storage, unmap=unmap)

    def open_qemu_io(self, node_name: str, *, below: bool = False, terminal: bool = False) -> Console:
        self._disks.pop(node_name, None)  # for the same reason
        return self.inner.open_qemu_io(node_name, below=below, terminal=terminal)

    def open_guest(self, node_name: str) -> GuestPort:
        port = self.inner.open_guest(node_name)
        disk = self._disks.get(node_name)
        if disk is None:
            return port
        job = self._job_on(disk)
        if job is not None and not job.is_over:
            # It sits below the filter, where no mirror sees what it writes.
            self._forget(job)
        self._guests_of.setdefault(node_name, disk)
        return _WatchedPort(self, node_name, port)

    def submit_command(self, name: str, arguments: Mapping[str, Any]) -> PendingCommand:
        self.take_events()
        if name == "blockdev-mirror":
            return self._submit_mirror(name, arguments)
        pending = self._submit(name, arguments, self._before)
        job = self._job(arguments)
        if job is not None and name in ("block-job-change", "job-change") and arguments.get("copy-mode") in _MODES:
            job.changes.append((pending, str(arguments["copy-mode"])))
            self._take_changes(job)
        if job is not None and name in ("job-complete", "block-job-complete"):
            job.completions.append(pending)
        return pending

    def _submit(
        self, name: str, arguments: Mapping[str, Any], before: Callable[[str, Mapping[str, Any]], None]
    ) -> PendingCommand:
        before(name, arguments)
        pending = self.inner.submit_command(name, arguments)
        self._commands = [command for command in self._commands if not command.done]
        self._commands.append(pending)
        return pending

    def settle(self) -> None:
        self.inner.settle()
        self.take_events()
        for job in list(self.jobs):
            self._judge(job)
        if self._raises:
            for oracle in self.oracles:
                oracle.require_clean()

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        self.inner.wait(condition, what)
        self.take_events()

    def let_time_pass(self) -> None:
        self.inner.let_time_pass()
        self.take_events()

    def quit(self) -> str:
        outcome = self.inner.quit()
        self.take_events()
        for job in list(self.jobs):
            self._forget(job)  # there is nobody left who could be asked about it
        return outcome

    def close(self) -> None:
        for oracle in self.oracles:
            oracle.detach()
        self.oracles = []
        self.inner.close()

    # Guests

    def guest_submits(self, node_name: str, request: PendingRequest) -> None:
        """A guest's request is about to be sent."""
        self.take_events()
        self._pending[id(request)] = (node_name, request)
        job = self._job_on(self._guests_of[node_name])
        if job is not None:
            job.oracle.guest_submitted(request)

    def guest_is_answered(self, node_name: str, request: PendingRequest, errno: int, data: bytes | None) -> None:
        """A guest's request was answered."""
        self.take_events()
        self._pending.pop(id(request), None)
        job = self._job_on(self._guests_of[node_name])
        if job is not None:
            if errno and job.copy_mode == "write-async" and request.operation in CHANGING:
                job.oracle.job_unsynced()  # the target may have what the source has not
            job.oracle.guest_answered(request, errno, data)

    @property
    def guests_wait(self) -> bool:
        """Whether a guest's request is without an answer."""
        return bool(self._pending)

    # Jobs

    def _submit_mirror(self, name: str, arguments: Mapping[str, Any]) -> PendingCommand:
        source = self._disks.get(arguments.get("device", ""))
        target = self._disks.get(arguments.get("target", ""))
        if source is None or target is None or source is target or self._is_mirrored(source, target):
            return self._submit(name, arguments, lambda *_: None)
        if max(source.size, target.size) > WATCHED_BYTES_MAX:
            return self._submit(name, arguments, lambda *_: None)
        for old in [job for job in self.jobs if source in _disks_of(job) or target in _disks_of(job)]:
            self._forget(old)
        job_id = str(arguments.get("job-id") or arguments["device"])
        oracle = Oracle(source, target, immediate=self._stepping is not None)
        for node_name, request in self._pending.values():
            if self._guests_of[node_name] is source:
                oracle.guest_submitted(request)
        job = WatchedJob(job_id, oracle, PendingCommand(name, arguments))
        oracle.job_started(
            granularity_bytes=_granularity_bytes(arguments.get("granularity")),
            whole=arguments.get("sync") == "full" and not arguments.get("target-is-zero"),
            active=job.is_active,
            is_dirty=self._probe(job_id) if self._stepping is not None else None,
            buffer_bytes=job.buffer_bytes if job.copy_mode == "write-async" else None,
            is_free_dirt=self._free_dirt(job_id) if self._stepping is not None else None,
        )
        oracle.job_takes_reads(job.copy_mode == "read-write-blocking")
        self.jobs.append(job)
        self.oracles.append(oracle)
        job.command = self._submit(name, arguments, lambda *_: None)
        return job.command

    def _is_mirrored(self, *disks: HeldStorage) -> bool:
        """Whether one of the disks is in a mirror that runs: then another one is refused."""
        return any(not job.is_over and disk in _disks_of(job) for job in self.jobs for disk in disks)

    def _probe(self, job_id: str) -> Callable[[int], bool]:
        def is_dirty(offset: int) -> bool:
            job = self._stepping.jobs().get(job_id)
            if job is None or not job.has_marked_what_to_copy or job.bitmap.get(offset):
                return True
            granule = offset // job.granularity_bytes
            return bool(job.operations.is_claimed(granule, granule + 1))

        return is_dirty

    def _free_dirt(self, job_id: str) -> Callable[[int], bool]:
        def is_free_dirt(offset: int) -> bool:
            job = self._stepping.jobs().get(job_id)
            # A guest that is kept out for a while reads later, and may find something else.
            if job is None or job.filter.quiesce_count or not job.bitmap.get(offset):
                return False
            granule = offset // job.granularity_bytes
            return not job.operations.is_claimed(granule, granule + 1)

        return is_free_dirt

    def _before(self, name: str, arguments: Mapping[str, Any]) -> None:
        """A command about a job is about to be sent."""
        job = self._job(arguments)
        if job is None:
            return
        oracle = job.oracle
        match name:
            case "job-cancel":
                oracle.job_gave_up()
            case "block-job-cancel":
                if arguments.get("force") or not job.is_ready:
                    oracle.job_gave_up()
                elif self._stepping is None:
                    oracle.job_leaving()
            case "job-complete" | "block-job-complete":
                if job.is_ready and self._stepping is None:
                    oracle.job_leaving()
            case "block-job-change" | "job-change":
                # What the mode promises less is not asked for from now on, what it promises more once it has answered.
                mode = arguments.get("copy-mode")
                if mode in _MODES:
                    oracle.job_takes_reads(False)
                if mode == "background":
                    oracle.job_unsynced()
                if mode == "write-async":
                    oracle.job_writes_late(job.buffer_bytes)

    def _take_changes(self, job: WatchedJob) -> None:
        """Tell the oracle of changes of the copy mode that have been answered."""
        while job.changes and job.changes[0][0].done:
            command, mode = job.changes.pop(0)
            if command.reply is not None and "return" in command.reply:
                was_active, job.copy_mode = job.is_active, mode
                if not job.is_active:
                    job.oracle.job_changed_to_background()
                elif not was_active:
                    job.oracle.job_changed_to_active()
            if not job.changes:
                job.oracle.job_takes_reads(job.copy_mode == "read-write-blocking")
                if job.copy_mode != "write-async":
                    job.oracle.job_writes_wait()

    def take_events(self) -> None:
        """Tell the oracles what replies and events say that have come since the last time."""
        for watched in self.jobs:
            self._take_changes(watched)
        while self._events_taken < len(self.events):
            event = self.events[self._events_taken]
            self._events_taken += 1
            job = self._job(event.data)
            if job is not None:
                self._take(job, event)

    def _take(self, job: WatchedJob, event: Event) -> None:
        oracle = job.oracle
        match event.name:
            case "BLOCK_JOB_READY":
                job.is_ready = True
                oracle.job_ready()
            case "BLOCK_JOB_ERROR":
                if event.data["action"] == "report":
                    oracle.job_gave_up()
                else:
                    oracle.job_unsynced()
            case "JOB_STATUS_CHANGE":
                if event.data["status"] == "waiting":
                    oracle.job_leaving()
                elif event.data["status"] == "aborting":
                    oracle.job_gave_up()
            case "BLOCK_JOB_CANCELLED":
                oracle.job_ended(succeeded=False)
                job.is_over = True
            case "BLOCK_JOB_COMPLETED":
                succeeded = "error" not in event.data
                moves = succeeded and job.is_to_complete
                oracle.job_ended(succeeded=succeeded, guest_on_target=moves)
                job.is_over = True
                if moves:
                    for name, disk in self._guests_of.items():
                        if disk is oracle.source:
                            self._guests_of[name] = oracle.target

    def _judge(self, job: WatchedJob) -> None:
        if job.was_refused:
            self._forget(job)
            return
        oracle = job.oracle
        dirty_bytes = self.dirty_bytes(job) if oracle.phase is Phase.COPYING and not job.is_over else None
        oracle.check_rest(dirty_bytes)
        if job.is_ready and job.is_active and dirty_bytes == 0:
            oracle.job_synced()

    def dirty_bytes(self, job: WatchedJob) -> int | None:
        """What the mirror says is dirty; None when it cannot be asked now."""
        if self._stepping is not None:
            inside = self._stepping.jobs().get(job.job_id)
            return inside.bitmap.count_bytes if inside is not None else None
        if any(not command.done for command in self._commands):
            return None
        requests_count = self._requests_count()
        pending = self.inner.submit_command("query-named-block-nodes", {"flat": True})
        self.inner.wait(lambda: pending.done, "the reply to query-named-block-nodes")
        assert pending.reply is not None
        counts = [
            bitmap["count"]
            for node in pending.reply.get("return", ())
            for bitmap in node.get("dirty-bitmaps", ())
            if "name" not in bitmap
        ]
        # A timer may have fired meanwhile and a copy have begun: then the number is of no moment when all was quiet.
        self.inner.settle()
        if self._requests_count() != requests_count:
            return None
        return int(counts[0]) if len(counts) == 1 else None

    def _requests_count(self) -> int:
        return sum(disk.request_count for disk in self._disks.values())

    def _job(self, arguments: Mapping[str, Any]) -> WatchedJob | None:
        job_id = arguments.get("device", arguments.get("id"))
        for job in reversed(self.jobs):
            if job.job_id == job_id and not job.is_over:
                return job
        return None

    def _job_on(self, disk: HeldStorage) -> WatchedJob | None:
        for job in reversed(self.jobs):
            if job.oracle.guest_disk is disk:
                return job
        return None

    def _forget(self, job: WatchedJob) -> None:
        self.jobs.remove(job)
        job.oracle.detach()


_MODES = frozenset({"background"}) | ACTIVE_MODES

_PASSED_ON = frozenset(name for name in vars(Session) if not name.startswith("_") and name not in vars(WatchedSession))


class _WatchedPort(GuestPort):
    """A guest's access: tells the session what goes by."""

    def __init__(self, session: WatchedSession, node_name: str, inner: GuestPort) -> None:
        self._session = session
        self._node_name = node_name
        self._inner = inner

    def submit(self, request: PendingRequest) -> None:
        self._session.guest_submits(self._node_name, request)
        self._inner.submit(_Relay(request, self._session, self._node_name))


class _Relay(PendingRequest):
    """The same request once more: what answers it hands the answer on, and tells the session first."""

    __slots__ = ("_node_name", "_outer", "_session")

    def __init__(self, outer: PendingRequest, session: WatchedSession, node_name: str) -> None:
        self._outer = outer
        self._session = session
        self._node_name = node_name
        super().__init__(
            outer.operation, outer.offset, outer.length, outer.payload, fua=outer.fua, may_unmap=outer.may_unmap
        )

    @property
    def errno(self) -> int | None:
        """The answer, None while there is none."""
        return self._outer.errno

    @errno.setter
    def errno(self, errno: int | None) -> None:
        if errno is None:
            return
        outer = self._outer
        outer.data = self.data
        self._session.guest_is_answered(self._node_name, outer, errno, self.data)
        outer.errno = errno


def _disks_of(job: WatchedJob) -> tuple[HeldStorage, HeldStorage]:
    return job.oracle.source, job.oracle.target


def _granularity_bytes(asked: object) -> int:
    """The granularity that was asked for if there can be such a one, else the default: then the job is refused."""
    if isinstance(asked, int) and asked >= 512 and not asked & (asked - 1):
        return asked
    return GRANULARITY_BYTES_DEFAULT
