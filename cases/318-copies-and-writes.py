"""318-copies-and-writes: a guest's write waits for a copy of the same granule, and a copy for a guest's write.

A copy is held while it reads, then while it writes; guests' writes into its granules, next to it and across its border
come meanwhile. Then a guest's write is held, and the copy must go around it. Nobody else waits.

Groups: active held race quick
Needs: copy-mode=write-blocking
Source: GAP-10, BF-14, real-qemu D7, 151-4
"""

from harness.bench import Bench
from harness.guest import show_all
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    for operation, disk_name in (("read", "source"), ("write", "target")):
        bench.note(f"a copy that is held while it {operation}s")
        source = bench.disk(f"source-{operation}", 1 * MIB, 0x11)
        target = bench.disk(f"target-{operation}", 1 * MIB, 0x99)
        guest = bench.guest(source)
        held_disk = source if disk_name == "source" else target
        rule = held_disk.hold(operation, count=1)
        bench.mirror(source, target, copy_mode="write-blocking", speed=1, buf_size=GRANULE)
        (copy,) = held_disk.wait_held()
        requests = [
            guest.start_write(0, GRANULE, 0x22),
            guest.start_write(512, 512, 0x33),
            guest.start_write(GRANULE - 512, 1024, 0x44),
            guest.start_write(GRANULE, GRANULE, 0x55),
            guest.start_write(2 * GRANULE, GRANULE, 0x66),
        ]
        show_all(requests)
        held_disk.release(copy)
        rule.remove()
        show_all(requests)
        guest.read(0, 3 * GRANULE)
        bench.show_progress()

        bench.note("a guest's write that is held while the rest is copied")
        target.hold("write", offset=8 * GRANULE, length=GRANULE)
        requests = [guest.start_write(8 * GRANULE, GRANULE, 0x70)]
        target.wait_held()
        bench.execute("block-job-set-speed", device="job0", speed=0)
        bench.wait_until(lambda: bench.dirty_bytes() == 0, "everything else to be copied")
        show_all(requests)
        target.let_everything_pass()
        bench.wait_event("BLOCK_JOB_READY")
        for request in requests:
            request.wait()
        bench.require_equal(source, target)
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
        bench.require_equal(source, target)
