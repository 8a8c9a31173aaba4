"""860-switching: any mode can be left for any other at any moment, and nothing that was acknowledged is lost by it.

For each pair of modes: one write is under way in the first mode, and kept there, when the switch comes; another starts
after it; then both end. The disks become equal, and actively-synced comes back in all modes but one.

Groups: modes switch held
Needs: job-change copy-mode=write-async
Source: TD-1, QS-16, QS-17, GAP-08
"""

from harness.bench import Bench
from harness.disk import Disk
from harness.guest import Guest, show_all
from harness.units import KIB

GRANULE = 64 * KIB
MODES = ("background", "write-blocking", "write-async", "read-write-blocking")


def run(bench: Bench) -> None:
    source = bench.disk("source", 8 * GRANULE, 0x11)
    target = bench.disk("target", 8 * GRANULE)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode=MODES[0])
    bench.wait_event("BLOCK_JOB_READY")
    for first in MODES:
        for second in MODES:
            if second != first:
                switch(bench, source, target, guest, first, second)

    bench.note("values that there are not, and a job that is over")
    bench.execute("job-change", id="job0", type="mirror", copy_mode="bogus")
    bench.execute("job-change", id="job0", type="commit", copy_mode="background")
    bench.execute("job-change", id="job0", type="mirror", copy_mode="background", speed=-1)
    bench.say(f"actively-synced {bench.job()['actively-synced']}, so nothing of the last was done")
    bench.execute("job-change", id="nope", type="mirror")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.execute("job-change", id="job0", type="mirror", copy_mode="background")
    bench.require_equal(source, target)


def switch(bench: Bench, source: Disk, target: Disk, guest: Guest, first: str, second: str) -> None:
    """One write before the switch and one after it, under way together; overlapping ones."""
    bench.note(f"{first} to {second}")
    bench.query("job-change", {"id": "job0", "type": "mirror", "copy-mode": first})
    wait_for_copies(bench)
    source.storage.hold("write")
    target.storage.hold("write")
    before = guest.start_write(GRANULE, 2 * GRANULE, 0x20 + MODES.index(first))
    bench.query("job-change", {"id": "job0", "type": "mirror", "copy-mode": second})
    after = guest.start_write(2 * GRANULE, 2 * GRANULE, 0x30 + MODES.index(second))
    source.storage.release_all()
    bench.settle()
    show_all([before, after])
    for disk in (source, target):
        # Not told: in background mode a copy may have begun, whenever its time comes.
        disk.storage.clear_rules()
        disk.storage.release_all()
    before.wait()
    after.wait()
    wait_for_copies(bench)
    bench.require_equal(source, target)
    bench.say(f"actively-synced {bench.job()['actively-synced']}")
    bench.query("job-change", {"id": "job0", "type": "mirror", "copy-mode": MODES[1]})
    bench.wait_until(lambda: bool(bench.job()["actively-synced"]), "actively-synced")


def wait_for_copies(bench: Bench) -> None:
    """Until nothing is dirty and nothing is being copied."""
    bench.wait_until(lambda: bench.dirty_bytes() == 0 and len(set(bench.progress())) == 1, "the disks to be equal")
