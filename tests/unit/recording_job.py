"""A job that does nothing at its end but note what it is asked to do, and a machine that notes what it is told."""

from __future__ import annotations

from typing import Any

from reference_impl.graph import Graph
from reference_impl.job import Job, JobFailed
from reference_impl.scheduler import Scheduler


class Host:
    """A machine without disks.

    :ivar told: every event with its data. :ivar dismissed: the ids of jobs that were dismissed.
    """

    def __init__(self) -> None:
        self.graph = Graph(Scheduler())
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.dismissed: list[str] = []

    def emit(self, event: str, data: Any) -> None:
        self.told.append((event, dict(data)))

    def job_dismissed(self, job: Job) -> None:
        self.dismissed.append(job.id)

    @property
    def events(self) -> list[str]:
        """The events by name, those of a change of state by the state."""
        return [data["status"] if event == "JOB_STATUS_CHANGE" else event for event, data in self.told]

    @property
    def data(self) -> list[dict[str, Any]]:
        """The data of `events`."""
        return [data for _, data in self.told]

    def course(self, job_id: str) -> list[str]:
        """What one job went through, as `events`, without the prefix that they have in common."""
        events = zip(self.events, self.data, strict=True)
        course = [
            event.removeprefix("BLOCK_JOB_") for event, data in events if job_id == (data.get("id") or data["device"])
        ]
        assert course, f"nothing was told of job {job_id}"
        return course


class RecordingJob(Job):
    """Notes what it is asked to do at its end.

    :ivar calls: ``prepare``, ``abort``, ``clean``, as they came. :ivar prepare_error: with which `prepare` fails, or 0.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.calls: list[str] = []
        self.prepare_error = 0
        super().__init__(*arguments, **options)

    def prepare(self) -> None:
        self.calls.append("prepare")
        if self.prepare_error:
            raise JobFailed(self.prepare_error)

    def abort(self) -> None:
        self.calls.append("abort")

    def clean(self) -> None:
        self.calls.append("clean")
