"""The job state machine: two tables and nothing else.

Rule 1: everything that decides which state may follow which, and which verb is allowed in which state, lives here.
Rule 2: this file knows nothing of what any kind of job does.

`TRANSITIONS` has a row for every state, also for those that nothing leads out of, so that what is forbidden is as
visible as what is allowed. The same holds for `VERBS`. 20 transitions and 31 cells of verbs are allowed; every other
transition is a bug of the implementation, every other verb an error for whoever asked.

Source: facts 5c, rows QV-1 to QV-8.
"""

from __future__ import annotations

import enum


class JobState(enum.StrEnum):
    """Where a job is in its life, in QEMU's words. ``undefined`` is never visible."""

    UNDEFINED = "undefined"
    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    READY = "ready"
    STANDBY = "standby"
    WAITING = "waiting"
    PENDING = "pending"
    ABORTING = "aborting"
    CONCLUDED = "concluded"
    NULL = "null"


class JobVerb(enum.StrEnum):
    """What a user may ask of a job, in QEMU's words."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    SET_SPEED = "set-speed"
    COMPLETE = "complete"
    FINALIZE = "finalize"
    DISMISS = "dismiss"
    CHANGE = "change"


_S = JobState

TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    _S.UNDEFINED: frozenset({_S.CREATED}),
    _S.CREATED: frozenset({_S.RUNNING, _S.ABORTING, _S.NULL}),
    _S.RUNNING: frozenset({_S.PAUSED, _S.READY, _S.WAITING, _S.ABORTING}),
    _S.PAUSED: frozenset({_S.RUNNING}),
    _S.READY: frozenset({_S.STANDBY, _S.WAITING, _S.ABORTING}),
    _S.STANDBY: frozenset({_S.READY}),
    _S.WAITING: frozenset({_S.PENDING, _S.ABORTING}),
    _S.PENDING: frozenset({_S.ABORTING, _S.CONCLUDED}),
    _S.ABORTING: frozenset({_S.ABORTING, _S.CONCLUDED}),
    _S.CONCLUDED: frozenset({_S.NULL}),
    _S.NULL: frozenset(),
}

_STARTED_AND_UNDECIDED = frozenset({_S.CREATED, _S.RUNNING, _S.PAUSED, _S.READY, _S.STANDBY})

VERBS: dict[JobVerb, frozenset[JobState]] = {
    JobVerb.CANCEL: _STARTED_AND_UNDECIDED | {_S.WAITING, _S.PENDING},
    JobVerb.PAUSE: _STARTED_AND_UNDECIDED,
    JobVerb.RESUME: _STARTED_AND_UNDECIDED,
    JobVerb.SET_SPEED: _STARTED_AND_UNDECIDED,
    JobVerb.COMPLETE: frozenset({_S.READY, _S.STANDBY}),
    JobVerb.FINALIZE: frozenset({_S.PENDING}),
    JobVerb.DISMISS: frozenset({_S.CONCLUDED}),
    JobVerb.CHANGE: _STARTED_AND_UNDECIDED,
}
