"""336-change-to-active: a job that is changed to write-blocking becomes actively synced once what is dirty is copied.

Writes of before stay the background's; a write of after is on the target when the guest is answered, while older ones
are still on their way. The length of the job grows by what has to be copied once more, and by each active write of
after the change. Nothing is drained for that, and nobody sleeps.

Groups: active held quick
Needs: copy-mode=write-blocking block-job-change query-block-jobs:actively-synced
Source: CM-1, GAP-08, GAP-09, QS-16, BF-22
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    guest = bench.guest(source)

    def show_synced() -> None:
        bench.say(f"actively-synced: {bench.job()['actively-synced']}")

    bench.mirror(source, target)
    bench.wait_event("BLOCK_JOB_READY")
    show_synced()
    bench.note("background: the copies of these are held")
    # A job that has copies under way and nothing left to copy waits for one of them before it looks again, so it must
    # not look before all four are dirty.
    bench.execute("job-pause", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="standby")
    target.hold("write", offset=0, length=512 * KIB)
    for number in range(4):
        guest.write(number * 2 * GRANULE, 512, 0x22)
    bench.execute("job-resume", id="job0")
    target.wait_held(4)
    show_synced()
    bench.show_progress()

    bench.note("while they are under way")
    bench.execute("block-job-change", id="job0", type="mirror", copy_mode="write-blocking")
    guest.write(12 * GRANULE, 512, 0x33)
    target.show_byte(12 * GRANULE)
    show_synced()
    bench.show_progress()
    bench.note("the same once more changes nothing")
    bench.execute("block-job-change", id="job0", type="mirror", copy_mode="write-blocking")
    target.let_everything_pass()
    bench.wait_until(lambda: bool(bench.job()["actively-synced"]), "the job to be actively synced")
    show_synced()
    bench.require_equal(source, target)

    bench.execute("job-pause", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="standby")
    show_synced()
    guest.write(14 * GRANULE, 512, 0x44)
    bench.require_equal(source, target)
    bench.execute("block-job-cancel", device="job0", force=True)
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)

    bench.note("false again after an error that is ignored, and true once the granule has been copied")
    bench.mirror(source, target, copy_mode="write-blocking", on_target_error="ignore")
    bench.wait_event("BLOCK_JOB_READY")
    bench.wait_until(lambda: bool(bench.job()["actively-synced"]), "the job to be actively synced")
    rule = target.hold("write", offset=3 * GRANULE, length=GRANULE)
    request = guest.start_write(3 * GRANULE, 512, 0x55)
    (held,) = target.wait_held()
    target.release(held, "EIO")
    request.wait()
    show_synced()
    bench.wait_until(lambda: len(target.storage.held) == 1, "the granule to be copied")
    show_synced()
    target.let_go(rule)
    target.release_all()
    bench.wait_until(lambda: bool(bench.job()["actively-synced"]), "the job to be actively synced")
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
