"""Jobs that end together: all of them well, or none.

Every job is in a transaction, mostly alone. A job whose run ended well waits for the others; when the last one has,
all become pending, and are finalized together, by themselves or when a user finalizes one. As soon as one fails, is
cancelled, or cannot be finalized, the others are cancelled by force, also those that have done their work.

No command puts a mirror into a transaction with others, so nothing of this is seen over QMP but what becomes of a job
that is alone. Source: UT-1 to UT-7, C50.
"""

from __future__ import annotations

from typing import Protocol

from reference_impl.job_states import JobState


class Member(Protocol):
    """What a transaction needs of a job."""

    auto_finalize: bool

    @property
    def is_completed(self) -> bool:
        """Whether its run is over."""

    def enter_state(self, state: JobState) -> None:
        """Go to another state."""

    def announce_pending(self) -> None:
        """Tell the user that it waits to be finalized."""

    def prepare_to_end(self) -> bool:
        """Do what can still fail; return whether it succeeded."""

    def cancel_with_others(self, *, force: bool) -> None:
        """Be cancelled because another job failed."""

    def end(self) -> None:
        """Come to its end, well or not."""


class JobTransaction:
    """Jobs that end together.

    :ivar aborting: one of them has failed.
    """

    def __init__(self) -> None:
        self._jobs: list[Member] = []
        self.aborting = False

    def add(self, job: Member) -> None:
        """Take a job in, before it is started."""
        self._jobs.append(job)

    def remove(self, job: Member) -> None:
        """Forget a job that is dropped before it is started."""
        self._jobs.remove(job)

    def job_waits(self) -> None:
        """A job's run has ended well and it is waiting: when all are, they become pending."""
        if not all(job.is_completed for job in self._jobs):
            return
        for job in self._jobs:
            job.enter_state(JobState.PENDING)
            if not job.auto_finalize:
                job.announce_pending()
        if all(job.auto_finalize for job in self._jobs):
            self.finalize()

    def finalize(self) -> None:
        """Let all end, if none objects."""
        for job in self._jobs:
            if not job.prepare_to_end():
                self.abort(job)
                return
        self._end_all()

    def abort(self, cause: Member) -> None:
        """A job failed or was cancelled: cancel the others, and let all end once their runs are over."""
        if not self.aborting:
            self.aborting = True
            for job in self._jobs:
                if job is not cause:
                    self.cancel_other(job)
        if self._jobs and all(job.is_completed for job in self._jobs):
            self._end_all()

    def cancel_other(self, job: Member) -> None:
        """Cancel a job because another failed: by force, or one that is ready would go on for ever (C50)."""
        job.cancel_with_others(force=True)

    def _end_all(self) -> None:
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            job.end()
