"""The oracle: knows what each disk of a mirror may lawfully hold, and says so when it holds something else.

It looks on from outside: at the requests that reach the two disks, at what guests ask for and are answered, and at the
few moments of a job's life that change the rules. It knows nothing of how a mirror works, and changes nothing.

Everything is found by range: a request costs the logarithm of the number of runs plus the length of what it touches.
The rules, each by its name, are in docs/oracle.md.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from harness.oracle.candidates import Candidate
from harness.oracle.differences import Differences
from harness.oracle.evidence import first_unlawful_byte, value_at
from harness.oracle.promises import LateWrites, TakenRead, without_superseded
from harness.oracle.segments import History, Segment, SegmentMap
from harness.oracle.stamps import SECTOR_BYTES
from harness.oracle.violation import OracleViolation, Rule, Violation
from harness.pages import Snapshot
from harness.storage import CHANGING, HeldStorage, Operation, StorageRequest

VIOLATIONS_KEPT_MAX = 16
"""One fault shows in many places; the first few tell which it is."""


class Phase(enum.Enum):
    """Which rules hold."""

    IDLE = "no mirror: only the guest's disk is looked at"
    COPYING = "where the disks differ, that is known to be so"
    SYNCED = "the disks hold the same but for what is under way, and the target has what is acknowledged"
    FROZEN = "the mirror has given up: the target loses nothing that it had"


DirtyProbe = Callable[[int], bool]
"""Says of a byte whether its granule is dirty, claimed by an operation, or not looked at yet. Only a model can."""


class GuestChange(Protocol):
    """What the oracle wants to know of a guest's request; `PendingRequest` is one."""

    operation: Operation
    offset: int
    length: int
    payload: bytes | None
    fua: bool


