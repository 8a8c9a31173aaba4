"""Bugs in starting and ending a mirror: the moments when the filter is there and the job is not."""

from __future__ import annotations

from typing import Any

from reference_impl.graph import Node
from reference_impl.mirror import MirrorJob
from reference_impl.mirror_commands import MirrorCommands
from reference_impl.mirror_filter import MirrorFilter
from reference_impl.mutants.planting import plant
from reference_impl.qmp_errors import QmpError


class _Window(MirrorCommands):
    """The filter is in place for one turn of the main loop before the job begins; guests are not kept out."""

    async def start(self, arguments: dict[str, Any], source: Node, target: Node, **more: Any) -> None:
        await super().start(arguments, source, target, **more)
        # The job has been made; what a guest sends in the window finds the filter without it.
        job = next(reversed(self._jobs.values()))
        assert isinstance(job, MirrorJob)
        scheduler = self._graph.scheduler
        task = scheduler.running
        job.filter.job = None
        scheduler.timer(0, "the job begins", lambda: scheduler.wake(task))
        await scheduler.suspend("the job to begin")
        job.filter.job = job


@plant("job-pointer-null-in-write", rows="C18 BF-20", fixed="2022-11, da93d5c84e, 7.2")
class WriteWithoutJob(MirrorFilter):
    """A write between the insertion of the filter and the creation of the job finds no job, and crashes."""

    def copies_to_target(self) -> bool:
        return self.job.mirrors_actively()  # type: ignore[union-attr]


@plant("job-pointer-null-in-write", rows="C18 BF-20", fixed="2022-11, da93d5c84e, 7.2")
class WriteWithoutJobWindow(_Window):
    """The window for it."""


@plant("job-pointer-published-too-early", rows="C19 BF-21", fixed="2023-02, 32125b1460, 8.0")
class JobPublishedTooEarly(MirrorJob):
    """A write sees the job before its lists and maps exist, and crashes."""

    def start(self) -> None:
        operations = self.operations
        del self.operations
        self.scheduler.timer(0, f"job {self.id} is made", lambda: self._begin(operations))

    def _begin(self, operations: Any) -> None:
        self.operations = operations
        super().start()


@plant("writes-missed-during-startup", rows="C20 BF-25", fixed="0f51f9c342, 11.0")
class WritesMissedDuringStartup(MirrorFilter):
    """A write that comes before the job is known to the filter is marked nowhere: it is never copied."""

    def mark_changed(self, offset: int, length: int) -> None:
        if self.job is not None:
            super().mark_changed(offset, length)


@plant("writes-missed-during-startup", rows="C20 BF-25", fixed="0f51f9c342, 11.0")
class WritesMissedWindow(_Window):
    """The window for it."""


@plant("source-equals-target", rows="C16 BF-28", fixed="2018-08, 86fae10c64, 3.1")
class SourceEqualsTarget(MirrorCommands):
    """A mirror of a node to itself is not refused: the program crashes."""

    async def start(self, arguments: dict[str, Any], source: Node, target: Node, **more: Any) -> None:
        if source is target:
            raise RecursionError("the node is below itself")
        await super().start(arguments, source, target, **more)


@plant("replaces-not-checked", rows="C54", fixed="74ce9e466a, 4.0")
class ReplacesNotChecked(MirrorCommands):
    """The node to be replaced may be any: another disk's user is given a copy of this one."""

    def _find_replaced(self, name: str | None, source: Node) -> Node | None:
        return None if name is None else self._graph.nodes.get(name)


@plant("failed-start-leaves-filter", rows="D16", fixed="18775ff326, 2.11")
class FailedStartLeavesFilter(MirrorCommands):
    """A start that is refused late leaves the filter above the source: the next one finds no root node."""

    def _take_out(self, mirror_filter: MirrorFilter, source: Node) -> None:
        pass


@plant("negative-speed-error-text", rows="C57", fixed="1ef7d9d368, 5.0")
class NegativeSpeedText(MirrorJob):
    """A negative speed is refused with a text that does not say what is expected."""

    def set_speed(self, bytes_per_second: int) -> None:
        if bytes_per_second < 0:
            raise QmpError("Invalid parameter 'speed'")
        super().set_speed(bytes_per_second)


@plant("event-fields-missing-or-wrong", rows="C56", fixed="518848a214, 2.1")
class EventFieldsMissing(MirrorJob):
    """BLOCK_JOB_READY and its like lack the speed and the offset: whoever reads them strictly fails."""

    def event_data(self) -> dict[str, Any]:
        return {name: value for name, value in super().event_data().items() if name not in ("speed", "offset")}


@plant("filter-restarted-without-permission", rows="D5 BF-08", fixed="2019-07, d2da5e288a, 4.2")
class FilterRestarted(MirrorJob):
    """Guests are let go on before the filter is out of the graph: their requests pass a filter without a job.

    They reach the old disk, of which nobody reads any more.
    """

    def _exit(self, *, success: bool) -> None:
        if self.filter.job is self and self._source_drained:
            self.filter.job = None
            self._undrain_source()
            self.filter.job = self
        super()._exit(success=success)
