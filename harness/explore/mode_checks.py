"""What the copy modes promise beyond the invariant that they share, looked at after every step of a schedule.

* While a job is actively synced, where the disks differ somebody is still writing; or, in ``write-async``, it was
  acknowledged already, and then it is never more than the buffer.
* A job goes on being actively synced until something fails or the mode is switched to ``background``.
* ``write-async`` answers a write when the source has it, and a flush when the target has all that was acknowledged
  before the flush came, and was flushed.
* What has claimed the same granules as an asynchronous write is one of other bytes, or a copy that was there before,
  and no two writes of the same bytes are on the target at once.
* ``read-write-blocking`` answers a read when the target has the dirty granules that it covers whole; it never lets a
  read wait for anybody.
* In every mode a guest's request fails only if its own request of the source did.

A promise ends when an error of the target is reported, and when the job is cancelled by force. Source: docs/modes.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.explore.decision import JOB
from harness.explore.disk_pair import DiskPair, Range
from harness.explore.failure import Failure, FailureKind
from harness.explore.scenario import GRANULE_BYTES, Action
from harness.explore.world import World
from harness.implementations.base import PendingRequest
from harness.storage import HeldStorage, Operation, StorageRequest

WRITE_ASYNC = "write-async"
READ_WRITE_BLOCKING = "read-write-blocking"
BACKGROUND = "background"
_OVER = frozenset({"pending", "concluded", "null"})


class Before:
    """What a job was like at the end of the step before.

    :ivar mode_since: the step since which its copy mode has been the same.
    :ivar synced_since: the step since which it has been actively synced, None while it is not.
    :ivar free_dirt: the dirty granules that nobody worked on, as offsets.
    :ivar flushed_at: when the last flush came that has been answered in ``write-async``; None while none counts.
    """

    def __init__(self) -> None:
        self.mode = ""
        self.mode_since = 0
        self.synced_since: int | None = None
        self.free_dirt: frozenset[int] = frozenset()
        self.flushed_at: int | None = None


class ModeChecks:
    """The promises of the modes, for all jobs of one run."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan = world.plan
        self._pairs = world.plan.pairs
        self._before = {job_id: Before() for job_id in self._pairs}
        self._is_over: set[str] = set()
        self._was_async: set[str] = set()
        self._was_background: set[str] = set()
        self._requests: dict[str, list[StorageRequest]] = {}
        self._read_dirt: dict[str, frozenset[int]] = {}
        self._note_requests()

    def _note_requests(self) -> None:
        for actor, request in self._world.submitted:
            if actor is JOB:
                continue
            self._requests.setdefault(actor, []).append(request)

    def after_step(self, jobs: Mapping[str, Any]) -> None:
        """Look at every job that still promises something.

        :param jobs: by id, as the model has them.
        :raise Failure: naming the promise that was broken.
        """
        self._note_requests()
        for job_id in self._pairs:
            job = jobs.get(job_id)
            if job is not None and job_id not in self._is_over:
                self._look_at(job_id, job)

    def starts(self) -> dict[str, int]:
        """The steps of actions' starts that were noted, by what they were noted for."""
        flushed = {job_id: before.flushed_at for job_id, before in self._before.items()}
        return {f"{job_id} is flushed": step for job_id, step in flushed.items() if step is not None}

    def moments(self) -> dict[str, int]:
        """The steps of changes that were noted, by what they were noted for."""
        noted = {f"{job_id} has its mode": before.mode_since for job_id, before in self._before.items()}
        for job_id, before in self._before.items():
            if before.synced_since is not None:
                noted[f"{job_id} is synced"] = before.synced_since
        return noted

    def _look_at(self, job_id: str, job: Any) -> None:
        pair = self._world.pairs[job_id]
        if job.state in _OVER or job.filter.job is not job or job.is_cancelled or pair.source.size != pair.target.size:
            self._is_over.add(job_id)
            return
        now = len(self._world.steps)
        if job.actively_synced and job.copy_mode == BACKGROUND:
            self._fail(f"{job_id} says that it is actively synced, in background mode")
        before = self._before[job_id]
        self._note_mode(job_id, job, before, now)
        self._check_reads(job, before, pair, now)
        self._check_errors(pair.source)
        self._check_claims(job_id, job, pair.target)
        if not self._target_has_failed(pair.target):
            if job.actively_synced:
                self._check_synced(job_id, job, pair)
            if before.mode == WRITE_ASYNC:
                self._check_answers(before, pair.source)
                self._check_flushes(before, pair, now)
        if job.copy_mode == READ_WRITE_BLOCKING:
            before.free_dirt = _free_dirt(job, pair.source.size)

    def _note_mode(self, job_id: str, job: Any, before: Before, now: int) -> None:
        if job.copy_mode != before.mode:
            before.mode_since = now if before.mode else 0
            before.mode = job.copy_mode
        if job.copy_mode == WRITE_ASYNC:
            self._was_async.add(job_id)
        if job.copy_mode == BACKGROUND:
            self._was_background.add(job_id)
        if not job.actively_synced:
            if (
                before.synced_since is not None
                and job_id not in self._was_background
                and not self._has_anything_failed()
            ):
                self._fail(f"{job_id} is no longer actively synced, and nothing has happened to it")
            before.synced_since = before.flushed_at = None
        elif before.synced_since is None:
            before.synced_since = now

    def _check_claims(self, job_id: str, job: Any, target: HeldStorage) -> None:
        """Who shares a granule with an asynchronous write is a write of other bytes, or a copy that came first."""
        if job.has_failed or not any(operation.asynchronous for operation in job.operations):
            return
        claimed = [operation for operation in job.operations if operation.claim is not None]
        for index, one in enumerate(claimed):
            for other in claimed[index + 1 :]:
                if one.claim[0] >= other.claim[1] or other.claim[0] >= one.claim[1]:
                    continue
                if not (one.asynchronous or other.asynchronous):
                    self._fail(f"{job_id}: {one} and {other} have claimed the same granule")
                if one.active and other.active and _overlap(one, other):
                    self._fail(f"{job_id}: {one} and {other} are at work on the same bytes")
        writes = [request for request in target.held if request.operation is not Operation.FLUSH]
        for index, request in enumerate(writes):
            for later in writes[index + 1 :]:
                if _overlap(request, later):
                    self._fail(f"{target.name} has {request.describe()} and {later.describe()} at once")

    # What is acknowledged, and what is on the target

    def _check_synced(self, job_id: str, job: Any, pair: DiskPair) -> None:
        """Where the disks differ, somebody waits for an answer, or what is on its way fits the buffer."""
        if not pair.differing:
            return
        world = self._world
        source, target = pair.source, pair.target
        under_way = [
            _range(action)
            for action in self._writes(source)
            if action.name in world.started_at and (action.name not in world.answered_at or self._errno(action))
        ]
        acknowledged = pair.differing_bytes(under_way)
        allowed = 0
        if job_id in self._was_async:
            # A write that is larger than the buffer goes alone.
            allowed = max(job.buffer_bytes, *(action.length for action in self._writes(source)), 0)
        if acknowledged > allowed:
            self._fail(
                f"{job_id} is actively synced, and {acknowledged} bytes that were acknowledged are not on "
                f"{target.name}, more than {allowed}"
            )

    def _check_answers(self, before: Before, source: HeldStorage) -> None:
        """In write-async the source alone answers."""
        world = self._world
        for action in self._writes(source):
            if action.name in world.answered_at or world.started_at.get(action.name, -1) <= before.mode_since:
                continue
            own = self._own(action, source)
            if own and all(request.state == "completed" for request in own):
                self._fail(f"{source.name} has what {action.name} writes, and the guest is not answered")

    def _check_flushes(self, before: Before, pair: DiskPair, now: int) -> None:
        """In write-async a flush is answered once the target has, durably, what was acknowledged before it."""
        world = self._world
        source, target = pair.source, pair.target
        for action in self._plan.flushes[source.name]:
            began = world.started_at.get(action.name, -1)
            if world.answered_at.get(action.name) != now or self._errno(action) or began <= before.mode_since:
                continue
            if not any(
                request.operation is Operation.FLUSH and request.state == "completed"
                for request in self._own(action, target)
            ):
                self._fail(f"{action.name} is answered, and {target.name} was not flushed")
            if before.synced_since is not None and before.synced_since < began:
                before.flushed_at = max(began, before.flushed_at or 0)
        if before.flushed_at is None:
            return
        # From then on, at every decision, so that a crash there loses nothing that was flushed.
        later = [
            _range(write)
            for write in self._writes(source)
            if world.answered_at.get(write.name, now) >= before.flushed_at or self._errno(write)
        ]
        missing = pair.differing_bytes(later)
        if missing:
            self._fail(f"a flush was answered, and {missing} bytes from before it are not on {target.name}")

    # Reads

    def _check_reads(self, job: Any, before: Before, pair: DiskPair, now: int) -> None:
        world = self._world
        source = pair.source
        for action in self._plan.reads[source.name]:
            if world.started_at.get(action.name) == now and before.mode == READ_WRITE_BLOCKING:
                if self._own(action, source):
                    self._read_dirt[action.name] = before.free_dirt
                elif not job.in_own_drain:
                    self._fail(f"{action.name} waits for somebody before it reads")
            if world.answered_at.get(action.name) == now and action.name in self._read_dirt:
                self._check_was_mirrored(action, pair)

    def _check_was_mirrored(self, action: Action, pair: DiskPair) -> None:
        world = self._world
        source, target = pair.source, pair.target
        if self._errno(action) or self._target_has_failed(target):
            return
        began = world.started_at[action.name]
        since = [
            _range(write)
            for write in self._writes(source)
            if world.answered_at.get(write.name, began) >= began and write.name in world.started_at
        ]
        for offset in sorted(self._read_dirt[action.name]):
            end = min(offset + GRANULE_BYTES, source.size)
            if action.offset <= offset and end <= action.offset + action.length:
                outside = [(0, offset), (end, source.size)]
                if pair.differing_bytes([*since, *outside]):
                    self._fail(f"{action.name} has read the dirty granule at {offset}, and {target.name} has it not")

    # Errors

    def _check_errors(self, source: HeldStorage) -> None:
        world = self._world
        if not world.answered_now:
            return
        for action in self._plan.requests[source.name]:
            if action.name not in world.answered_now:
                continue
            if self._errno(action) and not any(request.errno for request in self._own(action, source)):
                self._fail(f"{action.name} fails, though nothing that it asked of {source.name} did")

    # Details

    def _writes(self, source: HeldStorage) -> list[Action]:
        return self._plan.writes[source.name]

    def _own(self, action: Action, disk: HeldStorage) -> list[StorageRequest]:
        """The requests that a guest's request has made of a disk."""
        return [request for request in self._requests.get(action.name, []) if request.storage is disk]

    def _errno(self, action: Action) -> int:
        pending = self._world.pending.get(action.name)
        return pending.errno or 0 if isinstance(pending, PendingRequest) else 0

    def _target_has_failed(self, target: HeldStorage) -> bool:
        """Whether an error of the target was reported: from then on nothing is promised."""
        return any(request.storage is target for request in self._world.failed)

    def _has_anything_failed(self) -> bool:
        return bool(self._world.failed)

    def _fail(self, text: str) -> None:
        raise Failure(FailureKind.INVARIANT, text)


def _overlap(one: Any, other: Any) -> bool:
    """Whether two things with an offset and a length have a byte in common."""
    return bool(one.offset < other.offset + other.length and other.offset < one.offset + one.length)


def _range(action: Action) -> Range:
    return action.offset, action.offset + action.length


def _free_dirt(job: Any, size: int) -> frozenset[int]:
    claims = [operation.claim for operation in job.operations if operation.claim is not None]
    return frozenset(
        offset
        for granule, offset in enumerate(range(0, size, GRANULE_BYTES))
        if job.bitmap.get(offset) and not any(first <= granule < end for first, end in claims)
    )
