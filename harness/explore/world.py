"""One run of a scenario on one session: which decisions there are, taking them, and what came of it.

All storage is held, so that nothing completes without a decision. On a model everything else is a decision too (which
timer fires, when a guest's request or a command starts); between two of them the model runs to rest. A real program
runs to rest in its own way, and its timers fire when they will.
"""

from __future__ import annotations

import errno as errno_numbers
from functools import partial
from typing import Any

from harness.errors import ImplementationCrash, ImplementationError, ImplementationHang
from harness.explore.decision import JOB, Decision, describe_request
from harness.explore.disk_pair import DiskPair
from harness.explore.failure import Failure, FailureKind
from harness.explore.plan import plan_of
from harness.explore.scenario import (
    EVENT,
    GRANULE_BYTES,
    READY,
    STARTED,
    STOPPED,
    Action,
    ActionKind,
    Fault,
    Hold,
    Scenario,
)
from harness.implementations.base import GuestPort, PendingCommand, PendingRequest, Session
from harness.implementations.stepping import Stepping
from harness.storage import HeldStorage, Operation, RequestState, StorageRequest

TIMERS_IN_A_ROW_MAX = 64
"""So many timers in a row with nothing else to decide, and no end: the job goes round for ever."""

WAITS_IN_A_ROW_MAX = 250
"""So often, at most 20 ms each, a real program that is at rest is waited for: no timer of a scenario takes a second."""

STEPS_MAX = 1000
"""No schedule of a small bench has a tenth of these steps."""

LABELS_MAX = 10_000
"""So many labels are kept; the same few are asked for millions of times."""

_LABELS: dict[tuple[str, str, Operation, int, int, int], str] = {}
_CHANGING = (Operation.WRITE, Operation.ZERO, Operation.DISCARD)
_QUIET_STATES = frozenset({"pending", "concluded"})
_ENDED_STATES = frozenset({"pending", "concluded", "null"})
_ORDINARY_STATES = frozenset({"running", "ready"})


