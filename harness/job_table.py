"""What there is to be seen of a job's life: its states, transitions, verbs and events, and what of it nobody can see.

These are the harness's own words for what every implementation has to do; a test sees that the reference agrees.
Source: rows QV-1 to QV-8, QS-04, QS-05.
"""

from __future__ import annotations

STATES = (
    "undefined",
    "created",
    "running",
    "paused",
    "ready",
    "standby",
    "waiting",
    "pending",
    "aborting",
    "concluded",
)

LASTING_STATES = ("running", "paused", "ready", "standby", "pending", "concluded")
"""The states in which a job waits for somebody, in the order in which a life passes through them."""

VERBS = ("cancel", "pause", "resume", "set-speed", "complete", "finalize", "dismiss", "change")

ALLOWED_IN: dict[str, tuple[str, ...]] = {
    "cancel": ("running", "paused", "ready", "standby", "pending"),
    "pause": ("running", "ready"),
    "resume": ("paused", "standby"),
    "set-speed": ("running", "paused", "ready", "standby"),
    "complete": ("ready", "standby"),
    "finalize": ("pending",),
    "dismiss": ("concluded",),
    "change": ("running", "paused", "ready", "standby"),
}
"""Where a verb does something, of the lasting states. Pausing twice and resuming what runs are refused by another rule
than the table of verbs (QS-04, QS-05)."""

NEEDED_FOR_VERB = {"change": "block-job-change"}
"""The feature without which a verb has no command."""

TRANSITIONS = frozenset(
    {
        ("undefined", "created"),
        *(("created", state) for state in ("running", "aborting", "null")),
        *(("running", state) for state in ("paused", "ready", "waiting", "aborting")),
        ("paused", "running"),
        *(("ready", state) for state in ("standby", "waiting", "aborting")),
        ("standby", "ready"),
        *(("waiting", state) for state in ("pending", "aborting")),
        *(("pending", state) for state in ("aborting", "concluded")),
        *(("aborting", state) for state in ("aborting", "concluded")),
        ("concluded", "null"),
    }
)

EVENTS = (
    "JOB_STATUS_CHANGE",
    "BLOCK_JOB_READY",
    "BLOCK_JOB_COMPLETED",
    "BLOCK_JOB_CANCELLED",
    "BLOCK_JOB_ERROR",
    "BLOCK_JOB_PENDING",
)

NEEDED_FOR_TRANSITION = {("running", "waiting"): "block-stream"}
"""The feature without which no job takes a transition: a mirror, or an active commit, is ready before it ends."""

HIDDEN_STATES = {
    "undefined": "a job is in it before it has an id",
    "created": "a mirror is started before the command that makes it is answered",
    "waiting": "a job that is alone is pending at once",
    "aborting": "a job concludes before anybody can say anything",
}
"""States in which no verb can be said, and why."""

HIDDEN_TRANSITIONS = {
    ("created", "aborting"): "a mirror is never cancelled before it is started",
    ("waiting", "aborting"): "only a transaction's other jobs can do that, and no mirror is in one",
    ("aborting", "aborting"): "it is no change, so there is no event",
}
"""Transitions that no event can show, and why."""

ACCEPTED, REFUSED = "accepted", "refused"

CELLS = {
    (state, verb): ACCEPTED if state in ALLOWED_IN[verb] else REFUSED
    for state in (*LASTING_STATES, "null")
    for verb in VERBS
}
"""What every verb comes to in every state in which it can be said; ``null`` is that of a job that is not there."""
