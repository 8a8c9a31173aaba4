"""308-zeroes-and-discards: zeroes are mirrored like data, with and without unmap; discards never get through.

The filter is opened without unmap, so a discard succeeds and does nothing, even on disks that would take it. Before
the job and after it, it does what it says.

Groups: active quick
Needs: copy-mode=write-blocking
Source: GAP-03, A9, real-qemu D6
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    for unmap in (False, True):
        bench.note("disks that take discards" if unmap else "disks that take none")
        name = "unmap" if unmap else "plain"
        source = bench.disk(f"source-{name}", 1 * MIB, 0x11, unmap=unmap)
        target = bench.disk(f"target-{name}", 1 * MIB, unmap=unmap)
        guest = bench.guest(source)
        guest.discard(15 * GRANULE, GRANULE)
        guest.read(15 * GRANULE, 512)
        bench.mirror(source, target, copy_mode="write-blocking")
        bench.wait_event("BLOCK_JOB_READY")
        guest.discard(2 * GRANULE, GRANULE)
        guest.discard(4 * GRANULE + 512, 512)
        guest.read(2 * GRANULE, 512)
        guest.read(4 * GRANULE, 2048)
        for offset, length in ((GRANULE, GRANULE), (5 * GRANULE + 512, 1024), (8 * GRANULE - 1, 2)):
            for with_unmap in (False, True):
                guest.write(offset, length, 0x22)
                guest.zero(offset, length, unmap=with_unmap)
                bench.require_equal(source, target)
        bench.note("two of them under way at once")
        target.hold("zero")
        requests = [guest.start_zero(10 * GRANULE, GRANULE, unmap=unmap), guest.start_zero(12 * GRANULE, 512)]
        target.wait_held(2)
        guest.discard(10 * GRANULE, GRANULE)
        target.let_everything_pass()
        for request in requests:
            request.wait()
        bench.require_equal(source, target)
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
        bench.require_equal(source, target)