class World:
    """A scenario under way.

    :param coarse: whether timers that are due fire by themselves and flushes are done at once, as on a real program.
    :ivar steps: the labels of the decisions taken. :ivar step_decisions: the decisions themselves.
    :ivar answers: by action, the errno of a guest's request or the reply to a command, once there is one.
    :ivar started_at, answered_at: by action, the number of the step. :ivar answered_now: those of the last step.
    :ivar failed: the requests that have failed so far.
    :ivar slept_ns: how much virtual time the last step took. :ivar disks: by name. :ivar pairs: by job.
    """

    def __init__(self, session: Session, scenario: Scenario, *, coarse: bool = False) -> None:
        self.session = session
        self.scenario = scenario
        self.plan = plan_of(scenario)
        self.stepping: Stepping | None = getattr(session, "stepping", None)
        self.disks: dict[str, HeldStorage] = {}
        self.steps: list[str] = []
        self.started_at: dict[str, int] = {}
        self.answered_at: dict[str, int] = {}
        self.pending: dict[str, PendingRequest | PendingCommand] = {}
        self.answered_now: list[str] = []
        self.submitted: list[tuple[str, StorageRequest]] = []
        self.failed: list[StorageRequest] = []
        self._serial = 0
        self.timers_in_a_row = 0
        self.slept_ns = 0
        self._coarse = coarse or self.stepping is None
        self._guests: dict[str, GuestPort] = {}
        self._held: dict[StorageRequest, Decision] = {}
        self._unstarted: dict[str, Decision] = {}
        self._unanswered: dict[str, PendingRequest | PendingCommand] = {}
        self._required_left = self.plan.required_count
        self._faults = list(self.plan.one_time_faults)
        self._undecided_faults = len(self._faults)
        self._permanent_faults = self.plan.permanent_faults
        self._stops_seen = 0
        self._starts: dict[str, int] = {}
        self._event_names: set[str] = set()
        self._fault_decisions: dict[StorageRequest, Decision] = {}
        self._has_exceptions = bool(self._permanent_faults or scenario.holds)
        self._jobs_count = len(self.plan.pairs)
        self._actor_of_task: dict[str, str] = {}
        self._events_seen = 0
        self._ready_jobs: set[str] = set()
        self._waits_in_a_row = 0
        self._job_states: dict[str, str] = {}
        self.pairs: dict[str, DiskPair] = {}
        try:
            self._set_up()
        except ImplementationError as error:
            raise Failure(FailureKind.CRASH, f"while it was set up: {error}") from error
        self.pairs = {
            job: DiskPair(self.disks[source], self.disks[target]) for job, (source, target) in self.plan.pairs.items()
        }

    # Setting up

    def _set_up(self) -> None:
        scenario = self.scenario
        for disk in scenario.disks:
            storage = HeldStorage(disk.name, disk.size_bytes)
            storage.limit_record(0)
            if disk.fill is not None:
                storage.fill(disk.fill)
            for granule in disk.holes:
                storage.memory.zero(granule * GRANULE_BYTES, GRANULE_BYTES, unmap=True)
            storage.hold(self._held_operations(disk.name))
            storage.on_submit.append(self._on_submit)
            self.disks[disk.name] = storage
            self.session.attach(disk.name, storage, unmap=disk.unmap)
        for disk_name in self.plan.guest_disks:
            self._guests[disk_name] = self.session.open_guest(disk_name)
        for action in scenario.setup:
            self._start(action)
            self._rest()
        plan = self.plan
        for number, action in enumerate(scenario.actions):
            self._unstarted[action.name] = Decision(
                action.name, plan.start_labels[number], plan.start_footprints[number], number=number
            )

    def _held_operations(self, disk: str) -> tuple[Operation, ...] | None:
        """What is decided about; None is everything.

        A real program flushes in places where it answers nobody until that is done; and some read the target before
        they begin, to see whether it is all zeroes.
        """
        if not self._coarse:
            return None
        targets = [target for _, target in self.plan.pairs.values()]
        return _CHANGING if disk in targets else (Operation.READ, *_CHANGING)

    def _on_submit(self, request: StorageRequest) -> None:
        task = self.stepping.running() if self.stepping is not None else ""
        actor = self._actor_of_task.get(task, JOB) if task else JOB
        if request.state is not RequestState.HELD:
            self.submitted.append((actor, request))
            return
        # The end of a copy wakes the job, which may then do anything; the end of its read only starts its write.
        footprint = None
        if request.operation is not Operation.FLUSH and (
            actor is not JOB or (task.startswith("mirror") and request.operation is Operation.READ)
        ):
            footprint = self.plan.footprint(request.storage.name, request.offset, request.length)
        who = f"guest {actor}" if actor is not JOB else "copy" if task.startswith("mirror") else JOB
        self._held[request] = Decision(actor, _label(who, request), footprint, request=request, serial=self._serial)
        self._serial += 1
        self.submitted.append((actor, request))

    # What can happen next

    def decisions(self) -> list[Decision]:
        """Everything that can happen next, in an order that depends on nothing but what has happened."""
        found: list[Decision] = []
        timer = self.stepping.next_timer() if self.stepping is not None else None
        if timer is not None and not timer.delay_ns and not self._coarse:
            found.append(Decision(JOB, f"{JOB}: {timer.name}"))
        failing: list[Decision] = []
        if self._has_exceptions:
            self._sort_exceptions(found, failing)
        else:
            found += self._held.values()
        if self._unstarted:
            actions = self.scenario.actions
            for decision in self._unstarted.values():
                condition = actions[decision.number].after
                if not condition or self._holds_now(condition, decision.actor):
                    found.append(decision)
        if self._faults:
            found += self._possible_faults()
        if timer is not None and timer.delay_ns:
            found.append(Decision(JOB, f"{JOB}: {timer.name}, later", takes_time=True))
        if failing:
            found += failing
        return found

    def _sort_exceptions(self, found: list[Decision], failing: list[Decision]) -> None:
        """Leave out what is kept waiting, and put what will always fail behind everything else: no good comes of it."""
        for request, decision in self._held.items():
            if any(_matches(fault, request) for fault in self._permanent_faults):
                decision.takes_time = decision.is_fault = True
                failing.append(decision)
            elif not any(
                _matches(hold, request)
                and (hold.value is None or (request.data or b"")[:1] == bytes([hold.value]))
                and not self._holds_now(hold.until)
                for hold in self.scenario.holds
            ):
                found.append(decision)

    def _holds_now(self, condition: str, actor: str = "") -> bool:
        if condition == READY:
            return len(self._ready_jobs) == self._jobs_count
        if condition == STOPPED:
            return self._stops_seen > self._starts.get(actor, 0)
        if condition.startswith(EVENT):
            return condition.removeprefix(EVENT) in self._event_names
        if condition.startswith(STARTED):
            return condition.removeprefix(STARTED) in self.started_at
        return condition in self.answered_at

    def _possible_faults(self) -> list[Decision]:
        found = []
        for request, decision in self._held.items():
            for number, fault in enumerate(self._faults):
                if _matches(fault, request):
                    label = f"{decision.label} fails with {fault.error}"
                    found.append(
                        Decision(
                            decision.actor,
                            label,
                            request=request,
                            number=number,
                            serial=decision.serial,
                            is_fault=True,
                        )
                    )
                    break
        return found

    # Taking a decision

    def take(self, decision: Decision) -> None:
        """Let it happen, and run to rest.

        :raise Failure: when the implementation breaks.
        """
        self.steps.append(decision.label)
        self._waits_in_a_row = 0
        self.submitted.clear()
        self.answered_now.clear()
        self.slept_ns = 0
        try:
            self._do(decision)
            self._rest()
        except ImplementationHang as error:
            raise Failure(FailureKind.LIVELOCK, str(error), error.waits) from error
        except ImplementationCrash as error:
            raise Failure(FailureKind.CRASH, str(error), error.detail.splitlines()) from error
        except ImplementationError as error:
            raise Failure(FailureKind.CRASH, str(error)) from error
        for _, submitted in self.submitted:
            if submitted.errno:  # it was refused at once
                self.failed.append(submitted)
        if len(self.steps) > STEPS_MAX:
            raise Failure(FailureKind.LIVELOCK, f"{STEPS_MAX} steps and no end", self.waits())

    def _do(self, decision: Decision) -> None:
        request = decision.request
        if request is not None:
            if not decision.takes_time:
                self.timers_in_a_row = 0
            del self._held[request]
            errno = 0
            if decision.is_fault and decision.number >= 0:
                errno = getattr(errno_numbers, self._faults.pop(decision.number).error)
            elif decision.is_fault:
                errno = next(
                    getattr(errno_numbers, fault.error) for fault in self._permanent_faults if _matches(fault, request)
                )
                self.timers_in_a_row += 1
            request.release(errno)
            self._note_finished(request)
        elif decision.number >= 0:
            self.timers_in_a_row = 0
            action = self.scenario.actions[decision.number]
            if not action.repeats:
                del self._unstarted[decision.actor]
                self._required_left -= action.name not in self.plan.optional
            self._starts[action.name] = self._starts.get(action.name, 0) + 1
            self._start(action)
        else:
            assert self.stepping is not None
            if decision.takes_time:
                timer = self.stepping.next_timer()
                assert timer is not None
                self.slept_ns = timer.delay_ns
                self.timers_in_a_row += 1
            self.stepping.fire_next_timer()

    def _note_finished(self, request: StorageRequest) -> None:
        if request.errno:
            self.failed.append(request)
        elif request.operation is not Operation.READ:
            for pair in self.pairs.values():
                if request.storage is pair.source or request.storage is pair.target:
                    pair.compare(request.offset, request.length)

    def _start(self, action: Action) -> None:
        self.started_at[action.name] = len(self.steps)
        match action.kind:
            case ActionKind.COMMAND:
                self._note_tasks(action)
                command = self.session.submit_command(action.command, action.arguments)
                self.pending[action.name] = self._unanswered[action.name] = command
            case ActionKind.RESIZE:
                self.disks[action.disk].resize(action.length)
                for pair in self.pairs.values():
                    pair.compare_all()
                self._note_answered(action.name)
            case ActionKind.DRAIN:
                assert self.stepping is not None
                section = PendingCommand("drain", {})
                self.pending[action.name] = self._unanswered[action.name] = section
                self.stepping.begin_drain(action.disk, partial(setattr, section, "reply", {"return": {}}))
            case ActionKind.UNDRAIN:
                assert self.stepping is not None
                self._note_answered(action.name)
                self.stepping.end_drain(action.disk)
            case _:
                self._submit(action)

    def _submit(self, action: Action) -> None:
        self._note_tasks(action)
        name, plan = action.name, self.plan
        request = PendingRequest(plan.operations[name], action.offset, action.length, plan.payloads[name])
        self.pending[name] = self._unanswered[name] = request
        self._guests[action.disk].submit(request)

    def _note_tasks(self, action: Action) -> None:
        for task in self.plan.task_names[action.name]:
            self._actor_of_task[task] = action.name

    def _note_answered(self, name: str) -> None:
        self.answered_at[name] = len(self.steps)
        self.answered_now.append(name)

    def _rest(self) -> None:
        if self._coarse:
            self.session.settle()
        else:
            assert self.stepping is not None
            self.stepping.rest()
        if self._unanswered:
            for name in [name for name, pending in self._unanswered.items() if pending.done]:
                del self._unanswered[name]
                self._note_answered(name)
        events = self.session.events
        while self._events_seen < len(events):
            event = events[self._events_seen]
            self._events_seen += 1
            self._event_names.add(event.name)
            if event.name == "JOB_STATUS_CHANGE":
                self._job_states[event.data["id"]] = event.data["status"]
            if event.name == "BLOCK_JOB_READY":
                self._ready_jobs.add(event.data["device"])
            elif event.name == "BLOCK_JOB_ERROR" and event.data["action"] == "stop":
                self._stops_seen += 1

    def let_time_pass(self) -> bool:
        """Let a little time pass on a real program that offers nothing; return whether it is worth looking again.

        A model needs none: its timers are decisions.
        """
        if self.stepping is not None or self._waits_in_a_row >= WAITS_IN_A_ROW_MAX:
            return False
        self._waits_in_a_row += 1
        try:
            self.session.let_time_pass()
            self._rest()
        except ImplementationError as error:
            raise Failure(FailureKind.CRASH, str(error)) from error
        return True

    def is_contended(self) -> bool:
        """Whether somebody waits for a range or for a drained section: then the order of what ends decides who goes on.

        Also true whenever the inside cannot be looked at, or the job is in no ordinary state.
        """
        if self.stepping is None or self._undecided_faults != len(self._faults):
            return True
        return any(
            job.state not in _ORDINARY_STATES
            or job.in_own_drain
            or job.copy_mode == "write-async"  # its writes share a buffer, whatever their ranges
            or any(operation.waits_for is not None for operation in job.operations)
            for job in self.stepping.jobs().values()
        )

    # The end

    def is_finished(self) -> bool:
        """Whether everything has been started and answered, nothing is held, and no job has anything left to do."""
        if self._held or self._unanswered or self._required_left:
            return False
        if self.stepping is None:
            return all(state in _ENDED_STATES for state in self._job_states.values())
        return all(job.state in _QUIET_STATES for job in self.stepping.jobs().values())

    def counts(self) -> list[tuple[str, int | str]]:
        """How often each action was started, and whose requests a coroutine's are; in no order of time."""
        return [*sorted(self._starts.items()), *sorted(self._actor_of_task.items())]

    def ends(self) -> dict[str, int]:
        """The steps at which actions were answered, by what they are."""
        return {f"{name} ends": step for name, step in self.answered_at.items()}

    def waits(self) -> list[str]:
        """What everybody waits for."""
        waits = self.stepping.waits() if self.stepping is not None else []
        waits += [f"{name}: waits for {self._condition(decision)}" for name, decision in self._unstarted.items()]
        return waits

    def _condition(self, decision: Decision) -> str:
        return self.scenario.actions[decision.number].after or "its turn"

    def unanswered(self) -> list[str]:
        """The actions that were started and not answered, in order."""
        return list(self._unanswered)

    def outcome(self) -> tuple[Any, ...]:
        """What an outsider sees of the run: events, answers, and what the disks hold."""
        events = tuple(_event(event.name, event.data) for event in self.session.events)
        answers = tuple((name, _answer(pending)) for name, pending in sorted(self.pending.items()))
        return events, answers, self.contents()

    def contents(self) -> tuple[tuple[str, tuple[tuple[int, int], ...]], ...]:
        """Of each disk its runs of equal bytes, as (length, value)."""
        return tuple((name, _runs(disk.read_bytes(0, disk.size))) for name, disk in self.disks.items())


