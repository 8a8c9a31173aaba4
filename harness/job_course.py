"""Takes a mirror to a state in which it stays, and out of it again.

Six states can be looked at from outside: in all others a job only passes through. What a case wants to try in a state
begins with `reach`, which prints all that it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.bench import JOB_ID, Bench
from harness.disk import Disk
from harness.errors import CaseError
from harness.implementations.base import Event
from harness.job_table import ALLOWED_IN, LASTING_STATES
from harness.units import KIB

__all__ = [
    "ALLOWED_IN",
    "GRANULE",
    "LASTING_STATES",
    "VERB_COMMANDS",
    "course",
    "leave",
    "pause_at_a_read",
    "reach",
    "show_state",
    "until",
]

GRANULE = 64 * KIB

VERB_COMMANDS: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "cancel": (
        ("job-cancel", {"id": JOB_ID}),
        ("block-job-cancel", {"device": JOB_ID}),
        ("block-job-cancel", {"device": JOB_ID, "force": True}),
    ),
    "pause": (("job-pause", {"id": JOB_ID}), ("block-job-pause", {"device": JOB_ID})),
    "resume": (("job-resume", {"id": JOB_ID}), ("block-job-resume", {"device": JOB_ID})),
    "set-speed": (("block-job-set-speed", {"device": JOB_ID, "speed": 1 << 40}),),
    "complete": (("job-complete", {"id": JOB_ID}), ("block-job-complete", {"device": JOB_ID})),
    "finalize": (("job-finalize", {"id": JOB_ID}), ("block-job-finalize", {"id": JOB_ID})),
    "dismiss": (("job-dismiss", {"id": JOB_ID}), ("block-job-dismiss", {"id": JOB_ID})),
    "change": (("block-job-change", {"id": JOB_ID, "type": "mirror", "copy-mode": "write-blocking"}),),
}
"""Every verb with the commands that say it."""


def reach(bench: Bench, state: str, source: Disk, target: Disk, **options: Any) -> None:
    """Start a mirror and take it to a state in which it stays until it is asked to go on.

    Before READY the copy is frozen by holding its reads, so one is on hold in ``running``.

    :raise CaseError: when a job never stays in that state.
    """
    if state not in LASTING_STATES:
        raise CaseError(f"a job never stays in state '{state}'")
    if state in ("running", "paused"):
        source.hold("read")
        bench.mirror(source, target, buf_size=GRANULE, **options)
        (read,) = source.wait_held()
        if state == "paused":
            bench.execute("job-pause", id=JOB_ID)
            source.release(read)
            bench.wait_event("JOB_STATUS_CHANGE", status="paused")
        return
    manual = {"pending": {"auto_finalize": False}, "concluded": {"auto_dismiss": False}}.get(state, {})
    bench.mirror(source, target, **manual, **options)
    bench.wait_event("BLOCK_JOB_READY")
    if state == "standby":
        # Up to 5.2 a job that sleeps pauses when it wakes up.
        bench.execute("job-pause", id=JOB_ID)
        bench.wait_event("JOB_STATUS_CHANGE", status="standby")
    elif state != "ready":
        bench.execute("job-complete", id=JOB_ID)
        bench.wait_event("JOB_STATUS_CHANGE", status=state)


def pause_at_a_read(bench: Bench, source: Disk) -> None:
    """Pause a job that waits for a read, end the read, print twice how far it is, and have the job go on."""
    (read,) = source.wait_held()
    bench.execute("block-job-pause", device=JOB_ID)
    source.release(read)
    bench.wait_event("JOB_STATUS_CHANGE", status="paused")
    bench.show_progress()
    bench.show_progress()
    bench.execute("block-job-resume", device=JOB_ID)


def leave(bench: Bench, source: Disk) -> None:
    """End the job, if there is one, whatever state it is in, and say that nothing is left."""
    status = bench.job().get("status")
    if status in ("running", "paused"):
        # What a cancelled job still copies differs; one that is ready has nothing to copy.
        source.let_everything_pass()
        if status == "paused":
            bench.execute("job-resume", id=JOB_ID)
        bench.wait_until(lambda: bench.job().get("status") in ("ready", None), "READY, or the end of a cancelled job")
        status = bench.job().get("status")
    source.storage.clear_rules()
    if status == "concluded":
        bench.execute("job-dismiss", id=JOB_ID)
    elif status is not None:
        bench.execute("job-cancel", id=JOB_ID)
    if status is not None:
        bench.wait_until(lambda: not bench.query("query-jobs"), "the job to be gone")
    bench.say(f"jobs left: {bench.query('query-jobs')}")


def show_state(bench: Bench) -> None:
    """One line: status, progress and speed, or that there is no job."""
    info = bench.job()
    if not info:
        bench.say("there is no job")
        return
    words = [info["status"], f"{info['offset']}/{info['len']}", f"speed {info['speed']}"]
    words += [word for word in ("paused", "ready") if info[word]]
    if "error" in info:
        words.append(f"error {info['error']}")
    bench.say(f"job {', '.join(words)}")


def until(bench: Bench, wanted: dict[str, str], before: Sequence[Event] = ()) -> list[Event]:
    """Let time pass until each job has been in a state; return the events that came."""
    came: list[Event] = []

    def reached() -> bool:
        came.extend(bench.skip_events())
        return all(state in course([*before, *came], job_id) for job_id, state in wanted.items())

    bench.wait_until(reached, f"{wanted}")
    return came


def course(events: Sequence[Event], job_id: str) -> list[str]:
    """What a job went through, without the moments in which it was drained."""
    words: list[str] = []
    for event in events:
        if job_id not in (event.data.get("id"), event.data.get("device")):
            continue
        word = event.data["status"] if event.name == "JOB_STATUS_CHANGE" else event.name
        if word in ("ready", "running") and words and words[-1] in ("standby", "paused"):
            words.pop()
        else:
            words.append(word)
    return words
