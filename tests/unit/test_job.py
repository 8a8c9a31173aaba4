"""What every block job has: pauses, sleeps, speed, errors, and its ends. Mostly on a job that does nothing."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from recording_job import Host, RecordingJob
from reference_kit import K64, MIB, MS, Kit, state_of

from reference_impl.errors import ModelError
from reference_impl.job import ErrorAction, ErrorPolicy, IoStatus, JobFailed
from reference_impl.job_states import JobState
from reference_impl.qmp_errors import QmpError
from reference_impl.rate_limit import SLICE_NS


class Sleeper(RecordingJob):
    """Sleeps a second at a time until it is told to end.

    :ivar turns: virtual moments in ms at which it woke.
    """

    kind = "sleeper"

    def __init__(self, host: Host, **options: Any) -> None:
        super().__init__(host, "j", **options)
        self.turns: list[int] = []
        self.done = False
        self.error = 0
        self.is_soft = False

    async def run(self) -> None:
        while not self.done and not self.is_cancelled:
            self.turns.append(self.scheduler.now_ns // MS)
            await self.sleep(1000 * MS)
        if self.error:
            raise JobFailed(self.error)

    def on_cancel(self, force: bool) -> bool:
        return force or not self.is_soft


def started(**options: Any) -> tuple[Sleeper, Host]:
    host = Host()
    job = Sleeper(host, **options)
    job.start()
    return job, host


def pass_ms(host: Host, milliseconds: int) -> None:
    """Let exactly so much virtual time pass."""
    scheduler = host.graph.scheduler
    end_ns = scheduler.now_ns + milliseconds * MS
    scheduler.timer(milliseconds * MS, "the test's own", lambda: None)
    while scheduler.now_ns < end_ns:
        scheduler.advance_to_next_timer()
        scheduler.settle()


# A life


def test_job_that_runs_to_its_end_goes_through_every_state() -> None:
    job, host = started()
    job.done = True
    pass_ms(host, 1000)
    assert host.events == [
        *("created", "running", "waiting", "pending"),
        *("BLOCK_JOB_COMPLETED", "concluded", "null"),
    ]
    assert job.calls == ["prepare", "clean"]
    assert host.dismissed == ["j"]


def test_job_that_fails_aborts_and_says_why() -> None:
    job, host = started(auto_dismiss=False)
    job.done = True
    job.error = errno.ENOSPC
    pass_ms(host, 1000)
    assert host.events == ["created", "running", "aborting", "BLOCK_JOB_COMPLETED", "concluded"]
    assert host.data[3]["error"] == "No space left on device"
    assert job.calls == ["abort", "clean"]
    assert job.job_info()["error"] == job.block_job_info()["error"] == "No space left on device"


def test_job_that_fails_to_prepare_aborts_from_pending() -> None:
    job, host = started()
    job.done = True
    job.prepare_error = errno.EPERM
    pass_ms(host, 1000)
    assert host.events[-5:] == ["pending", "aborting", "BLOCK_JOB_COMPLETED", "concluded", "null"]
    assert host.data[-3]["error"] == "Operation not permitted"
    assert job.calls == ["prepare", "abort", "clean"]


@pytest.mark.parametrize("auto_dismiss", [True, False])
@pytest.mark.parametrize("auto_finalize", [True, False])
def test_job_waits_for_finalize_and_dismiss_if_it_was_asked_to(auto_finalize: bool, auto_dismiss: bool) -> None:
    """QE-05, QE-06, GAP-11."""
    job, host = started(auto_finalize=auto_finalize, auto_dismiss=auto_dismiss)
    job.done = True
    pass_ms(host, 1000)
    if not auto_finalize:
        assert host.events[-2:] == ["pending", "BLOCK_JOB_PENDING"]
        assert host.data[-1] == {"type": "sleeper", "id": "j"}
        job.user_finalize()
    if not auto_dismiss:
        assert host.events[-2:] == ["BLOCK_JOB_COMPLETED", "concluded"]
        assert host.dismissed == []
        job.user_dismiss()
    assert host.events[-3:] == ["BLOCK_JOB_COMPLETED", "concluded", "null"]
    assert host.dismissed == ["j"]


def test_dropped_job_shows_two_states_only() -> None:
    host = Host()
    Sleeper(host).drop()
    assert host.events == ["created", "null"]
    assert host.dismissed == []


def test_created_job_that_is_cancelled_never_runs() -> None:
    host = Host()
    job = Sleeper(host)
    job.user_cancel(force=False)
    assert (job.turns, host.events) == ([], ["created", "aborting", "concluded", "null"])


# Pauses


def test_pause_takes_effect_at_the_next_pause_point_without_any_time_passing() -> None:
    job, host = started()
    job.user_pause()
    host.graph.scheduler.settle()
    assert (state_of(job), job.paused, job.busy) == ("paused", True, False)
    assert host.graph.scheduler.now_ns == 0
    assert host.graph.scheduler.waits() == ["job j: waits for being resumed"]


def test_every_reason_to_pause_has_to_go() -> None:
    job, host = started()
    job.user_pause()
    job.pause()
    job.pause()
    host.graph.scheduler.settle()
    assert job.pause_count == 3
    job.user_resume()
    job.resume()
    host.graph.scheduler.settle()
    assert state_of(job) == "paused"
    job.resume()
    host.graph.scheduler.settle()
    assert state_of(job) == "running"


def test_job_paused_again_before_it_has_woken_up_stays_paused() -> None:
    """D4: a drained section begins while the job still wakes from the last."""
    job, host = started()
    job.pause()
    job.scheduler.settle()
    turns = list(job.turns)

    async def drain_again() -> None:
        job.resume()
        job.pause()

    job.scheduler.start(drain_again(), "two drained sections")
    job.scheduler.settle()
    assert job.paused
    assert job.turns == turns
    assert host.events[-1] == "paused"
    job.resume()
    job.scheduler.settle()
    assert not job.paused
    assert "running" in host.events[-2:]


def test_resume_without_a_pause_is_a_bug() -> None:
    job, _ = started()
    with pytest.raises(ModelError, match=r"^job 'j' is resumed more often than it was paused$"):
        job.resume()


def test_pause_twice_is_refused() -> None:
    job, _ = started()
    job.user_pause()
    with pytest.raises(QmpError, match=r"^Job is already paused$"):
        job.user_pause()
    assert job.pause_count == 1


def test_resume_of_a_job_paused_by_a_drain_only_is_refused() -> None:
    job, _ = started()
    job.pause()
    with pytest.raises(QmpError, match=r"^Can't resume a job that was not paused$"):
        job.user_resume()
    assert job.pause_count == 1


def test_pause_during_a_sleep_holds_when_the_time_is_over() -> None:
    """C35: the end of the sleep must not let a paused job go on."""
    job, host = started()
    pass_ms(host, 500)
    job.user_pause()
    pass_ms(host, 5000)
    assert (job.turns, state_of(job)) == ([0], "paused")
    job.user_resume()
    host.graph.scheduler.settle()
    assert job.turns == [0, 5500]


def test_resume_before_the_pause_took_effect_does_not_cut_the_sleep_short() -> None:
    """C36: a reason that comes and goes while another is there, or while the job sleeps on, costs it nothing."""
    host = Host()
    job = Sleeper(host)
    job.start()
    pass_ms(host, 300)
    job.pause_count += 1  # a reason that came without waking the job, as when it was paused at that moment
    job.resume()
    host.graph.scheduler.settle()
    assert job.turns == [0]
    pass_ms(host, 699)
    assert job.turns == [0]
    pass_ms(host, 1)
    assert job.turns == [0, 1000]


def test_ready_job_stands_by_and_does_not_announce_itself_again() -> None:
    job, host = started()
    job.become_ready()
    assert host.events[-2:] == ["ready", "BLOCK_JOB_READY"]
    job.user_pause()
    host.graph.scheduler.settle()
    job.user_resume()
    host.graph.scheduler.settle()
    assert host.events[2:] == ["ready", "BLOCK_JOB_READY", "standby", "ready"]


# Speed


def test_negative_speed_is_refused_and_changes_nothing() -> None:
    job, _ = started()
    job.set_speed(7)
    with pytest.raises(QmpError, match=r"^Parameter 'speed' expects a non-negative value$"):
        job.set_speed(-1)
    assert job.speed == 7


@pytest.mark.parametrize(
    ("old", "new", "wakes"), [(0, 0, True), (5, 0, True), (5, 6, True), (5, 5, False), (6, 5, False)]
)
def test_set_speed_wakes_a_sleeping_job_only_if_it_may_go_faster(old: int, new: int, wakes: bool) -> None:
    """C37."""
    job, host = started()
    job.set_speed(old)
    pass_ms(host, 1001)
    turns = len(job.turns)
    job.set_speed(new)
    host.graph.scheduler.settle()
    assert len(job.turns) - turns == int(wakes)


def test_set_speed_does_not_wake_a_paused_job() -> None:
    job, host = started()
    job.user_pause()
    host.graph.scheduler.settle()
    job.set_speed(1 << 40)
    host.graph.scheduler.settle()
    assert state_of(job) == "paused"


@pytest.mark.parametrize("disturbance", ["none", "set-speed", "pause-resume", "drain"])
def test_rate_limit_cannot_be_defeated(disturbance: str) -> None:
    """A18, A19: waking the job early gives it no bytes; 5.2 and 7.2 moved a hundred times as much.

    Five seconds at 64 KiB/s, disturbed every 20 ms; the first piece goes at once.
    """
    kit = Kit(16 * MIB)
    job = kit.mirror(speed=K64, buf_size=K64)

    def disturb(number: int) -> None:
        if disturbance == "set-speed":
            kit.do("block-job-set-speed", device="j", speed=K64 + number % 2)
        elif disturbance == "pause-resume":
            kit.verb("pause")
            kit.verb("resume")
        elif disturbance == "drain":
            kit.session.machine.graph.nodes["source"].quiesce()
            kit.session.settle()
            kit.session.machine.graph.nodes["source"].unquiesce()

    for number in range(250):
        kit.pass_ms(20)
        disturb(number)
        kit.session.settle()
    assert job.progress_current == 5 * K64
    kit.session.close()


# Errors


@pytest.mark.parametrize(
    ("policy", "number", "action"),
    [
        ("report", errno.EIO, "report"),
        ("report", errno.ENOSPC, "report"),
        ("ignore", errno.EIO, "ignore"),
        ("ignore", errno.ENOSPC, "ignore"),
        ("stop", errno.EIO, "stop"),
        ("stop", errno.ENOSPC, "stop"),
        ("enospc", errno.EIO, "report"),
        ("enospc", errno.ENOSPC, "stop"),
        ("auto", errno.EIO, "report"),
        ("auto", errno.ENOSPC, "stop"),
    ],
)
def test_error_policy_decides_and_tells(policy: str, number: int, action: str) -> None:
    """QE-10 to QE-14, QA-10."""
    job, host = started()
    assert job.error_action(ErrorPolicy(policy), is_read=False, errno=number) is ErrorAction(action)
    # A stop wakes the job, which sleeps, and the event comes before what the job makes of it.
    assert host.events[2:] == ["BLOCK_JOB_ERROR", *(["paused"] if action == "stop" else [])]
    assert host.data[2] == {"device": "j", "operation": "write", "action": action}
    stopped = IoStatus.NOSPACE if number == errno.ENOSPC else IoStatus.FAILED
    assert job.io_status is (stopped if action == "stop" else IoStatus.OK)
    assert job.pause_count == int(action == "stop")


def test_error_of_a_read_is_called_read() -> None:
    job, host = started()
    job.error_action(ErrorPolicy.REPORT, is_read=True, errno=errno.EIO)
    assert host.data[-1]["operation"] == "read"


def test_several_errors_pause_once_and_the_first_is_the_status() -> None:
    """C38: however many requests fail, one resume lets the job go on."""
    job, host = started()
    for number in (errno.EIO, errno.ENOSPC, errno.EIO):
        job.error_action(ErrorPolicy.STOP, is_read=False, errno=number)
    host.graph.scheduler.settle()
    assert (job.pause_count, state_of(job), job.io_status) == (1, "paused", IoStatus.FAILED)
    job.user_resume()
    host.graph.scheduler.settle()
    assert (job.pause_count, state_of(job), job.io_status) == (0, "running", IoStatus.OK)


def test_error_while_the_user_has_paused_the_job_adds_no_reason() -> None:
    job, _ = started()
    job.user_pause()
    job.error_action(ErrorPolicy.STOP, is_read=False, errno=errno.EIO)
    assert job.pause_count == 1
    job.user_resume()
    assert (job.pause_count, job.io_status) == (0, IoStatus.OK)


def test_cancel_of_a_job_that_an_error_paused_ends_it() -> None:
    """C39."""
    job, host = started()
    job.error_action(ErrorPolicy.STOP, is_read=False, errno=errno.EIO)
    host.graph.scheduler.settle()
    job.user_cancel(force=True)
    host.graph.scheduler.settle()
    assert host.events[-6:] == ["paused", "running", "aborting", "BLOCK_JOB_CANCELLED", "concluded", "null"]


# Cancel


def test_cancel_wakes_a_sleeping_job_at_once() -> None:
    job, host = started()
    pass_ms(host, 1)
    job.user_cancel(force=False)
    host.graph.scheduler.settle()
    assert host.events[-4:] == ["aborting", "BLOCK_JOB_CANCELLED", "concluded", "null"]
    assert host.graph.scheduler.now_ns == MS


def test_cancel_takes_away_the_users_pause_but_not_a_drains() -> None:
    job, host = started()
    job.user_pause()
    job.pause()
    host.graph.scheduler.settle()
    job.user_cancel(force=True)
    host.graph.scheduler.settle()
    assert (job.pause_count, job.user_paused) == (1, False)
    assert state_of(job) == "null"


def test_cancelled_job_keeps_its_error_until_it_is_dismissed() -> None:
    """QS-12."""
    job, host = started(auto_dismiss=False)
    job.user_cancel(force=True)
    host.graph.scheduler.settle()
    assert job.job_info()["error"] == "Operation canceled"
    with pytest.raises(QmpError, match=r"^Job 'j' in state 'concluded' cannot accept command verb 'finalize'$"):
        job.user_finalize()
    job.user_dismiss()
    assert state_of(job) == "null"


@pytest.mark.parametrize("force", [False, True])
def test_cancel_in_pending_aborts_a_job_that_had_succeeded(force: bool) -> None:
    """QS-14."""
    job, host = started(auto_finalize=False)
    job.done = True
    pass_ms(host, 1000)
    assert state_of(job) == "pending"
    job.user_cancel(force=force)
    host.graph.scheduler.settle()
    assert host.events[-4:] == ["aborting", "BLOCK_JOB_CANCELLED", "concluded", "null"]
    assert job.calls == ["abort", "clean"]


def over_but_not_completed(*, soft: bool) -> tuple[Sleeper, Host]:
    """A job whose run has returned, and whose end has not come up in the main loop yet."""
    job, host = started()
    job.become_ready()
    job.is_soft = soft
    job.done = True
    host.graph.scheduler.advance_to_next_timer()
    assert (job.deferred_to_main_loop, state_of(job)) == (True, "ready")
    return job, host


def test_soft_cancel_after_the_run_is_over_does_not_spoil_its_success() -> None:
    """C49."""
    job, host = over_but_not_completed(soft=True)
    job.user_cancel(force=False)
    host.graph.scheduler.settle()
    assert not job.cancelled
    assert host.events[-5:] == ["waiting", "pending", "BLOCK_JOB_COMPLETED", "concluded", "null"]


def test_forced_cancel_after_the_run_is_over_is_met_once() -> None:
    job, host = over_but_not_completed(soft=True)
    job.user_cancel(force=True)
    host.graph.scheduler.settle()
    assert host.events[-4:] == ["aborting", "BLOCK_JOB_CANCELLED", "concluded", "null"]
    assert job.calls == ["abort", "clean"]
    assert host.dismissed == ["j"]


def test_complete_after_a_soft_cancel_is_refused() -> None:
    """QS-07."""
    job, _ = started()
    job.become_ready()
    job.cancelled = True
    with pytest.raises(QmpError, match=r"^The active block job 'j' cannot be completed$"):
        job.user_complete()


def test_verbs_that_a_kind_does_not_know_are_refused() -> None:
    job, _ = started()
    job.become_ready()
    with pytest.raises(QmpError, match=r"^The active block job 'j' cannot be completed$"):
        job.user_complete()
    with pytest.raises(QmpError, match=r"^Job type does not support change$"):
        job.user_change({})


# Drained sections


def test_drained_section_pauses_the_job_and_ends_where_the_job_was(kit: Kit) -> None:
    job = kit.mirror(speed=1, buf_size=K64)
    node = kit.session.machine.graph.nodes["target"]
    node.quiesce()
    kit.session.settle()
    assert (state_of(job), node.busy()) == ("paused", False)
    node.unquiesce()
    kit.session.settle()
    assert (state_of(job), job.pause_count) == ("running", 0)


def test_drained_section_waits_for_what_the_job_has_in_flight(kit: Kit) -> None:
    """D1, BF-09."""
    kit.target.hold("write")
    job = kit.mirror()
    (held,) = kit.wait_held(kit.target)
    node = kit.session.machine.graph.nodes["source"]
    drain = kit.scheduler.start(node.drained_begin_and_wait(), "drain")
    kit.session.settle()
    assert not drain.done
    assert state_of(job) == "running"
    kit.release(held)
    assert drain.done
    assert (state_of(job), job.in_flight) == ("paused", 0)


@pytest.fixture
def kit() -> Any:
    kit = Kit()
    yield kit
    kit.session.close()


# Complete in standby (A15, C40, QS-13)


def test_complete_in_standby_is_met_after_resume(kit: Kit) -> None:
    job = kit.ready_mirror()
    kit.verb("pause")
    assert state_of(job) == "standby"
    seen = len(kit.events)
    kit.verb("complete")
    assert kit.events_since(seen) == []
    assert state_of(job) == "standby"
    kit.verb("complete")
    kit.verb("resume")
    kit.wait_state("null")
    assert kit.events_since(seen) == ["ready", "waiting", "pending", "BLOCK_JOB_COMPLETED", "concluded", "null"]


def test_sleep_of_nothing_gives_everything_else_a_turn() -> None:
    """C34: a turn without delay is still a turn of the main loop and a pause point."""
    host = Host()

    class Busy(Sleeper):
        async def run(self) -> None:
            while not self.is_cancelled:
                self.turns.append(self.scheduler.now_ns)
                await self.sleep(0)

    job = Busy(host)
    job.start()
    for _ in range(5):
        host.graph.scheduler.step()
    assert job.turns == [0] * 6
    job.user_pause()
    host.graph.scheduler.settle()
    assert (state_of(job), host.graph.scheduler.now_ns) == ("paused", 0)


def test_idle_ready_job_looks_at_the_bitmap_every_100_ms(kit: Kit) -> None:
    job = kit.ready_mirror()
    kit.write(0, K64, 0x22)
    before_ns = kit.scheduler.now_ns
    assert job.bitmap.count_bytes == K64
    kit.session.wait(lambda: job.bitmap.count_bytes == 0, "the copy")
    assert kit.scheduler.now_ns - before_ns <= SLICE_NS


def test_states_of_this_module_are_those_of_the_table() -> None:
    assert {state.value for state in JobState} >= {"paused", "standby", "pending", "null"}
