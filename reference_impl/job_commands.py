"""The commands that act on jobs: two families, ``block-job-*`` and ``job-*``, with the same verbs and other errors.

Source: facts 5c, rows QV-1 to QV-8 and QS-01 to QS-20.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from reference_impl.job import Job
from reference_impl.job_states import JobState
from reference_impl.monitor import Handler
from reference_impl.qmp_errors import QmpError

Verb = Callable[[Job], Awaitable[None] | None]
"""What is done to a job, or something to await for that."""


def ending(verb: Callable[[Job], None]) -> Verb:
    """A verb that may end a job which waits to be finalized: what its end takes away comes to rest before."""

    async def end(job: Job) -> None:
        await job.before_end()
        verb(job)

    return lambda job: end(job) if job.state is JobState.PENDING else verb(job)


def _when_done(result: Awaitable[None] | None) -> Any:
    """The empty reply, once a verb has done what it does."""

    async def wait(awaitable: Awaitable[None]) -> dict[str, Any]:
        await awaitable
        return {}

    return {} if result is None else wait(result)


class JobCommands:
    """Handlers for the job commands, over a table of jobs that somebody else keeps."""

    def __init__(self, jobs: Mapping[str, Job]) -> None:
        self._jobs = jobs

    def handlers(self) -> dict[str, Handler]:
        """By the name of the command."""
        return {
            "block-job-set-speed": self._set_speed,
            "block-job-cancel": self._block_job_cancel,
            "block-job-change": self._change,
            "job-change": self._set_options,
            "block-job-pause": self._on_block_job("device", Job.user_pause),
            "block-job-resume": self._on_block_job("device", Job.user_resume),
            "block-job-complete": self._on_block_job("device", Job.user_complete),
            "block-job-finalize": self._on_block_job("id", ending(Job.user_finalize)),
            "block-job-dismiss": self._on_block_job("id", Job.user_dismiss),
            "job-pause": self._on_job(Job.user_pause),
            "job-resume": self._on_job(Job.user_resume),
            "job-cancel": self._on_job(ending(lambda job: job.user_cancel(force=True))),
            "job-complete": self._on_job(Job.user_complete),
            "job-finalize": self._on_job(ending(Job.user_finalize)),
            "job-dismiss": self._on_job(Job.user_dismiss),
            "query-jobs": lambda arguments: [job.job_info() for job in self._jobs.values()],
            "query-block-jobs": lambda arguments: [job.block_job_info() for job in self._jobs.values()],
        }

    def _block_job(self, job_id: str) -> Job:
        job = self._jobs.get(job_id)
        if job is None:
            raise QmpError(f"Block job '{job_id}' not found", "DeviceNotActive")
        return job

    def _on_block_job(self, member: str, verb: Verb) -> Handler:
        def handler(arguments: dict[str, Any]) -> Any:
            return _when_done(verb(self._block_job(arguments[member])))

        return handler

    def _on_job(self, verb: Verb) -> Handler:
        def handler(arguments: dict[str, Any]) -> Any:
            job = self._jobs.get(arguments["id"])
            if job is None:
                raise QmpError("Job not found")
            return _when_done(verb(job))

        return handler

    def _set_speed(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self._block_job(arguments["device"]).set_speed(arguments["speed"])
        return {}

    def _block_job_cancel(self, arguments: dict[str, Any]) -> Any:
        job = self._block_job(arguments["device"])
        force = arguments.get("force", False)
        if job.user_paused and not force:
            raise QmpError(f"The block job for device '{job.id}' is currently paused")
        return _when_done(ending(lambda job: job.user_cancel(force=force))(job))

    def _set_options(self, arguments: dict[str, Any]) -> dict[str, Any]:
        job = self._jobs.get(arguments["id"])
        if job is None:
            raise QmpError("Job not found")
        job.user_set_options(arguments)
        return {}

    def _change(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self._block_job(arguments["id"]).user_change(arguments)
        return {}