def _label(who: str, request: StorageRequest) -> str:
    """How schedules name a request and who sends it."""
    first = request.data[0] if request.data else -1
    key = (who, request.storage.name, request.operation, request.offset, request.length, first)
    label = _LABELS.get(key)
    if label is None:
        if len(_LABELS) >= LABELS_MAX:
            _LABELS.clear()
        label = _LABELS[key] = f"{who}: {describe_request(request)}"
    return label


def _matches(rule: Fault | Hold, request: StorageRequest) -> bool:
    return rule.disk == request.storage.name and rule.operation == request.operation.value


def _event(name: str, data: dict[str, Any]) -> str:
    who = data.get("id") or data.get("device") or ""
    details = data.get("status") or data.get("error") or data.get("action") or ""
    return " ".join(filter(None, (name, who, details)))


def _answer(pending: PendingRequest | PendingCommand) -> str:
    if isinstance(pending, PendingRequest):
        if pending.errno is None:
            return "none"
        if pending.errno:
            return errno_numbers.errorcode.get(pending.errno, str(pending.errno))
        # A real program's client gives a write's own data back, too.
        is_read = pending.operation is Operation.READ and pending.data is not None
        return _describe(_runs(pending.data or b"")) if is_read else "ok"
    if pending.reply is None:
        return "none"
    error = pending.reply.get("error")
    return "ok" if error is None else str(error["desc"])


def _describe(runs: tuple[tuple[int, int], ...]) -> str:
    return " ".join(f"{length}x{value:02x}" for length, value in runs)


def _runs(data: bytes) -> tuple[tuple[int, int], ...]:
    runs: list[tuple[int, int]] = []
    position, size = 0, len(data)
    while position < size:
        value = data[position : position + 1]
        rest = len(data) - position - len(data[position:].lstrip(value))
        runs.append((rest, value[0]))
        position += rest
    return tuple(runs)
