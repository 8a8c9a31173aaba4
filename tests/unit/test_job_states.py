"""The two tables of the job state machine, cell by cell, against the allowed sets written down a second time.

The expectation here is text in the form in which the facts give it, one line a state or verb, so that neither side can
be wrong by copying the other.
"""

from __future__ import annotations

import itertools

import pytest
from recording_job import Host

from reference_impl.errors import ModelError
from reference_impl.job import Job
from reference_impl.job_states import TRANSITIONS, VERBS, JobState, JobVerb
from reference_impl.qmp_errors import QmpError

# fmt: off
STATES = ["undefined", "created", "running", "paused", "ready", "standby", "waiting", "pending", "aborting",
          "concluded", "null"]
# fmt: on

ALLOWED_TRANSITIONS = """
undefined -> created
created -> running aborting null
running -> paused ready waiting aborting
paused -> running
ready -> standby waiting aborting
standby -> ready
waiting -> pending aborting
pending -> aborting concluded
aborting -> aborting concluded
concluded -> null
"""

ALLOWED_VERBS = """
cancel: created running paused ready standby waiting pending
pause: created running paused ready standby
resume: created running paused ready standby
set-speed: created running paused ready standby
complete: ready standby
finalize: pending
dismiss: concluded
change: created running paused ready standby
"""


def pairs(table: str, separator: str) -> set[tuple[str, str]]:
    """Each line ``left SEPARATOR right right …`` as pairs."""
    split = (line.split(separator) for line in table.strip().splitlines())
    return {(left.strip(), right) for left, rest in split for right in rest.split()}


MAY_FOLLOW = pairs(ALLOWED_TRANSITIONS, "->")
MAY_ASK = pairs(ALLOWED_VERBS, ":")
VERB_NAMES = sorted({verb for verb, _ in MAY_ASK})


def job_in(state: str) -> tuple[Job, Host]:
    host = Host()
    job = Job(host, "j")
    job.state = JobState(state)
    host.told.clear()
    return job, host


def test_tables_cover_every_state_and_verb() -> None:
    assert [state.value for state in JobState] == STATES
    assert sorted(verb.value for verb in JobVerb) == VERB_NAMES
    assert set(TRANSITIONS) == set(JobState)
    assert set(VERBS) == set(JobVerb)


def test_tables_allow_twenty_transitions_and_thirty_one_verbs() -> None:
    assert (len(MAY_FOLLOW), sum(map(len, TRANSITIONS.values()))) == (20, 20)
    assert (len(MAY_ASK), sum(map(len, VERBS.values()))) == (31, 31)


@pytest.mark.parametrize(("old", "new"), list(itertools.product(STATES, STATES)))
def test_transition_is_allowed_or_raises_and_changes_nothing(old: str, new: str) -> None:
    job, host = job_in(old)
    if (old, new) in MAY_FOLLOW:
        job.enter_state(JobState(new))
        assert job.state == new
        # Staying in the same state is no change that anybody is told of.
        expected = [] if old == new else [("JOB_STATUS_CHANGE", {"id": "j", "status": new})]
        assert host.told == expected
    else:
        with pytest.raises(ModelError, match=rf"^job 'j': state {old} must not become {new}$"):
            job.enter_state(JobState(new))
        assert job.state == old
        assert host.told == []


@pytest.mark.parametrize(("verb", "state"), list(itertools.product(VERB_NAMES, STATES)))
def test_verb_is_allowed_or_refused_in_the_words_of_qmp(verb: str, state: str) -> None:
    job, host = job_in(state)
    if (verb, state) in MAY_ASK:
        job.require_verb(JobVerb(verb))
    else:
        text = rf"^Job 'j' in state '{state}' cannot accept command verb '{verb}'$"
        with pytest.raises(QmpError, match=text) as caught:
            job.require_verb(JobVerb(verb))
        assert caught.value.error_class == "GenericError"
    assert job.state == state
    assert host.told == []


ASK = {
    "cancel": lambda job: job.user_cancel(force=True),
    "pause": Job.user_pause,
    "set-speed": lambda job: job.set_speed(1),
    "complete": Job.user_complete,
    "finalize": Job.user_finalize,
    "dismiss": Job.user_dismiss,
    "change": lambda job: job.user_change({"copy-mode": "write-blocking"}),
}


@pytest.mark.parametrize(("verb", "state"), [pair for pair in itertools.product(ASK, STATES) if pair not in MAY_ASK])
def test_refused_verb_leaves_the_job_as_it_was(verb: str, state: str) -> None:
    job, host = job_in(state)
    before = (job.pause_count, job.user_paused, job.speed, job.cancelled, job.job_info(), job.block_job_info())
    with pytest.raises(QmpError, match=rf"^Job 'j' in state '{state}' cannot accept command verb '{verb}'$"):
        ASK[verb](job)
    after = (job.pause_count, job.user_paused, job.speed, job.cancelled, job.job_info(), job.block_job_info())
    assert after == before
    assert (host.told, host.dismissed) == ([], [])


@pytest.mark.parametrize("state", STATES)
def test_resume_of_what_is_not_paused_is_found_before_the_table_is_asked(state: str) -> None:
    """QS-05: the text is the same in every state, also where the verb is not allowed."""
    job, _ = job_in(state)
    with pytest.raises(QmpError, match=r"^Can't resume a job that was not paused$"):
        job.user_resume()


@pytest.mark.parametrize("state", ["waiting", "pending", "aborting", "concluded", "null"])
def test_resume_of_a_paused_job_that_has_ended_is_refused_by_the_table(state: str) -> None:
    job, _ = job_in(state)
    job.user_paused = True
    with pytest.raises(QmpError, match=rf"^Job 'j' in state '{state}' cannot accept command verb 'resume'$"):
        job.user_resume()
    assert job.user_paused
