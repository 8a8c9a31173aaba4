"""The copy modes of docs/modes.md under random schedules: where the disks differ, that is known, whatever happens when.

Each run holds every request of both disks and decides by a seed what comes next: a guest's request, the end or the
failure of one that is held, a switch of mode, a timer. After every step the invariant is looked at on both disks; in
the end everything is let go, and the disks must become equal.

That the test has teeth is shown by mistakes put into the reference on purpose, each of which it must find.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from harness.errors import ImplementationError
from harness.implementations.base import PendingRequest
from harness.implementations.reference import ReferenceSession
from harness.storage import HeldStorage, Operation
from harness.units import KIB
from reference_impl.graph import BlockIoError
from reference_impl.mirror import MirrorJob
from reference_impl.mirror_filter import SourceWrite, TargetWrite
from reference_impl.mirror_operations import MirrorOperation
from reference_impl.parts import Parts

GRANULE = 64 * KIB
GRANULES_COUNT = 4
SIZE = GRANULE * GRANULES_COUNT - 512
MODES = ("background", "write-blocking", "write-async", "read-write-blocking")
STEPS_COUNT = 60
SEEDS = range(60)


class Run:
    """One mirror on held disks, driven by a seed."""

    def __init__(self, seed: int, mode: str, faults: bool, job_class: type[MirrorJob] = MirrorJob) -> None:
        self.chance = random.Random(f"{mode} {seed} {faults}")
        self.faults = faults
        self.session = ReferenceSession(Parts(job=job_class))
        self.source, self.target = HeldStorage("source", SIZE), HeldStorage("target", SIZE)
        self.source.fill(0x11)
        for disk in (self.source, self.target):
            self.session.attach(disk.name, disk)
        self.guest = self.session.open_guest("source")
        for disk in (self.source, self.target):
            disk.hold()
        self.requests: list[PendingRequest] = []
        arguments = {"job-id": "j", "device": "source", "target": "target", "sync": "full", "copy-mode": mode}
        # A frozen background copy leaves the dirt to the guest's own requests.
        pace = {"speed": 1, "buf-size": GRANULE} if self.chance.random() < 0.7 else {"buf-size": 2 * GRANULE}
        self.execute("blockdev-mirror", arguments | pace | {"on-target-error": "ignore"})

    @property
    def job(self) -> MirrorJob:
        job = self.session.machine.jobs["j"]
        assert isinstance(job, MirrorJob)
        return job

    def execute(self, command: str, arguments: dict[str, object]) -> None:
        pending = self.session.submit_command(command, arguments)
        self.session.settle()
        assert pending.reply == {"return": {}}

    def step(self) -> None:
        """Do one thing that may happen next."""
        held = self.source.held + self.target.held
        kind = self.chance.choice(("guest", "release", "release", "release", "switch", "timer", "fail"))
        if kind == "guest" and len(self.requests) < 40:
            self.submit()
        elif kind in ("release", "fail") and held:
            request = self.chance.choice(held)
            request.release(5 if kind == "fail" and self.faults and request.operation is not Operation.READ else 0)
        elif kind == "switch" and self.chance.random() < 0.3:
            mode = self.chance.choice(MODES)
            self.execute("job-change", {"id": "j", "type": "mirror", "copy-mode": mode})
        elif kind == "timer":
            self.session.machine.scheduler.advance_to_next_timer()
        self.session.settle()

    def submit(self) -> None:
        """One guest request: mostly writes, aligned and not."""
        offset = self.chance.randrange(SIZE // 512) * 512
        length = min(self.chance.choice((512, GRANULE, GRANULE + 1024, 2 * GRANULE)), SIZE - offset)
        if self.chance.random() < 0.5:
            offset -= offset % GRANULE
            length = min(length, SIZE - offset)
        operation = self.chance.choice(
            (Operation.WRITE, Operation.WRITE, Operation.READ, Operation.ZERO, Operation.FLUSH)
        )
        payload = bytes([len(self.requests) + 0x40]) * length if operation is Operation.WRITE else None
        if operation is Operation.FLUSH:
            offset = length = 0
        request = PendingRequest(operation, offset, length, payload)
        self.requests.append(request)
        self.guest.submit(request)

    def check(self) -> None:
        """Where the disks differ, the granule is dirty or claimed."""
        job = self.job
        for granule in range(GRANULES_COUNT):
            offset = granule * GRANULE
            length = min(GRANULE, SIZE - offset)
            if self.source.read_bytes(offset, length) != self.target.read_bytes(offset, length):
                known = job.bitmap.get(offset) or job.operations.is_claimed(granule, granule + 1)
                assert known, f"granule {granule} differs and nobody knows"

    def finish(self) -> None:
        """Let everything go; the disks must become equal, the job ready, every guest answered."""
        for disk in (self.source, self.target):
            disk.clear_rules()
            disk.release_all()
        self.execute("block-job-set-speed", {"device": "j", "speed": 0})
        self.session.wait(
            lambda: self.job.is_ready and not self.job.bitmap.count_bytes and not self.job.in_flight, "equal disks"
        )
        assert all(request.done for request in self.requests)
        assert self.source.first_difference(self.target) is None
        assert not self.job.active_writes_count
        assert not self.job.active_bytes_in_flight
        assert not self.job.bytes_on_their_way
        assert len(self.job.operations) == 0
        self.execute("job-complete", {"id": "j"})
        assert not self.session.machine.jobs
        self.session.close()


@pytest.mark.slow
@pytest.mark.parametrize("faults", [False, True], ids=["sound-disks", "failing-disks"])
@pytest.mark.parametrize("mode", MODES)
def test_modes_under_random_schedules_keep_the_invariant(mode: str, faults: bool) -> None:
    for seed in SEEDS:
        run = Run(seed, mode, faults)
        for _ in range(STEPS_COUNT):
            run.step()
            run.check()
        run.finish()


class ForgetsFailedSource(MirrorJob):
    """Takes a failed write of the source for one that changed nothing anywhere."""

    async def asynchronous_write(
        self, offset: int, length: int, source_write: SourceWrite, to_target: TargetWrite
    ) -> None:
        failures: list[BlockIoError] = []

        async def swallowing() -> None:
            try:
                await source_write()
            except BlockIoError as error:
                failures.append(error)

        await super().asynchronous_write(offset, length, swallowing, to_target)
        if failures:
            raise failures[0]


class LetsGoWhenAcknowledged(MirrorJob):
    """Gives the range back when the guest is answered, although the target is still being written."""

    async def asynchronous_write(
        self, offset: int, length: int, source_write: SourceWrite, to_target: TargetWrite
    ) -> None:
        await super().asynchronous_write(offset, length, source_write, to_target)
        for operation in self.operations:
            if operation.active and operation.offset == offset:
                operation.claim = None


class ReadsWithoutClaim(MirrorJob):
    """Mirrors what it read without keeping writes off the range meanwhile."""

    def _claim_run(self, first: int, end: int) -> MirrorOperation:
        operation = super()._claim_run(first, end)
        operation.claim = None
        return operation


class CleansPartlyReadGranules(MirrorJob):
    """Takes a granule that was read in part for one that was read whole, and sends zeroes for the rest."""

    def readable_runs(self, offset: int, length: int) -> list[tuple[int, int]]:
        granularity, size = self.granularity_bytes, self.source.size_bytes
        return super().readable_runs(offset // granularity * granularity, min(length + granularity, size - offset))


class CleansOnFailedRead(MirrorJob):
    """Leaves a granule clean whose data never reached the target."""

    async def _send_run(self, run: MirrorOperation, data: bytes) -> None:
        await super()._send_run(run, data)
        self.bitmap.reset(run.offset, run.length)


class ForgetsOnSwitch(MirrorJob):
    """Cleans the bitmap when it becomes active, as if being active made the disks equal."""

    def on_set_options(self, options: Mapping[str, object]) -> None:
        super().on_set_options(options)
        if options.get("copy-mode") != "background":
            self.bitmap.clear()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mistake", "mode"),
    [
        (ForgetsFailedSource, "write-async"),
        (LetsGoWhenAcknowledged, "write-async"),
        (ReadsWithoutClaim, "read-write-blocking"),
        (CleansPartlyReadGranules, "read-write-blocking"),
        (CleansOnFailedRead, "read-write-blocking"),
        (ForgetsOnSwitch, "background"),
    ],
)
def test_modes_with_a_planted_mistake_break_the_invariant(mistake: type[MirrorJob], mode: str) -> None:
    with pytest.raises((AssertionError, ImplementationError)):  # noqa: PT012 - which step finds it is up to the seed
        for seed in SEEDS:
            run = Run(seed, mode, faults=True, job_class=mistake)
            for _ in range(STEPS_COUNT):
                run.step()
                run.check()
            run.finish()
