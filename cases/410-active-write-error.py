"""410-active-write-error: a failed active write never fails for the guest; the policy decides the rest.

Groups: active error quick
Needs: copy-mode=write-blocking
Source: QE-14, QE-15, QE-16, QE-17, D5, 041-J-stop_write
"""

from harness.bench import Bench
from harness.units import KIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    for policy, error in (
        ("report", "EIO"),
        ("ignore", "EIO"),
        ("stop", "EIO"),
        ("enospc", "ENOSPC"),
        ("enospc", "EIO"),
    ):
        bench.note(f"on-target-error={policy}, {error}")
        fail_one_write(bench, f"{policy}-{error.lower()}", policy, error)


def fail_one_write(bench: Bench, name: str, policy: str, error: str) -> None:
    """One active write fails after READY, and the next one does not."""
    source = bench.disk(f"source-{name}", 4 * GRANULE, 0x11)
    target = bench.disk(f"target-{name}", 4 * GRANULE)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-blocking", on_target_error=policy)
    bench.wait_event("BLOCK_JOB_READY")
    target.fail("write", error)
    guest.write(GRANULE, GRANULE, 0x22)
    stops = policy == "stop" or (policy, error) == ("enospc", "ENOSPC")
    if stops:
        bench.wait_event("JOB_STATUS_CHANGE", status="standby")
        bench.show_job()
        bench.show_progress()
        bench.note("a job that stands by still mirrors what the guest writes")
        guest.write(0, 512, 0x33)
        bench.show_progress()
        bench.compare(source, target)
        bench.execute("job-resume", id="job0")
    elif policy != "ignore":
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.compare(source, target)
        guest.read(0, 4 * GRANULE)
        return
    bench.wait_until(lambda: bench.dirty_bytes() == 0 and len(set(bench.progress())) == 1, "nothing to be dirty")
    bench.show_progress()
    bench.show_job()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