class Oracle:
    """Watches one source and one target.

    :param source: the disk that guests write to. :param target: the disk that it is mirrored to.
    :param immediate: whether to judge at every completion and every answer, as is right for an implementation in this
        process; without, only `check_rest` judges.
    :ivar violations: what was found, the first first; at most `VIOLATIONS_KEPT_MAX`.
    :ivar phase: which rules hold.
    """

    def __init__(self, source: HeldStorage, target: HeldStorage, *, immediate: bool = True) -> None:
        self.source = source
        self.target = target
        self.violations: list[Violation] = []
        self.phase = Phase.IDLE
        self._immediate = immediate
        self._now = 0
        self._numbers = 0
        self._guest_disk = source
        self._whole = True
        self._is_dirty: DirtyProbe | None = None
        self._started_number = 0
        self._active_number: int | None = None
        self._leaving_number: int | None = None
        self._under_way: dict[int, Candidate] = {}
        self._reads: dict[int, tuple[GuestChange, list[tuple[int, int, Segment]], int]] = {}
        self._flushes: dict[int, int] = {}
        self._not_firm: list[Candidate] = []
        self._answered: list[Candidate] = []
        self._differences = Differences(source, target)
        self._early: set[Candidate] = set()
        self._storage_under_way: dict[tuple[str, int], StorageRequest] = {}
        self._guest_map = self._map_of(source)
        self._firm_map: SegmentMap | None = self._guest_map.copy() if source.has_write_back_cache else None
        self._frozen_map: SegmentMap | None = None
        self._buffer_bytes: int | None = None
        self._waits_again = False
        self._knows_failures = False
        self._late: LateWrites | None = None
        self._takes_reads = False
        self._is_free_dirt: DirtyProbe | None = None
        self._taken_reads: dict[int, TakenRead] = {}
        self._taken_late: list[TakenRead] = []
        self._target_failures_count = 0
        for storage in (source, target):
            storage.on_submit.append(self._storage_submitted)
            storage.on_finish.append(self._storage_finished)

    @property
    def guest_disk(self) -> HeldStorage:
        """The disk that guests read and write: the source, or the target that took its place."""
        return self._guest_disk

    def detach(self) -> None:
        """Stop looking at the disks. May be called twice."""
        for storage in (self.source, self.target):
            if self._storage_submitted in storage.on_submit:
                storage.on_submit.remove(self._storage_submitted)
                storage.on_finish.remove(self._storage_finished)

    def require_clean(self) -> None:
        """Complain if a rule was broken.

        :raise OracleViolation: naming the first.
        """
        if self.violations:
            raise OracleViolation(tuple(self.violations))

    # What guests do

    def guest_submitted(self, request: GuestChange) -> None:
        """A guest's request is about to be sent. Before the implementation hears of it."""
        self._now += 1
        if request.operation is Operation.READ:
            seen = self._guest_map.overlapping(request.offset, request.length)
            self._reads[id(request)] = (request, seen, self._numbers)
            if self._takes_reads and self.phase in (Phase.COPYING, Phase.SYNCED):
                self._note_taken_read(request)
        elif request.operation is Operation.FLUSH:
            self._flushes[id(request)] = self._now
        elif request.length:
            self._numbers += 1
            data = request.payload if request.operation is Operation.WRITE else None
            candidate = Candidate(
                self._numbers, request.operation, request.offset, request.length, data, self._now, request.fua
            )
            self._under_way[id(request)] = candidate
            if self._late is not None:
                self._late.submitted(candidate)
            for segments in self._maps():
                segments.update(request.offset, request.length, partial(_with, candidate=candidate))

    def guest_answered(self, request: GuestChange, errno: int, data: bytes | None = None) -> None:
        """A guest's request was answered: the very object that was submitted. At once, before anything else happens.

        :param errno: 0 for success. :param data: what a read returned.
        """
        self._now += 1
        if request.operation is Operation.READ:
            asked = self._reads.pop(id(request), None)
            if asked is not None and not errno and data is not None:
                self._check_read(asked[0], asked[1], asked[2], data)
            taken = self._taken_reads.pop(id(request), None)
            if taken is not None and not errno:
                if self._immediate:
                    self._check_taken(taken, "the answer to a guest's read")
                else:
                    self._taken_late.append(taken)
        elif request.operation is Operation.FLUSH:
            submitted_at = self._flushes.pop(id(request), None)
            if submitted_at is not None and not errno:
                covered = [change for change in self._not_firm if (change.answered_at or 0) < submitted_at]
                self._make_firm(covered, "a guest's flush")
                self._make_late_ones_firm(submitted_at)
        else:
            candidate = self._under_way.pop(id(request), None)
            if candidate is None:
                return
            candidate.answered_at = self._now
            candidate.errno = errno
            if self._firm_map is not None and not candidate.may_do_nothing:
                self._not_firm.append(candidate)
            if self._late is not None:
                self._late.answered(candidate)
            if self._immediate:
                self._accept_answer(candidate)
            else:
                # Events of the same moment may come later than the answer, and what they say counts first.
                self._answered.append(candidate)

    def _accept_answer(self, candidate: Candidate) -> None:
        if not candidate.may_do_nothing:
            self._guest_map.update(
                candidate.offset, candidate.length, partial(without_superseded, acknowledged=candidate)
            )
        self._check_range(candidate.offset, candidate.length, f"the answer to {candidate.describe()}")
        if candidate.fua and not candidate.failed:
            self._make_firm([candidate], "a guest's write with FUA")
            if self._late is not None:
                self._late.flushed([candidate])
        if self._immediate:
            self._check_late(f"the answer to {candidate.describe()}")

    # What a job does

    def job_started(
        self,
        *,
        granularity_bytes: int,
        active: bool = True,
        whole: bool = True,
        is_dirty: DirtyProbe | None = None,
        buffer_bytes: int | None = None,
        is_free_dirt: DirtyProbe | None = None,
    ) -> None:
        """A mirror was started.

        :param active: whether guests' writes that begin from now on are mirrored actively.
        :param whole: whether everything is to be copied; otherwise only what guests write from now on.
        :param is_dirty: what the mirror knows to be different, if it can be asked.
        :param buffer_bytes: how much of what is acknowledged may be on its way to the target; None where guests wait.
        :param is_free_dirt: what a guest's read would take along, if it can be asked: dirt that nobody works on.
        """
        self._differences.granularity_bytes = granularity_bytes
        self._whole = whole
        self._is_dirty = is_dirty
        self._started_number = self._numbers
        self._active_number = self._numbers if active else None
        self._leaving_number = None
        self._frozen_map = None
        self._buffer_bytes = buffer_bytes
        self._waits_again = False
        self._knows_failures = buffer_bytes is not None
        self._late = None
        self._takes_reads = False
        self._is_free_dirt = is_free_dirt
        self._target_failures_count = 0
        self.phase = Phase.COPYING
        self._differences.compare_all()

    def job_changed_to_active(self) -> None:
        """Guests' writes that begin from now on are mirrored actively; tell by `job_synced` when that has an effect."""
        self._active_number = self._numbers

    def job_changed_to_background(self) -> None:
        """Guests' writes are not mirrored actively any more."""
        self._active_number = None
        self._knows_failures = False
        self.job_unsynced()

    def job_writes_late(self, buffer_bytes: int) -> None:
        """Guests may be answered before the target has their data, so much of it at once."""
        self._buffer_bytes = max(buffer_bytes, self._buffer_bytes or 0)
        self._waits_again = False
        if self.phase is Phase.SYNCED and self._late is None:
            self._late = LateWrites(self._buffer_bytes, self._guest_map, self._now)

    def job_writes_wait(self) -> None:
        """Guests wait for the target again; that has an effect once nothing is on its way any more."""
        self._waits_again = self._buffer_bytes is not None
        self._knows_failures = False

    def job_takes_reads(self, takes: bool) -> None:
        """Whether what guests read of whole dirty granules from now on goes to the target before they are answered."""
        self._takes_reads = takes

    def job_ready(self) -> None:
        """The mirror says that it is READY."""
        if self.phase is not Phase.COPYING:
            return
        # What is late is not on the target yet, and keeps no job from being READY: `job_synced` tells when it is.
        if self._all_are_active() and (self._buffer_bytes is None or not self._target_is_busy()):
            self._enter_synced()
        self._differences.compare_all()
        if self.target.has_write_back_cache:
            self._check_flushed_at_ready()
        if self._immediate:
            self.check_all("READY")

    def _enter_synced(self) -> None:
        # A mirror does not wait for active writes before it says READY: where the first one ever is still under way,
        # the target may hold what it began with (docs/findings.md).
        self._early = set(self._under_way.values())
        self.phase = Phase.SYNCED
        if self._buffer_bytes is not None:
            self._late = LateWrites(self._buffer_bytes, self._guest_map, self._now)
            for candidate in self._under_way.values():
                self._late.submitted(candidate)

    def job_unsynced(self) -> None:
        """A target error was reported, and the mirror goes on: the disks may differ where that is known."""
        if self.phase is Phase.SYNCED:
            self.phase = Phase.COPYING
            self._late = None

    def job_synced(self) -> None:
        """Nothing is dirty, and guests' writes are mirrored actively: as after READY, if nothing is under way."""
        if self.phase is Phase.COPYING and self._all_are_active() and not self._storage_under_way:
            self._enter_synced()
            self.check_all("being in sync again")

    def job_gave_up(self) -> None:
        """A forced cancel was sent or a fatal error reported: the target need not get anything more."""
        if self.phase is Phase.SYNCED:
            self._frozen_map = self._target_map.copy()
            self.phase = Phase.FROZEN
            self._late = None
        elif self.phase is Phase.COPYING:
            self.phase = Phase.IDLE

    def job_leaving(self) -> None:
        """The mirror is ending as it should: what guests write from now on may reach one disk only."""
        if self._leaving_number is None:
            self._leaving_number = self._numbers

    def job_ended(self, *, succeeded: bool, guest_on_target: bool = False) -> None:
        """The mirror is over.

        :param succeeded: whether it completed without an error, so that the disks are equal.
        :param guest_on_target: whether the target took the source's place.
        """
        self.job_leaving()
        self._late = self._buffer_bytes = None
        if succeeded and self.phase is not Phase.IDLE:
            if self.phase is Phase.COPYING:
                self._is_dirty = None
                self.phase = Phase.SYNCED
            self.check_all("the end of the job")
            if self.target.has_write_back_cache:
                self._check_flushed_at_end()
        elif self.phase is not Phase.IDLE:
            self.check_all("the end of the job")
        self.phase = Phase.IDLE
        self._frozen_map = None
        self._leaving_number = None
        if guest_on_target:
            self._guest_disk = self.target

    # Judging

    def check_rest(self, dirty_bytes: int | None = None) -> None:
        """Judge the whole of both disks, when nothing can happen without time passing or a held request's release.

        :param dirty_bytes: what the mirror says is dirty, if it can be asked; None if not.
        """
        answered, self._answered = self._answered, []
        for candidate in answered:
            self._accept_answer(candidate)
        if self._waits_again and not self._storage_under_way and not self._under_way:
            self._late = self._buffer_bytes = None
            self._waits_again = False
        self._check_late("coming to rest")
        taken_late, self._taken_late = self._taken_late, []
        for taken in taken_late:
            if not self._storage_under_way:
                self._check_taken(taken, "coming to rest")
        if self._immediate:
            self._check_both(0, self.source.size, "coming to rest")
        else:
            self.check_all("coming to rest")
        if dirty_bytes is not None and self.phase is Phase.COPYING and not self._storage_under_way:
            self._check_dirty_count(dirty_bytes)

    def check_all(self, occasion: str) -> None:
        """Judge the whole of both disks by the rules of the phase."""
        self._check_range(0, max(self.source.size, self.target.size), occasion)

    def check_converged(self) -> None:
        """Judge that the disks hold the same but where a change failed, when nothing is dirty and nothing under way."""
        self._check_equal(0, self.source.size, "everything else had come to an end")

    def _storage_submitted(self, request: StorageRequest) -> None:
        self._storage_under_way[request.storage.name, request.index] = request

    def _storage_finished(self, request: StorageRequest) -> None:
        self._storage_under_way.pop((request.storage.name, request.index), None)
        if request.errno:
            if request.storage is self.target:
                self._target_failures_count += 1
                if self._late is not None:
                    self.job_unsynced()  # the guest may have been answered long ago, so nothing else may tell in time
            return
        if request.operation not in CHANGING:
            return
        if self.phase is not Phase.IDLE:
            self._differences.compare(request.offset, request.length)
        if self.phase is Phase.COPYING and request.storage is self.target and request.operation is Operation.WRITE:
            self._check_foreign(request)
        if self._immediate:
            self._check_range(request.offset, request.length, f"{request.storage.name}: {request.describe()}")
            self._check_late(f"{request.storage.name}: {request.describe()}")

    def _check_range(self, offset: int, length: int, occasion: str) -> None:
        self._check_lawful(self._guest_disk, self._guest_map, offset, length, Rule.GUEST_DISK, occasion)
        if self.phase is Phase.IDLE:
            return
        if self.phase is Phase.FROZEN:
            assert self._frozen_map is not None
            self._check_lawful(self.target, self._frozen_map, offset, length, Rule.ACKNOWLEDGED, occasion)
            return
        if self.phase is Phase.SYNCED:
            self._check_lawful(self.target, self._target_map, offset, length, Rule.ACKNOWLEDGED, occasion)
        self._check_both(offset, length, occasion)

    def _check_both(self, offset: int, length: int, occasion: str) -> None:
        if self.phase is Phase.SYNCED:
            self._check_equal(offset, length, occasion)
        elif self.phase is Phase.COPYING and self._is_dirty is not None:
            self._check_known_to_differ(offset, length, occasion)

    def _check_lawful(
        self, disk: HeldStorage, segments: SegmentMap, offset: int, length: int, rule: Rule, occasion: str
    ) -> None:
        for start, end, segment in segments.overlapping(offset, length):
            if disk is self.target and not self._is_owed(segment):
                continue
            if disk is self.source and self._may_be_on_one_disk_only(segment):
                continue
            wrong = segment.allows(start, disk.memory.read(start, end - start), SECTOR_BYTES)
            if wrong is not None:
                self._report(rule, wrong, segment, occasion)
                return

    def _check_equal(self, offset: int, length: int, occasion: str) -> None:
        for start, end in self._differences.within(offset, length):
            for first, last, segment in self._guest_map.overlapping(start, end - start):
                wrong = self._differences.first_byte(first, last)
                if wrong is not None and self._comparable(segment) and not self._excused(first, last):
                    self._report(Rule.SAME_WINNER, wrong, segment, occasion)
                    return

    def _check_known_to_differ(self, offset: int, length: int, occasion: str) -> None:
        granularity = self._differences.granularity_bytes
        first = offset // granularity * granularity
        behind = min(-(-(offset + length) // granularity) * granularity, self.source.size)
        assert self._is_dirty is not None
        for start, end in self._differences.within(first, behind - first):
            if self._is_dirty(start) or self._excused(start, end):
                continue
            for position, last, segment in self._guest_map.overlapping(start, end - start):
                wrong = self._differences.first_byte(position, last)
                if wrong is not None and self._comparable(segment):
                    self._report(Rule.DIRTY, wrong, segment, occasion, "its granule is neither dirty nor in flight")
                    return

    def _check_dirty_count(self, dirty_bytes: int) -> None:
        different = [
            start
            for start, end in self._differences.within(0, self.source.size)
            if not self._excused(start, end)
            and any(
                self._comparable(segment) and self._differences.first_byte(first, last) is not None
                for first, last, segment in self._guest_map.overlapping(start, end - start)
            )
        ]
        granularity = self._differences.granularity_bytes
        needed_bytes = sum(min(granularity, self.source.size - start) for start in different)
        if needed_bytes > dirty_bytes:
            start = different[0]
            wrong = self._differences.first_byte(start, min(start + granularity, self.source.size)) or start
            ((_, _, segment),) = self._guest_map.overlapping(wrong, 1)
            detail = f"{needed_bytes} bytes of granules differ and {dirty_bytes} are said to be dirty"
            self._report(Rule.DIRTY, wrong, segment, "coming to rest", detail)

    def _check_foreign(self, request: StorageRequest) -> None:
        """What reaches the target must have been on the source at some time."""
        assert request.data is not None
        for start, end, segment in self._guest_map.overlapping(request.offset, request.length):
            if segment.is_undefined or not self._in_scope(segment):
                continue
            data = request.data[start - request.offset : end - request.offset]
            if any(candidate.holds(start, data) for candidate in segment.lawful):
                continue
            # By sector, since a copy may have been read while a race had a winner for each.
            position = start
            while position < end:
                behind = min(position - position % SECTOR_BYTES + SECTOR_BYTES, end)
                piece = data[position - start : behind - start]
                if not any(candidate.holds(position, piece) for candidate in segment.history):
                    occasion = f"{request.storage.name}: {request.describe()}"
                    self._report(Rule.FOREIGN, position, segment, occasion, "the source never held this")
                    return
                position = behind

    def _check_read(
        self, request: GuestChange, seen: Iterable[tuple[int, int, Segment]], numbers: int, data: bytes
    ) -> None:
        for start, end, segment in seen:
            for first, last, now in self._guest_map.overlapping(start, end - start):
                since = tuple(candidate for candidate in now.history if candidate.number > numbers)
                allowed = Segment((*segment.lawful, *since), now.history)
                piece = data[first - request.offset : last - request.offset]
                wrong = allowed.allows(first, piece, SECTOR_BYTES)
                if wrong is not None:
                    value = f"the guest was given 0x{data[wrong - request.offset]:02x}"
                    self._report(Rule.READ, wrong, allowed, "a guest's read", value)
                    return

    # Promises of modes that QEMU has not got

    @property
    def _target_map(self) -> SegmentMap:
        """What the target may hold, once synced."""
        return self._guest_map if self._late is None else self._late.lawful

    def _target_is_busy(self) -> bool:
        return any(request.storage is self.target for request in self._storage_under_way.values())

    def _check_late(self, occasion: str) -> None:
        """What is acknowledged and not on the target is never more than the buffer."""
        late = self._late
        if late is None or self.phase is not Phase.SYNCED:
            return
        allowed = late.missing_bytes_max
        if self._differences.bytes_count <= allowed:
            return
        missing, where = 0, 0
        for start, end in self._differences.within(0, self.source.size):
            for first, last, segment in self._guest_map.overlapping(start, end - start):
                if self._comparable(segment):
                    count = self._missing_bytes(first, last)
                    where = first if count and not missing else where
                    missing += count
        if missing > allowed:
            ((_, _, segment),) = self._guest_map.overlapping(where, 1)
            detail = f"{missing} bytes that were acknowledged are not on the target, more than {allowed}"
            self._report(
                Rule.LATE, self._differences.first_byte(where, self.source.size) or where, segment, occasion, detail
            )

    def _missing_bytes(self, start: int, end: int) -> int:
        """How much of a run is not on the target, but for what an unanswered change is about to write.

        All of it is taken to be missing when any of it is: how many of its bytes happen to be the same means nothing.
        """
        source = bytearray(self.source.memory.read(start, end - start))
        target = self.target.memory.read(start, end - start)
        is_spared = bytearray(end - start)
        for change in self._under_way.values():
            first, last = max(change.offset, start) - start, min(change.offset + change.length, end) - start
            if first < last:
                source[first:last] = target[first:last]
                is_spared[first:last] = b"\1" * (last - first)
        return is_spared.count(0) if source != target else 0

    def _make_late_ones_firm(self, submitted_at: int) -> None:
        """A guest's flush was answered: what was acknowledged before it came is on the target, and durable there."""
        late = self._late
        if late is None or self.phase is not Phase.SYNCED or submitted_at <= late.since:
            return
        covered = late.acknowledged_before(submitted_at)
        late.flushed(covered)
        if not self._waits_again:
            late.firm += covered
        if not self._immediate:
            return
        for candidate in covered:
            self._check_lawful(
                self.target, late.lawful, candidate.offset, candidate.length, Rule.ACKNOWLEDGED, "a guest's flush"
            )
        if self.target.has_write_back_cache:
            for state in self.target.crash_states(0):
                self.check_target_crash(state.contents, "a guest's flush", len(state.dropped))

    def check_target_crash(self, contents: Snapshot, occasion: str, lost_count: int = 0) -> None:
        """Judge what a power cut would leave of the target, where guests' flushes are promised to cover it.

        :param contents: what it then holds, one of its `crash_states`. :param lost_count: for the report.
        """
        if self._late is None:
            return
        for candidate in self._late.firm:
            for start, end, segment in self._late.lawful.overlapping(candidate.offset, candidate.length):
                wrong = segment.allows(start, contents.read_bytes(start, end - start), SECTOR_BYTES)
                if wrong is not None:
                    detail = (
                        f"a power cut of the target that takes {lost_count} unflushed changes leaves something else"
                    )
                    self._report(Rule.DURABLE, wrong, segment, occasion, detail)
                    return

    def _note_taken_read(self, request: GuestChange) -> None:
        granularity, size = self._differences.granularity_bytes, self.source.size
        first = -(-request.offset // granularity) * granularity
        behind = request.offset + request.length
        whole = [start for start in range(first, behind, granularity) if min(start + granularity, size) <= behind]
        if self._is_free_dirt is not None:
            free = [start for start in whole if self._is_free_dirt(start)]
        elif self._storage_under_way or self._under_way:
            return
        else:
            differing = {start for start, _ in self._differences.within(0, size)}
            free = [start for start in whole if start in differing]
        free = [start for start in free if not self._excused(start, min(start + granularity, size))]
        if free:
            self._taken_reads[id(request)] = TakenRead(tuple(free), self._numbers, self._target_failures_count)

    def _check_taken(self, taken: TakenRead, occasion: str) -> None:
        """What a guest's read was to take along is on the target, unless something failed or was changed since."""
        if self.phase not in (Phase.COPYING, Phase.SYNCED) or taken.failures_count != self._target_failures_count:
            return
        for start in taken.granules:
            end = min(start + self._differences.granularity_bytes, self.source.size)
            for first, last, segment in self._guest_map.overlapping(start, end - start):
                if segment.newest.number > taken.number or not self._comparable(segment):
                    continue
                wrong = self._differences.first_byte(first, last)
                if wrong is not None and not self._excused(first, last):
                    detail = "a guest has read its granule, which was dirty, and the target has it not"
                    self._report(Rule.READ_TAKEN, wrong, segment, occasion, detail)
                    return

    # Power cuts

    def _make_firm(self, changes: list[Candidate], occasion: str) -> None:
        """These changes are promised to survive a power cut: take them out of what may be lost, and look."""
        firm = self._firm_map
        if firm is None:
            return
        promised = set(map(id, changes))
        self._not_firm = [change for change in self._not_firm if id(change) not in promised]
        for change in changes:
            firm.update(change.offset, change.length, partial(without_superseded, acknowledged=change))
        if self._guest_disk is self.source:
            for state in self.source.crash_states(0):
                self.check_crash(self.source, state.contents, occasion, len(state.dropped))

    def check_crash(self, disk: HeldStorage, contents: Snapshot, occasion: str, lost_count: int = 0) -> None:
        """Judge what a power cut would leave of the guest's disk.

        :param contents: what the disk then holds, one of its `crash_states`. :param lost_count: for the report.
        """
        if self._firm_map is None or disk is not self._guest_disk:
            return
        for start, end, segment in self._firm_map.overlapping(0, disk.size):
            wrong = segment.allows(start, contents.read_bytes(start, end - start), SECTOR_BYTES)
            if wrong is not None:
                detail = f"a power cut that takes {lost_count} unflushed changes leaves something else"
                self._report(Rule.DURABLE, wrong, segment, occasion, detail)
                return

    def _check_flushed_at_ready(self) -> None:
        """At READY only what guests wrote meanwhile may still be volatile on the target."""
        for request in self.target.unflushed:
            for start, _, segment in self._guest_map.overlapping(request.offset, request.length):
                if segment.newest.number <= self._started_number:
                    detail = f"{request.describe()} was not flushed"
                    self._report(Rule.FLUSHED_READY, start, segment, "READY", detail)
                    return

    def _check_flushed_at_end(self) -> None:
        for request in self.target.unflushed:
            for start, _, segment in self._guest_map.overlapping(request.offset, request.length):
                if not self._may_be_on_one_disk_only(segment):
                    detail = f"{request.describe()} was not flushed"
                    self._report(Rule.FLUSHED_END, start, segment, "the end of the job", detail)
                    return

    # Details

    def _map_of(self, disk: HeldStorage) -> SegmentMap:
        initial = Candidate(0, None, 0, disk.size, Snapshot(disk.memory), 0)
        initial.answered_at = 0
        return SegmentMap(disk.size, Segment((initial,), History(initial, None)))

    def _maps(self) -> list[SegmentMap]:
        late = self._late.lawful if self._late is not None else None
        maps = (self._guest_map, self._firm_map, self._frozen_map, late)
        return [segments for segments in maps if segments is not None]

    def _all_are_active(self) -> bool:
        """Whether all guests' changes that are under way began in active mode."""
        number = self._active_number
        return number is not None and all(change.number > number for change in self._under_way.values())

    def _in_scope(self, segment: Segment) -> bool:
        return self._whole or segment.newest.number > self._started_number

    def _is_owed(self, segment: Segment) -> bool:
        """Whether the target must have one of what is lawful on the source.

        Where only changes are copied, it keeps contents of its own until the first change of a range has reached it.
        """
        if self._early and any(
            candidate in self._early and (candidate.answered_at is None or self.phase is Phase.FROZEN)
            for candidate in segment.lawful
        ):
            return False
        return self._whole or all(candidate.number > self._started_number for candidate in segment.lawful)

    def _may_be_on_one_disk_only(self, segment: Segment) -> bool:
        return self._leaving_number is not None and segment.newest.number > self._leaving_number

    def _comparable(self, segment: Segment) -> bool:
        if segment.is_undefined and not self._knows_failures:
            return False
        return self._in_scope(segment) and not self._may_be_on_one_disk_only(segment)

    def _excused(self, start: int, end: int) -> bool:
        """Whether somebody is at work on a range: a guest's change or a request of a disk."""
        for change in self._under_way.values():
            if change.offset < end and change.offset + change.length > start:
                return True
        for request in self._storage_under_way.values():
            if request.offset < end and request.offset + request.length > start:
                return True
        return False

    def _report(self, rule: Rule, offset: int, segment: Segment, occasion: str, detail: str = "") -> None:
        if len(self.violations) >= VIOLATIONS_KEPT_MAX:
            return
        if rule in (Rule.GUEST_DISK, Rule.ACKNOWLEDGED, Rule.FOREIGN):
            disk = self._guest_disk if rule is Rule.GUEST_DISK else self.target
            offset = first_unlawful_byte(disk, segment, offset)
        violation = Violation(
            rule,
            offset // SECTOR_BYTES,
            offset,
            value_at(self.source, segment, offset),
            value_at(self.target, segment, offset),
            tuple(candidate.describe() for candidate in segment.lawful),
            occasion,
            detail,
        )
        self.violations.append(violation)


def _with(segment: Segment, candidate: Candidate) -> Segment:
    return Segment((*segment.lawful, candidate), History(candidate, segment.history))
