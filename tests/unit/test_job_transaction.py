"""Jobs that end together: QEMU's own tests of transactions, UT-1 to UT-7, and what goes beyond them.

No command puts a mirror into a transaction with others, so these tests are what stands for those rows.
"""

from __future__ import annotations

import errno
from typing import Any

import pytest
from recording_job import Host, RecordingJob

from reference_impl.job import JobFailed
from reference_impl.job_states import JobState
from reference_impl.job_transaction import JobTransaction, Member


class Worker(RecordingJob):
    """Takes a number of turns, is READY then if it waits to be completed, and ends with an error or none.

    :ivar finished: it came to its end by itself, and not because it was cancelled.
    """

    kind = "worker"

    def __init__(
        self, host: Host, job_id: str, transaction: JobTransaction, *, turns: int = 1, error: int = 0, **options: Any
    ) -> None:
        self.turns = turns
        self.error = error
        self.waits = options.pop("waits", False)
        self.finished = False
        prepare_error = options.pop("prepare_error", 0)
        super().__init__(host, job_id, transaction=transaction, **options)
        self.prepare_error = prepare_error

    async def run(self) -> None:
        for _ in range(self.turns):
            await self.sleep(1_000_000)
            if self.is_cancelled:
                return
        if self.waits:
            self.become_ready()
            while not self.is_cancelled:
                await self.wait_to_be_entered("being completed")
            return
        self.finished = True
        if self.error:
            raise JobFailed(self.error)

    def on_cancel(self, force: bool) -> bool:
        return force or not self.is_ready

    @property
    def result(self) -> int:
        """0, or the error that it ended with."""
        return self.failure.errno if self.failure is not None else 0


@pytest.fixture
def host() -> Host:
    return Host()


def run(host: Host, *jobs: Worker) -> None:
    """Start the jobs and let them come to their ends."""
    for job in jobs:
        job.start()
    finish(host)


def finish(host: Host) -> None:
    """Let everything happen that can, however long it takes."""
    host.graph.scheduler.settle()
    while host.graph.scheduler.advance_to_next_timer():
        host.graph.scheduler.settle()


@pytest.mark.parametrize(("error", "course"), [(0, "COMPLETED"), (errno.EIO, "COMPLETED")])
def test_single_job_ends_with_its_own_result(host: Host, error: int, course: str) -> None:  # UT-1, UT-2
    job = Worker(host, "one", JobTransaction(), error=error)
    run(host, job)
    assert job.result == error
    assert host.course("one")[-3:] == [course, "concluded", "null"]


def test_single_job_that_is_cancelled_ends_so(host: Host) -> None:  # UT-3
    job = Worker(host, "one", JobTransaction(), turns=5)
    job.start()
    job.user_cancel(force=True)
    finish(host)
    assert job.result == errno.ECANCELED
    assert host.course("one") == ["created", "running", "aborting", "CANCELLED", "concluded", "null"]


@pytest.mark.parametrize("turns", [(1, 2), (2, 1), (1, 1)])
def test_pair_that_works_becomes_pending_and_ends_together(host: Host, turns: tuple[int, int]) -> None:  # UT-4
    transaction = JobTransaction()
    jobs = [
        Worker(host, name, transaction, turns=count, auto_finalize=False)
        for name, count in zip("ab", turns, strict=True)
    ]
    run(host, *jobs)
    for job in jobs:
        assert host.course(job.id) == ["created", "running", "waiting", "pending", "PENDING"]
    jobs[0].user_finalize()
    for job in jobs:
        assert job.result == 0
        assert job.calls == ["prepare", "clean"]
        assert host.course(job.id)[5:] == ["COMPLETED", "concluded", "null"]


def test_pair_waits_for_the_slower_one_in_waiting(host: Host) -> None:  # UT-4
    transaction = JobTransaction()
    quick, slow = Worker(host, "quick", transaction), Worker(host, "slow", transaction, waits=True)
    run(host, quick, slow)
    assert host.course("quick") == ["created", "running", "waiting"]
    assert quick.state is JobState.WAITING


def test_pair_is_finalized_by_itself_only_if_both_are(host: Host) -> None:
    transaction = JobTransaction()
    automatic = Worker(host, "automatic", transaction)
    manual = Worker(host, "manual", transaction, auto_finalize=False)
    run(host, automatic, manual)
    assert (automatic.state, manual.state) == (JobState.PENDING, JobState.PENDING)
    assert "PENDING" not in host.course("automatic")
    manual.user_finalize()
    assert (automatic.state, manual.state) == (JobState.NULL, JobState.NULL)


