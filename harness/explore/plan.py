"""What of a scenario is the same in every run of it, worked out once."""

from __future__ import annotations

from functools import lru_cache

from harness.explore.decision import Footprint
from harness.explore.scenario import (
    GRANULE_BYTES,
    GUEST_KINDS,
    WRITING_KINDS,
    Action,
    ActionKind,
    Disk,
    Fault,
    Scenario,
)
from harness.storage import Operation

PLANS_MAX = 128


class Plan:
    """A scenario, sorted for those who run it and look on.

    :ivar pairs: by job id, the names of source and target. :ivar partners: by disk of a pair, the name of its source.
    :ivar guest_disks: the disks that a guest uses, in the order of their first request.
    :ivar requests, writes, reads, flushes: by disk, the guest's requests of that kind.
    :ivar start_labels, start_footprints, task_names, payloads: by action, in the order of `Scenario.actions`; names are
        those that the model gives to coroutines that serve the action.
    :ivar required_count: how many actions have to be started before the scenario has ended.
    """

    def __init__(self, scenario: Scenario) -> None:
        actions = scenario.actions
        everything = (*scenario.setup, *actions)
        self.scenario = scenario
        self.pairs = scenario.pairs()
        self.partners = {name: pair[0] for pair in self.pairs.values() for name in pair}
        self.disks: dict[str, Disk] = {disk.name: disk for disk in scenario.disks}
        self.guest_disks = list(dict.fromkeys(action.disk for action in everything if action.kind in GUEST_KINDS))
        self.requests = self._by_disk(tuple(GUEST_KINDS))
        self.writes = self._by_disk(tuple(WRITING_KINDS))
        self.reads = self._by_disk((ActionKind.READ,))
        self.flushes = self._by_disk((ActionKind.FLUSH,))
        self.one_time_faults: list[Fault] = [fault for fault in scenario.faults if not fault.always]
        self.permanent_faults: list[Fault] = [fault for fault in scenario.faults if fault.always]
        self.start_labels = [
            f"{'guest' if action.is_guest_request else 'command'} {action.name}: starts" for action in actions
        ]
        self.start_footprints = [
            self.footprint(action.disk, action.offset, action.length) if action.kind in WRITING_KINDS else None
            for action in actions
        ]
        self.task_names = {action.name: _task_names(action) for action in everything}
        self.payloads = {
            action.name: bytes([action.value]) * action.length if action.kind is ActionKind.WRITE else None
            for action in everything
        }
        self.operations = {
            action.name: Operation(action.kind.value) for action in everything if action.is_guest_request
        }
        self.optional = frozenset(action.name for action in actions if action.optional or action.repeats)
        self.required_count = len(actions) - len(self.optional)

    def _by_disk(self, kinds: tuple[ActionKind, ...]) -> dict[str, list[Action]]:
        actions = [action for action in self.scenario.actions if action.kind in kinds]
        return {disk: [action for action in actions if action.disk == disk] for disk in self.disks}

    def footprint(self, disk: str, offset: int, length: int) -> Footprint | None:
        """What a request of a disk has to do with; None for everything."""
        source = self.partners.get(disk)
        if source is None or not length:
            return None
        start = offset // GRANULE_BYTES * GRANULE_BYTES
        return Footprint(source, start, -(-(offset + length) // GRANULE_BYTES) * GRANULE_BYTES)


def _task_names(action: Action) -> tuple[str, ...]:
    if action.kind is ActionKind.COMMAND:
        return (f"command {action.command}",)
    if not action.is_guest_request:
        return ()
    where = f"{action.offset}+{action.length}"
    # The second is what it leaves to a coroutine that goes on when the guest has been answered.
    return (f"guest {action.kind.value} {where}", f"mirror asynchronous write {where}")


@lru_cache(maxsize=PLANS_MAX)
def plan_of(scenario: Scenario) -> Plan:
    """The plan of a scenario."""
    return Plan(scenario)
