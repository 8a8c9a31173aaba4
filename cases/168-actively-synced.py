"""168-actively-synced: a job says whether source and target are equal and are kept so by every write.

Never in background mode; in active mode from READY on. A failed write to the target takes it back, until the background
copy has mended what was left out.

Groups: job active quick
Needs: query-block-jobs:actively-synced
Source: QQ-2, GAP-09, BF-22, QE-16
"""

from harness.bench import Bench
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 256 * KIB, 0x11)
    target = bench.disk("target", 256 * KIB)
    guest = bench.guest(source)
    for copy_mode in ("background", "write-blocking"):
        bench.mirror(source, target, copy_mode=copy_mode, speed=1, buf_size=64 * KIB, on_target_error="ignore")
        show(bench)
        bench.execute("block-job-set-speed", device="job0", speed=0)
        bench.wait_event("BLOCK_JOB_READY")
        show(bench)
        if copy_mode == "write-blocking":
            guest.write(0, 512, 0x22)
            show(bench)
            target.hold("write", offset=0, length=64 * KIB, count=2)
            failing = guest.start_write(0, 64 * KIB, 0x33)
            (write,) = target.wait_held()
            target.release(write, "EIO")
            failing.wait()
            # The copy that mends it comes after a while, and is held as well: until then, however long that takes, and
            # while it is under way the disks are not the same.
            show(bench)
            target.wait_held()
            show(bench)
            target.let_everything_pass()
            bench.wait_until(lambda: bench.dirty_bytes() == 0, "nothing to be dirty")
            bench.wait_until(lambda: bench.job()["actively-synced"], "it to be synced again")
            show(bench)
        bench.execute("job-cancel", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")


def show(bench: Bench) -> None:
    """The flag."""
    bench.say(f"actively-synced {bench.job()['actively-synced']}")
