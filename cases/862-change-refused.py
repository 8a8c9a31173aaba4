"""862-change-refused: a change of a job's options that is refused is refused in QEMU's words and changes nothing.

A missing or unknown argument, a value that there is not, a type that is not the job's, a good option before a bad one;
in each state; by the generic command and by `block-job-change`; and any change of a job that is about to end, is over,
or is of a kind that has nothing to change. That nothing was changed is seen by what becomes of a write and of an error.

Groups: modes switch qmp
Needs: job-change copy-mode=write-async blockdev-reopen driver=qcow2
Source: TD-1, QS-16, QS-17, QV-8, GAP-08
"""

from typing import Any

from harness.bench import Bench
from harness.disk import Disk
from harness.guest import Guest
from harness.job_course import ALLOWED_IN, GRANULE, LASTING_STATES, leave, reach, show_state
from harness.units import MIB

BAD: tuple[dict[str, Any], ...] = (
    {"type": "mirror"},
    {"id": "job0"},
    {"id": "job0", "type": "bogus"},
    {"id": "job0", "type": "mirror", "copy-mode": "bogus"},
    {"id": "job0", "type": "mirror", "copy-mode": "WRITE-ASYNC"},
    {"id": "job0", "type": "mirror", "copy-mode": None},
    {"id": "job0", "type": "mirror", "speed": "1"},
    {"id": "job0", "type": "mirror", "on-target-error": "explode"},
    {"id": "job0", "type": "mirror", "copy-mode": "background", "bogus": 1},
)
"""Refused whatever the job does: no job is asked."""

BAD_FOR_THE_JOB: tuple[dict[str, Any], ...] = (
    {"id": "job0", "type": "commit", "copy-mode": "background", "on-target-error": "ignore"},
    {"id": "job0", "type": "mirror", "copy-mode": "background", "on-target-error": "ignore", "speed": -1},
)


def run(bench: Bench) -> None:
    source, target = bench.disk("source", 4 * GRANULE, 0x11), bench.disk("target", 4 * GRANULE)
    bench.note("bad arguments")
    reach(bench, "ready", source, target, copy_mode="write-async", on_target_error="stop")
    for arguments in BAD:
        bench.execute("job-change", arguments)
    for arguments in ({"copy-mode": "bogus"}, {"type": "commit", "copy-mode": "background"}, {}):
        bench.execute("block-job-change", {"id": "job0", "type": "mirror"} | arguments)
    leave(bench, source)

    for state in LASTING_STATES:
        bench.note(f"in {state}")
        reach(bench, state, source, target, copy_mode="write-async", on_target_error="stop")
        for arguments in BAD_FOR_THE_JOB:
            bench.execute("job-change", arguments)
        if state not in ALLOWED_IN["change"]:
            bench.execute("job-change", id="job0", type="mirror", copy_mode="background")
            bench.execute("block-job-change", id="job0", type="mirror", copy_mode="background")
        show_state(bench)
        leave(bench, source)

    bench.note("what was refused has changed nothing")
    guest = bench.guest(source)
    reach(bench, "ready", source, target, copy_mode="write-async", on_target_error="stop")
    for arguments in BAD_FOR_THE_JOB:
        bench.execute("job-change", arguments)
    show_options(bench, guest, target)
    leave(bench, source)

    bench.note("a job that is over, one that there never was, and one of another kind")
    bench.execute("job-change", id="job0", type="mirror", copy_mode="background")
    bench.execute("block-job-change", id="job0", type="mirror", copy_mode="background")
    base = bench.overlay("base", 1 * MIB)
    top = bench.overlay("top", 1 * MIB, backing=base)
    bench.execute("block-commit", job_id="job0", device=top)
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-change", id="job0", type="commit", copy_mode="write-async")
    bench.execute("job-change", id="job0", type="mirror", copy_mode="write-async")
    bench.execute("block-job-change", id="job0", type="mirror", copy_mode="write-async")
    leave(bench, source)


def show_options(bench: Bench, guest: Guest, target: Disk) -> None:
    """The mode by a write that is answered while the target has it not; the policy by what its error does."""
    target.hold("write")
    guest.write(0, GRANULE, 0x22)
    (request,) = target.wait_held()
    target.release(request, "EIO")
    bench.wait_event("JOB_STATUS_CHANGE", status="standby")
    target.let_everything_pass()
    bench.execute("job-resume", id="job0")
    bench.wait_until(lambda: bench.dirty_bytes() == 0 and len(set(bench.progress())) == 1, "the disks to be equal")