@pytest.mark.parametrize("turns", [(1, 3), (3, 1)])
def test_pair_one_fails_and_the_other_is_cancelled(host: Host, turns: tuple[int, int]) -> None:  # UT-5
    transaction = JobTransaction()
    failing = Worker(host, "failing", transaction, turns=turns[0], error=errno.EIO)
    other = Worker(host, "other", transaction, turns=turns[1])
    run(host, failing, other)
    assert (failing.result, other.result) == (errno.EIO, errno.ECANCELED)
    assert host.course("failing")[-4:] == ["aborting", "COMPLETED", "concluded", "null"]
    assert host.course("other")[-4:] == ["aborting", "CANCELLED", "concluded", "null"]
    assert other.finished == (turns[1] < turns[0])
    if other.finished:
        assert host.course("other")[:4] == ["created", "running", "waiting", "aborting"]
    assert failing.calls == other.calls == ["abort", "clean"]


@pytest.mark.parametrize("turns", [(5, 9), (9, 1)])
def test_pair_one_is_cancelled_and_so_is_the_other(host: Host, turns: tuple[int, int]) -> None:  # UT-6
    transaction = JobTransaction()
    cancelled, other = (Worker(host, name, transaction, turns=count) for name, count in zip("ab", turns, strict=True))
    cancelled.start()
    other.start()
    for _ in range(3):
        host.graph.scheduler.settle()
        host.graph.scheduler.advance_to_next_timer()
    cancelled.user_cancel(force=True)
    finish(host)
    assert (cancelled.result, other.result) == (errno.ECANCELED, errno.ECANCELED)
    assert (cancelled.state, other.state) == (JobState.NULL, JobState.NULL)


def test_pair_one_fails_when_the_other_has_just_ended_and_cancels_it(host: Host) -> None:  # UT-7
    transaction = JobTransaction()
    failing = Worker(host, "failing", transaction, error=errno.EIO)
    other = Worker(host, "other", transaction)
    failing.start()
    other.start()
    for timer in list(host.graph.scheduler.timers()):  # both runs end before anything comes of either
        host.graph.scheduler.fire(timer)
    finish(host)
    assert other.finished
    assert "waiting" not in host.course("other")
    assert (failing.result, other.result) == (errno.EIO, errno.ECANCELED)


def test_pair_one_that_cannot_be_finalized_takes_the_other_along(host: Host) -> None:
    transaction = JobTransaction()
    first = Worker(host, "first", transaction)
    failing = Worker(host, "failing", transaction, prepare_error=errno.EPERM)
    last = Worker(host, "last", transaction)
    run(host, first, failing, last)
    assert [job.result for job in (first, failing, last)] == [errno.ECANCELED, errno.EPERM, errno.ECANCELED]
    assert first.calls == ["prepare", "abort", "clean"]
    assert failing.calls == ["prepare", "abort", "clean"]
    assert last.calls == ["abort", "clean"]
    assert host.course("last")[-5:] == ["pending", "aborting", "CANCELLED", "concluded", "null"]


def test_pair_that_is_pending_is_cancelled_together(host: Host) -> None:
    transaction = JobTransaction()
    jobs = [Worker(host, name, transaction, auto_finalize=False, auto_dismiss=False) for name in "ab"]
    run(host, *jobs)
    jobs[1].user_cancel(force=True)
    assert [job.result for job in jobs] == [errno.ECANCELED, errno.ECANCELED]
    assert [job.state for job in jobs] == [JobState.CONCLUDED, JobState.CONCLUDED]


def test_pair_one_is_not_started_when_the_other_fails(host: Host) -> None:
    transaction = JobTransaction()
    failing = Worker(host, "failing", transaction, error=errno.EIO)
    waiting = Worker(host, "waiting", transaction)
    run(host, failing)
    assert (failing.result, waiting.result) == (errno.EIO, errno.ECANCELED)
    assert host.course("waiting") == ["created", "aborting", "concluded", "null"]


def test_job_that_is_dropped_keeps_nobody_waiting(host: Host) -> None:
    transaction = JobTransaction()
    dropped, other = Worker(host, "dropped", transaction), Worker(host, "other", transaction)
    dropped.drop()
    run(host, other)
    assert host.course("dropped") == ["created", "null"]
    assert other.state is JobState.NULL


class SoftCancelling(JobTransaction):
    """The bug of 2.12 to 6.1: others are cancelled softly (C50)."""

    def cancel_other(self, job: Member) -> None:
        job.cancel_with_others(force=False)


@pytest.mark.parametrize(("transaction_class", "is_ended"), [(JobTransaction, True), (SoftCancelling, False)])
def test_ready_job_whose_partner_fails_does_not_go_on(
    host: Host, transaction_class: type[JobTransaction], is_ended: bool
) -> None:  # C50
    transaction = transaction_class()
    ready = Worker(host, "ready", transaction, waits=True)
    failing = Worker(host, "failing", transaction, turns=3, error=errno.EIO)
    run(host, ready, failing)
    assert (ready.state is JobState.NULL) == is_ended
    assert (failing.state is JobState.NULL) == is_ended
