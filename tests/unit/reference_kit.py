"""A reference on held storage for tests of its insides: no transcript, no case, only what happens and when.

The storage is the harness's own, attached as the harness attaches it, so these tests and the cases see the same disks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.implementations.base import PendingRequest
from harness.implementations.reference import ReferenceSession
from harness.storage import HeldStorage, Operation, Rule, StorageRequest
from reference_impl.job import Job
from reference_impl.mirror import MirrorJob
from reference_impl.mirror_commands import MirrorParts

MS = 1_000_000
K64 = 65536
MIB = 1 << 20


class Kit:
    """A source, a target, a guest on the source, and a mirror between them when asked for.

    :ivar events: as text, ``NAME`` or for a change of state its name in lower case.
    """

    def __init__(
        self,
        size: int = 4 * K64,
        fill: int | None = 0x11,
        *,
        target_size: int | None = None,
        unmap: bool = False,
        guest: bool = True,
        parts: MirrorParts | None = None,
    ) -> None:
        self.session = ReferenceSession(parts)
        self.scheduler = self.session.machine.scheduler
        self.source = self.disk("source", size, fill, unmap=unmap)
        self.target = self.disk("target", size if target_size is None else target_size, unmap=unmap)
        self._guest = self.session.open_guest("source") if guest else None

    def disk(self, name: str, size: int, fill: int | None = None, *, unmap: bool = False) -> HeldStorage:
        storage = HeldStorage(name, size)
        if fill is not None and size:
            storage.fill(fill)
        self.session.attach(name, storage, unmap=unmap)
        return storage

    # Commands

    def execute(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Execute a command that does not have to wait, settle, and return its reply."""
        pending = self.session.submit_command(command, {n.replace("_", "-"): v for n, v in arguments.items()})
        self.session.settle()
        assert pending.reply is not None, f"{command} waits: {self.scheduler.waits()}"
        return pending.reply

    def do(self, command: str, **arguments: Any) -> Any:
        """As `execute`, for a command that must not be refused; return what it returns."""
        reply = self.execute(command, **arguments)
        assert "return" in reply, reply
        return reply["return"]

    def refusal(self, command: str, **arguments: Any) -> str:
        """As `execute`, for a command that must be refused; return the text."""
        reply = self.execute(command, **arguments)
        assert "error" in reply, reply
        return str(reply["error"]["desc"])

    def mirror(self, **options: Any) -> MirrorJob:
        """Start job ``j``, sync full, granularity 64 KiB unless told otherwise, and return it."""
        arguments = {"job_id": "j", "device": "source", "target": "target", "sync": "full", "granularity": K64}
        self.do("blockdev-mirror", **(arguments | options))
        job = self.session.machine.jobs["j"]
        assert isinstance(job, MirrorJob)
        return job

    def ready_mirror(self, **options: Any) -> MirrorJob:
        """Start a mirror and wait until it is READY."""
        job = self.mirror(**options)
        self.wait_state("ready")
        return job

    def verb(self, verb: str, **more: Any) -> None:
        """``job-VERB`` on job ``j``, which must be accepted."""
        self.do(f"job-{verb}", id="j", **more)

    # What happened

    @property
    def events(self) -> list[str]:
        return [
            event.data["status"] if event.name == "JOB_STATUS_CHANGE" else event.name for event in self.session.events
        ]

    def events_since(self, count: int) -> list[str]:
        return self.events[count:]

    def last_event(self, name: str) -> dict[str, Any]:
        """The data of the newest event of that name."""
        found = [event.data for event in self.session.events if event.name == name]
        assert found, f"no {name} among {self.events}"
        return found[-1]

    def wait_state(self, status: str) -> None:
        """Let time pass until a job enters a state (again)."""
        begun = len(self.session.events)
        if status not in self.events:
            begun = 0
        self.session.wait(lambda: status in self.events[begun:] or self._state() == status, status)

    def _state(self) -> str:
        job = self.session.machine.jobs.get("j")
        return job.state.value if job is not None else "null"

    def wait_held(self, disk: HeldStorage, count: int = 1) -> list[StorageRequest]:
        self.session.wait(lambda: len(disk.held) >= count, f"{count} held requests of {disk.name}")
        return disk.held

    def release(self, request: StorageRequest, errno: int = 0) -> None:
        request.release(errno)
        self.session.settle()

    def pass_ms(self, milliseconds: int) -> None:
        """Let exactly so much virtual time pass; no timer within it is left out."""
        end_ns = self.scheduler.now_ns + milliseconds * MS
        self.scheduler.timer(milliseconds * MS, "the test's own", lambda: None)
        while self.scheduler.now_ns < end_ns:
            self.session.let_time_pass()

    # Guest

    def start(self, operation: str, offset: int = 0, length: int = 0, value: int = 0, **more: Any) -> PendingRequest:
        """Send a guest's request and settle."""
        kind = Operation(operation)
        payload = bytes([value]) * length if kind is Operation.WRITE else None
        request = PendingRequest(kind, offset, length, payload, **more)
        assert self._guest is not None
        self._guest.submit(request)
        self.session.settle()
        return request

    def write(self, offset: int, length: int, value: int) -> PendingRequest:
        """Write, which must be answered without any time passing."""
        request = self.start("write", offset, length, value)
        assert request.done, self.scheduler.waits()
        return request


@contextmanager
def rule(rule_of_storage: Rule) -> Iterator[Rule]:
    """A rule of held storage for the length of a block."""
    yield rule_of_storage
    rule_of_storage.remove()


def state_of(job: Job) -> str:
    """The state as plain text; read anew each time, whatever a type checker concludes from an earlier look."""
    return job.state.value


def ranges(requests: list[StorageRequest], operation: str) -> list[tuple[int, int]]:
    """(offset, length) of the requests of one kind, in order of arrival."""
    return [(request.offset, request.length) for request in requests if request.operation == operation]
