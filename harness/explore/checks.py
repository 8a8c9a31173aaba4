"""What must hold after every step of a schedule, and at its end.

From outside: the events are those of a job's life, nobody who writes or reads sees data that nobody wrote last, and the
disks are equal when the job says so. From inside, where a model lets itself be looked at: its counts are those of its
operations, no two operations claim the same granule, and where the disks differ that is known.

Source: QV-1 (transitions), C21, C22, C27, C35, C38, C42, C43, C48, D1, BF-09, BF-13.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

from harness.explore.decision import JOB
from harness.explore.failure import Failure, FailureKind
from harness.explore.mode_checks import ModeChecks
from harness.explore.scenario import GRANULE_BYTES, GUEST_KINDS, WRITING_KINDS, Action, ActionKind, Disk
from harness.explore.world import TIMERS_IN_A_ROW_MAX, World
from harness.implementations.base import PendingRequest
from harness.storage import HeldStorage, Operation, StorageRequest

IN_FLIGHT_MAX = 16
IDLE_SLEEP_NS = 100_000_000
"""How long a job without a limit sleeps at most."""

FLUSHES = 2
"""Once before READY, once before the end."""

LIFE: dict[str, frozenset[str]] = {
    "": frozenset({"created"}),
    "created": frozenset({"running", "aborting", "null"}),
    "running": frozenset({"paused", "ready", "waiting", "aborting"}),
    "paused": frozenset({"running"}),
    "ready": frozenset({"standby", "waiting", "aborting"}),
    "standby": frozenset({"ready"}),
    "waiting": frozenset({"pending", "aborting"}),
    "pending": frozenset({"aborting", "concluded"}),
    "aborting": frozenset({"concluded"}),
    "concluded": frozenset({"null"}),
    "null": frozenset(),
}
"""Which status may follow which, as an outsider sees it; stated here once more on purpose."""

_RUNNING = frozenset({"running", "ready"})
_ALIVE = _RUNNING | {"paused", "standby"}
_TERMINAL = frozenset({"BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED"})
_CHANGING = (Operation.WRITE, Operation.ZERO, Operation.DISCARD)


class _Inside(NamedTuple):
    """What a job was like after the step before."""

    paused: bool
    pause_count: int
    has_failed: bool
    was_starting: bool
    speed: int


class Checks:
    """The checks of one run; `after_step` and `at_end` raise the first `Failure`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._modes = ModeChecks(world)
        self._events_seen = 0
        self._status: dict[str, str] = {}
        self._ready: set[str] = set()
        self._ended: dict[str, str] = {}
        self._pairs = world.plan.pairs
        self._targets = {target for _, target in self._pairs.values()}
        self._disks = {job: (world.disks[source], world.disks[target]) for job, (source, target) in self._pairs.items()}
        self._initialised: set[str] = set()
        self._cancelled_at: dict[str, int] = {}
        self._before: dict[str, _Inside] = {}
        self._drains = self._drained_sections()
        self._guests_requests: set[StorageRequest] = set()
        self._cancels = [action.name for action in world.scenario.actions if "cancel" in action.command]
        self._cancelled_when_ready = False
        self._flushes = dict.fromkeys(world.disks, 0)
        self._differed: dict[str, int | None] = {}
        self._live: dict[str, str] = {name: name for name in world.disks}
        self._moved: dict[str, int] = {}
        self._speeds = self._constant_speeds()
        self._errors_expected = bool(world.scenario.faults)
        self._entered: set[str] = set()
        self._look_at_requests()
        self._after_events()

    def _drained_sections(self) -> list[tuple[str, str, str]]:
        """(the action that begins it, the one that ends it, the disk) of each drained section."""
        actions = self._world.scenario.actions
        ends = {action.disk: action.name for action in actions if action.kind is ActionKind.UNDRAIN}
        return [
            (action.name, ends[action.disk], action.disk)
            for action in actions
            if action.kind is ActionKind.DRAIN and action.disk in ends
        ]

    def _constant_speeds(self) -> dict[str, int]:
        actions = (*self._world.scenario.setup, *self._world.scenario.actions)
        speeds = {
            action.arguments["device"]: (action.arguments["job-id"], action.arguments["speed"])
            for action in actions
            if action.command == "blockdev-mirror" and action.arguments.get("speed")
        }
        changing = max(
            (action.arguments["speed"] for action in actions if action.command == "block-job-set-speed"), default=0
        )
        unlimited = any(action.command == "block-job-set-speed" and not action.arguments["speed"] for action in actions)
        return {} if unlimited else {source: max(speed, changing) for source, (_, speed) in speeds.items()}

    # After each step

    def after_step(self) -> None:
        """Look at what the last step has done."""
        world = self._world
        for action in self._cancels:
            if world.started_at.get(action) == len(world.steps):
                self._cancelled_when_ready = set(self._status.values()) <= {"ready", "standby"}
        self._entered.clear()
        if world.submitted:
            self._look_at_requests()
        for begin, end, disk in self._drains:
            if begin in world.answered_at and end not in world.started_at:
                self._check_drained(disk)
        if len(world.session.events) > self._events_seen:
            self._after_events()
        if world.stepping is not None:
            # A job that is seen before it has anything inside is what a guest stumbles over, not we (C19).
            jobs = {job_id: job for job_id, job in world.stepping.jobs().items() if hasattr(job, "operations")}
            for job_id, job in jobs.items():
                if job_id in self._disks:
                    self._look_inside(job_id, job)
            self._modes.after_step(jobs)
        if world.timers_in_a_row > TIMERS_IN_A_ROW_MAX:
            raise Failure(
                FailureKind.LIVELOCK,
                f"{TIMERS_IN_A_ROW_MAX} timers in a row, and nothing comes of it",
                world.waits(),
            )

    def starts(self) -> dict[str, int]:
        """The steps of actions' starts that were noted, by what they were noted for."""
        return self._modes.starts()

    def moments(self) -> dict[str, int]:
        """The steps of changes that were noted, by what they were noted for."""
        noted = {f"{job_id} is cancelled": step for job_id, step in self._cancelled_at.items()}
        return noted | self._modes.moments()

    def _check_drained(self, disk: str) -> None:
        """Nothing reaches a disk in a drained section, but for the last flush of a job that ends.

        Where the filter does not have the target as a child, a section on it is none of the guests' affair, and their
        active writes go on.
        """
        jobs = self._world.stepping.jobs() if self._world.stepping is not None else {}
        ending = any(job.in_own_drain for job in jobs.values())
        is_bystander = disk in self._targets and not any("target" in job.filter.children for job in jobs.values())
        for request in self._world.disks[disk].held:
            if is_bystander and request in self._guests_requests:
                continue
            if request.operation is not Operation.FLUSH or not ending:
                self._fail(FailureKind.INVARIANT, f"{request.describe()} is in flight on {disk} in a drained section")

    def _look_at_requests(self) -> None:
        world = self._world
        jobs = world.stepping.jobs() if world.stepping is not None else {}
        for actor, request in world.submitted:
            disk = request.storage.name
            if self._drains and actor is not JOB:
                self._guests_requests.add(request)
            if request.operation is Operation.FLUSH and actor is JOB:
                self._flushes[disk] += 1
            if actor is JOB and request.operation is Operation.READ and disk in self._speeds and world.stepping:
                self._check_speed(disk, request.length)
            for job_id, (source, target) in self._pairs.items():
                if disk != source and disk != target:
                    continue
                job = jobs.get(job_id)
                if job is None:
                    continue
                if actor is JOB and job.paused and request.operation is not Operation.FLUSH:
                    self._fail(FailureKind.INVARIANT, f"{job_id} is paused and sends {request.describe()} to {disk}")
                before = self._before.get(job_id)
                if actor is JOB and disk == source and request.operation is Operation.READ and before is not None:
                    if before.pause_count and job.pause_count and not before.was_starting and not job.force_cancelled:
                        self._fail(
                            FailureKind.INVARIANT, f"{job_id} is to pause and starts to copy: {request.describe()}"
                        )
                    if before.has_failed and not before.was_starting:
                        self._fail(
                            FailureKind.INVARIANT, f"{job_id} has failed and starts to copy: {request.describe()}"
                        )
                if job.force_cancelled:
                    self._cancelled_at.setdefault(job_id, len(world.steps))
                if actor is not JOB and disk == target and self._came_after_cancel(job_id, actor):
                    self._fail(
                        FailureKind.INVARIANT,
                        f"{job_id} is cancelled, and yet a guest's write goes on to {disk}: {request.describe()}",
                    )

    def _came_after_cancel(self, job_id: str, actor: str) -> bool:
        """Whether a guest's request came when the job was cancelled; one that came before goes on as it began (C24)."""
        return self._world.started_at.get(actor, 0) > self._cancelled_at.get(job_id, 1 << 30)

    def _check_speed(self, source: str, length: int) -> None:
        """A slice of 100 ms takes at least one operation, whatever its quota."""
        assert self._world.stepping is not None
        speed = self._speeds[source]
        before = self._moved.get(source, 0)
        self._moved[source] = before + length
        allowed = speed * self._world.stepping.now_ns() // 1_000_000_000 + speed // 10
        if before > allowed:
            self._fail(
                FailureKind.INVARIANT,
                f"{before + length} bytes were copied in {self._world.stepping.now_ns() // 1_000_000} ms "
                f"at a speed of {speed}",
            )

    def _after_events(self) -> None:
        events = self._world.session.events
        while self._events_seen < len(events):
            event = events[self._events_seen]
            self._events_seen += 1
            data = event.data
            if event.name == "JOB_STATUS_CHANGE":
                self._take_status(data["id"], data["status"])
            elif event.name == "BLOCK_JOB_READY":
                if data["device"] in self._ready:
                    self._fail(FailureKind.WRONG_EVENT, f"{data['device']} announces a second time that it is ready")
                self._ready.add(data["device"])
                self._check_progress_of(event.name, data)
                self._check_flushed(data["device"])
                self._check_length(data)
            elif event.name in _TERMINAL:
                self._take_end(event.name, data)

    def _take_status(self, job: str, status: str) -> None:
        before = self._status.get(job, "")
        if before == "null":  # the id is used again
            before = ""
            self._ready.discard(job)
            self._ended.pop(job, None)
        if status not in LIFE[before]:
            self._fail(FailureKind.WRONG_EVENT, f"{job} goes from {before or 'nothing'} to {status}")
        if status == "concluded" and job in self._pairs and job not in self._ended and before != "created":
            self._fail(FailureKind.WRONG_EVENT, f"{job} is concluded and has announced no end")
        if status == "waiting" and job in self._disks:
            source, target = self._disks[job]
            self._differed[job] = source.first_difference(target)
        self._status[job] = status
        if status in _RUNNING:
            self._entered.add(job)

    def _check_progress_of(self, name: str, data: dict[str, Any]) -> None:
        missing = {"type", "device", "len", "offset", "speed"} - data.keys()
        if missing:
            self._fail(FailureKind.WRONG_EVENT, f"{name} lacks {', '.join(sorted(missing))}")
        if data["offset"] > data["len"]:
            self._fail(FailureKind.WRONG_EVENT, f"{name} has offset {data['offset']} of {data['len']}")

    def _check_length(self, data: dict[str, Any]) -> None:
        """Where no guest has written yet, what was copied is the disk, each byte once (C41)."""
        world = self._world
        if data["device"] not in self._pairs or self._errors_expected or not self._is_full(data["device"]):
            return
        source = self._disks[data["device"]][0]
        if any(action.is_guest_request and action.name in world.started_at for action in world.scenario.actions):
            return
        whole = -(-source.size // GRANULE_BYTES) * GRANULE_BYTES
        if data["len"] not in (source.size, whole):
            self._fail(FailureKind.WRONG_EVENT, f"{data['device']} is ready at {data['len']} of {source.size} bytes")

    def _is_full(self, job: str) -> bool:
        actions = (*self._world.scenario.setup, *self._world.scenario.actions)
        return any(
            action.arguments.get("job-id") == job and action.arguments.get("sync") == "full" for action in actions
        )

    def _check_flushed(self, job: str) -> None:
        if self._world.stepping is None:  # flushes of a real program are not held, and come when they will
            return
        if job in self._pairs and not self._flushes[self._pairs[job][1]] and self._disks[job][0].size:
            self._fail(FailureKind.WRONG_EVENT, f"{job} is ready and has not flushed its target")

    def _take_end(self, name: str, data: dict[str, Any]) -> None:
        job = data["device"]
        self._check_progress_of(name, data)
        if job in self._ended:
            self._fail(FailureKind.WRONG_EVENT, f"{job} ends with {self._ended[job]} and then with {name}")
        self._ended[job] = name
        if job not in self._pairs:
            return
        if name == "BLOCK_JOB_CANCELLED" and not self._was_asked("force") and self._cancelled_when_ready:
            self._fail(FailureKind.WRONG_EVENT, f"{job} was ready and is cancelled, though nobody forced it")
        if name == "BLOCK_JOB_COMPLETED" and self._was_asked("force") and self._cancelled_before_end(job):
            self._fail(FailureKind.WRONG_EVENT, f"{job} is completed after it was cancelled by force")
        sizes = {disk.size_bytes for disk in self._world.scenario.disks}
        is_unprovoked = not self._errors_expected and len(sizes) == 1 and not self._was_resized()
        if name == "BLOCK_JOB_COMPLETED" and "error" in data and is_unprovoked:
            self._fail(FailureKind.WRONG_EVENT, f"{job} fails with '{data['error']}', and nothing was wrong")
        if name == "BLOCK_JOB_COMPLETED" and "error" not in data:
            source, target = self._disks[job]
            if job not in self._ready:
                self._fail(FailureKind.WRONG_EVENT, f"{job} is completed and never was ready")
            difference = source.first_difference(target)
            if self._world.stepping is None:
                # Between the end of the copying and its announcement guests may have written to the source again.
                difference = self._differed.get(job)
            if difference is not None and not self._was_resized():
                self._fail(
                    FailureKind.DISKS_DIFFER,
                    f"{job} is completed, and {source.name} and {target.name} differ at {difference}",
                )
            self._check_holes(source, target)
            if self._was_asked_to_complete(job):
                self._live[source.name] = target.name
            is_counted = not self._errors_expected and self._world.stepping is not None and source.size
            if is_counted and self._flushes[target.name] != FLUSHES:
                self._fail(
                    FailureKind.INVARIANT,
                    f"{target.name} was flushed {self._flushes[target.name]} times, not {FLUSHES}",
                )

    def _check_holes(self, source: HeldStorage, target: HeldStorage) -> None:
        """What is no data on the source becomes none on the target: it is zeroed there, and not written (C11)."""
        for hole in source.extents(0, source.size):
            if not hole.is_hole:
                continue
            for extent in target.extents(hole.offset, hole.length):
                if not extent.is_zero:
                    self._fail(
                        FailureKind.INVARIANT, f"a hole of {source.name} at {extent.offset} is data on {target.name}"
                    )

    def _was_asked(self, member: str) -> bool:
        world = self._world
        return any(
            action.arguments.get(member) and action.name in world.started_at for action in world.scenario.actions
        )

    def _cancelled_before_end(self, job: str) -> bool:
        """Whether a forced cancel was accepted in a step before this one."""
        world = self._world
        for action in world.scenario.actions:
            if action.arguments.get("force") and action.arguments.get("device") == job:
                reply = getattr(world.pending.get(action.name), "reply", None)
                return reply is not None and "error" not in reply and world.started_at[action.name] < len(world.steps)
        return False

    def _was_asked_to_complete(self, job: str) -> bool:
        world = self._world
        for action in world.scenario.actions:
            if action.command in ("job-complete", "block-job-complete") and action.name in world.started_at:
                pending = world.pending[action.name]
                who = action.arguments.get("id") or action.arguments.get("device")
                if who == job and "error" not in (getattr(pending, "reply", None) or {}):
                    return True
        return False

    # Inside

    def _look_inside(self, job_id: str, job: Any) -> None:
        state = job.state
        if state == "concluded" or state == "null" or state == "pending":
            return
        before = self._before.get(job_id)
        stays_paused = before is not None and before.paused and before.pause_count > 0 and job.pause_count > 0
        stays_paused = stays_paused and (job.user_paused or not job.in_own_drain)
        slipped = job.user_paused and job_id in self._entered
        if stays_paused and (slipped or not job.paused) and not job.force_cancelled and state in _ALIVE:
            self._fail(FailureKind.INVARIANT, f"{job_id} goes on although it is paused")
        if self._world.slept_ns > IDLE_SLEEP_NS and before is not None and not before.speed and not before.paused:
            seconds = self._world.slept_ns / 1e9
            self._fail(FailureKind.INVARIANT, f"{job_id} slept for {seconds:g} s though nothing limits its speed")
        counted = bytes_counted = active_counted = 0
        is_starting = False
        claims: list[tuple[int, int]] = []
        for operation in job.operations:
            if operation.active:
                active_counted += 1
                is_starting = is_starting or not operation.started
            elif operation.pseudo:
                is_starting = True
            else:
                bytes_counted += operation.length
                if operation.started:
                    counted += 1
                else:
                    is_starting = True
            if operation.claim is not None:
                claims.append(operation.claim)
        self._before[job_id] = _Inside(job.paused, job.pause_count, job.has_failed, is_starting, job.speed)
        if counted != job.in_flight or bytes_counted != job.bytes_in_flight:
            self._fail(
                FailureKind.INVARIANT,
                f"{job.in_flight} operations of {job.bytes_in_flight} bytes are counted, "
                f"{counted} of {bytes_counted} are in flight",
            )
        if counted > IN_FLIGHT_MAX:
            self._fail(FailureKind.INVARIANT, f"{counted} operations are in flight, more than {IN_FLIGHT_MAX}")
        if active_counted != job.active_writes_count:
            self._fail(
                FailureKind.INVARIANT,
                f"{job.active_writes_count} active writes are counted, {active_counted} are under way",
            )
        if job.active_bytes_in_flight < 0 or (not active_counted and job.active_bytes_in_flight):
            self._fail(FailureKind.INVARIANT, f"{job.active_bytes_in_flight} bytes of active writes in flight")
        if not 0 <= job.buffers_free_count <= job.buffers_count:
            self._fail(FailureKind.INVARIANT, f"{job.buffers_free_count} of {job.buffers_count} buffers are free")
        if job.progress_remaining < 0:
            self._fail(FailureKind.INVARIANT, f"progress has {job.progress_remaining} bytes left")
        if job.pause_count < 0:
            self._fail(FailureKind.INVARIANT, f"the job is paused {job.pause_count} times")
        if job.paused and counted:
            self._fail(FailureKind.INVARIANT, f"the job is paused with {counted} operations in flight")
        if len(claims) > 1 and not job.has_failed:
            claims.sort()
            for index in range(1, len(claims)):
                if claims[index][0] < claims[index - 1][1] and not any(each.asynchronous for each in job.operations):
                    self._fail(FailureKind.INVARIANT, f"two operations have claimed granule {claims[index][0]}")
        if (
            self._world.slept_ns
            and state == "ready"
            and job.copy_mode != "background"
            and not (job.actively_synced or counted or active_counted or job.bitmap.count_bytes or job.pause_count)
        ):
            self._fail(FailureKind.INVARIANT, f"{job_id} is at rest in active mode and does not say that it is in sync")
        if job.bitmap.count_bytes or job.in_flight:
            self._initialised.add(job_id)
        if job_id in self._initialised or job_id in self._ready:
            self._check_known_to_differ(job_id, job, claims)

    def _check_known_to_differ(self, job_id: str, job: Any, claims: list[tuple[int, int]]) -> None:
        pair = self._world.pairs[job_id]
        if pair.source.size != pair.target.size or job.filter.job is not job or job.has_failed:
            return
        bitmap = job.bitmap
        if pair.differing:
            claimed = {granule for first, end in claims for granule in range(first, end)}
            lost = [granule for granule in pair.differing - claimed if not bitmap.get(granule * GRANULE_BYTES)]
            if lost:
                self._fail(
                    FailureKind.DIRT_LOST, f"granule {min(lost)} differs, is not dirty, and nothing is in flight there"
                )
        if job.actively_synced and (bitmap.count_bytes or job.in_flight):
            self._fail(
                FailureKind.INVARIANT,
                f"actively-synced with {bitmap.count_bytes} bytes dirty and {job.in_flight} operations in flight",
            )

    # The end

    def nothing_can_happen(self) -> Failure:
        """Name a schedule that has stopped before its end: a deadlock, a lost wake-up, or neither."""
        world = self._world
        waits = world.waits()
        stuck = ", ".join(world.unanswered()) or ", ".join(
            f"{job} is {status}" for job, status in self._status.items() if status != "null"
        )
        text = f"nothing can happen any more: {stuck or 'something was never started'}"
        jobs = world.stepping.jobs() if world.stepping is not None else {}
        for job_id, job in jobs.items():
            if job_id not in self._pairs:
                continue
            if self._has_circle(list(job.operations)):
                return Failure(FailureKind.DEADLOCK, f"{text}; operations wait for each other", waits)
            if self._has_forgotten_waiter(job):
                return Failure(FailureKind.LOST_WAKE_UP, f"{text}; an operation waits for what has ended", waits)
        return Failure(FailureKind.HANG, text, waits)

    @staticmethod
    def _has_circle(operations: list[Any]) -> bool:
        for operation in operations:
            seen = []
            while operation is not None and operation not in seen:
                seen.append(operation)
                operation = operation.waits_for
            if operation is not None:
                return True
        return False

    @staticmethod
    def _has_forgotten_waiter(job: Any) -> bool:
        alive = list(job.operations)
        return any(operation.waits_for is not None and operation.waits_for not in alive for operation in alive)

    def at_end(self) -> None:
        """Look at what is left when everything has been answered."""
        world = self._world
        for job_id in self._pairs:
            if (
                job_id in self._status
                and job_id not in self._ended
                and self._status[job_id] not in ("concluded", "null")
            ):
                self._fail(FailureKind.WRONG_EVENT, f"{job_id} has announced no end")
        if not self._errors_expected:
            for name, pending in world.pending.items():
                if isinstance(pending, PendingRequest) and pending.errno and not self._was_resized():
                    self._fail(FailureKind.WRONG_DATA, f"{name} fails with errno {pending.errno}")
        self._check_data()

    def _was_resized(self) -> bool:
        return any(action.kind is ActionKind.RESIZE for action in self._world.scenario.actions)

    def _check_data(self) -> None:
        """Every unit of a guest's disk, and of what it read, is what some write left there that none came after."""
        world = self._world
        guests = {action.disk for action in world.scenario.actions if action.kind in GUEST_KINDS}
        for name in sorted(guests):
            actions = [action for action in world.scenario.actions if action.disk == name]
            writes = [action for action in actions if action.kind in WRITING_KINDS]
            disk = next(disk for disk in world.scenario.disks if disk.name == name)
            end = len(world.steps) + 1
            live = world.disks[self._live[name]]
            if live.size == world.disks[name].size:
                contents = live.read_bytes(0, live.size)
                self._check_range(live.name, writes, disk, 0, contents, started=end, answered=end)
            for action in actions:
                pending = world.pending.get(action.name)
                if action.kind is ActionKind.READ and isinstance(pending, PendingRequest) and pending.data is not None:
                    self._check_range(
                        f"what {action.name} read",
                        writes,
                        disk,
                        action.offset,
                        pending.data,
                        started=world.started_at[action.name],
                        answered=world.answered_at[action.name],
                    )

    def _check_range(
        self, what: str, writes: list[Action], disk: Disk, start: int, data: bytes, *, started: int, answered: int
    ) -> None:
        borders = {start, start + len(data)}
        for action in writes:
            borders |= {action.offset, action.offset + action.length}
        borders |= {border for hole in disk.holes for border in (hole * GRANULE_BYTES, (hole + 1) * GRANULE_BYTES)}
        edges = sorted(border for border in borders if start <= border <= start + len(data))
        for first, last in pairwise(edges):
            lawful = self._lawful_values(writes, disk, first, started, answered)
            part = data[first - start : last - start]
            if not any(part == bytes([value]) * len(part) for value in lawful):
                expected = " or ".join(f"0x{value:02x}" for value in sorted(lawful))
                self._fail(FailureKind.WRONG_DATA, f"{what} has 0x{part[0]:02x} at {first}, not {expected}")

    def _lawful_values(self, writes: list[Action], disk: Disk, offset: int, started: int, answered: int) -> set[int]:
        world = self._world
        here = [
            (world.started_at[action.name], world.answered_at.get(action.name, 1 << 30), action)
            for action in writes
            if action.offset <= offset < action.offset + action.length and action.name in world.started_at
        ]
        # A discard, and a write that failed, may have changed the data or not.
        sure = [
            (begin, end)
            for begin, end, action in here
            if action.kind is not ActionKind.DISCARD and not getattr(world.pending[action.name], "errno", None)
        ]
        values = set()
        for begin, end, action in here:
            if begin < answered and not any(later > end and done <= started for later, done in sure):
                values.add(action.value if action.kind is ActionKind.WRITE else 0)
        if not any(done <= started for _, done in sure):
            values.add(0 if offset // GRANULE_BYTES in disk.holes else disk.fill or 0)
        return values

    def _fail(self, kind: FailureKind, text: str) -> None:
        raise Failure(kind, text)
