"""326-second-writer: what is written above the filter is mirrored; what is written below it is not, and nobody notices.

Two users write to the source of an active mirror. One came to the filter; the other came to the source itself while the
job was there already, and so sits below the filter. No permission keeps the second out: guests share writing. What it
writes shows through the filter at once but is not dirty, so the job completes and the target has not got it; only where
the first user writes over it afterwards are the disks equal again. On completion both users are moved to the target.
That after READY nothing is ever missing holds for guests that came before the job, or to the filter.

A node in the place of the second user is no way in before the job: a source with a node above it is refused.

Groups: active quick
Needs: copy-mode=write-blocking
Source: GAP-06
"""

from harness.bench import Bench
from harness.guest import describe_data
from harness.units import KIB, MIB, format_bytes

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    bench.hide_pauses("every user that comes may make the job pause")
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    bench.note("a node above the source")
    bench.node("between", "raw", file="source")
    bench.mirror(source, target, copy_mode="write-blocking")
    bench.execute("blockdev-del", node_name="between")

    bench.note("one user below the filter, one at it")
    bench.mirror(source, target, copy_mode="write-blocking", filter_node_name="filter")
    bench.wait_event("BLOCK_JOB_READY")
    below = bench.guest(source)
    above = bench.guest("filter")
    bench.note("above: mirrored")
    above.write(0, 512, 0x22)
    bench.show_progress()
    bench.require_equal(source, target)
    bench.note("below: not mirrored, not dirty, and seen from above")
    below.write(4 * GRANULE, 512, 0x33)
    below.write(8 * GRANULE, 512, 0x33)
    bench.show_progress()
    bench.compare(source, target)
    above.read(4 * GRANULE, GRANULE)
    bench.note("above again, beside what was written below: the disks still differ")
    above.write(4 * GRANULE + 512, 512, 0x44)
    bench.show_progress()
    bench.compare(source, target)
    bench.note("over it: equal there")
    above.write(8 * GRANULE, GRANULE, 0x55)
    bench.show_progress()
    for offset in (4 * GRANULE, 8 * GRANULE):
        for disk in (source, target):
            data = disk.storage.read_bytes(offset, 1024)
            bench.say(f"{disk.name} has {describe_data(data)} at {format_bytes(offset)}")

    bench.note("the job completes, and both users see the target")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_graph()
    for guest in (above, below):
        guest.read(4 * GRANULE, GRANULE)
    below.write(12 * GRANULE, 512, 0x66)
    above.read(12 * GRANULE, 512)
