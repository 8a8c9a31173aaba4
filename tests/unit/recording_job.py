"""A job that does nothing at its end but note what it is asked to do."""

from __future__ import annotations

from typing import Any

from reference_impl.job import Job, JobFailed


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
