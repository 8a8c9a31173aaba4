"""322-commands-meanwhile: whatever is done to the job while active writes are under way, none of them is lost.

Pause, resume, set-speed, complete, soft cancel and forced cancel, each sent while two writes are on their way, one to
the source and one to the target. A job that is to end waits for them; a forced cancel frees the guest of the target
only once the target has answered. Afterwards the target has all that was acknowledged before the command.

Groups: active held race quick
Needs: copy-mode=write-blocking
Source: GAP-04, 151-1, QE-02, QE-03, QE-08, QS-13, BF-10, BF-18
"""

from harness.bench import Bench
from harness.guest import show_all
from harness.units import KIB, MIB

GRANULE = 64 * KIB

COMMANDS: dict[str, tuple[str, dict[str, object]]] = {
    "pause": ("job-pause", {"id": "job0"}),
    "set-speed": ("block-job-set-speed", {"device": "job0", "speed": 1 * MIB}),
    "complete": ("job-complete", {"id": "job0"}),
    "soft-cancel": ("block-job-cancel", {"device": "job0"}),
    "standby-complete": ("job-complete", {"id": "job0"}),
}


def run(bench: Bench) -> None:
    for name, (command, arguments) in COMMANDS.items():
        bench.note(name)
        source = bench.disk(f"source-{name}", 1 * MIB, 0x11)
        target = bench.disk(f"target-{name}", 1 * MIB)
        guest = bench.guest(source)
        bench.mirror(source, target, copy_mode="write-blocking")
        bench.wait_event("BLOCK_JOB_READY")
        if name == "standby-complete":
            bench.execute("job-pause", id="job0")
            bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="standby")
        source.hold("write", offset=0, length=GRANULE)
        target.hold("write", offset=4 * GRANULE, length=GRANULE)
        requests = [guest.start_write(0, GRANULE, 0x22), guest.start_write(4 * GRANULE, 512, 0x33)]
        source.wait_held()
        target.wait_held()
        pending = bench.start_execute(command, arguments)
        source.let_everything_pass()
        show_all(requests)
        target.let_everything_pass()
        bench.finish(pending)
        for request in requests:
            request.wait()
        if name == "pause":
            bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="standby")
            bench.note("and while it stands by")
            target.hold("write")
            request = guest.start_write(8 * GRANULE, 512, 0x44)
            target.wait_held()
            bench.execute("job-resume", id="job0")
            target.let_everything_pass()
            request.wait()
        if name == "standby-complete":
            bench.execute("job-resume", id="job0")
        bench.require_equal(source, target)
        if name in ("pause", "set-speed"):
            bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
        bench.require_equal(source, target)
