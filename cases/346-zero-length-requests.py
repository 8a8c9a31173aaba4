"""346-zero-length-requests: a request of no bytes is answered, wherever it is, and changes nothing.

In a dirty granule, in a clean one, between two, at the end of the disk; before READY and after: it cleans and marks
nothing and counts as no progress. Inside a granule on which another active write is under way a write of no bytes waits
for that one's end, for it lies in the granule; at the border of the granule it lies in none and waits for nobody. No
disk ever hears of it.

Groups: active held quick
Needs: copy-mode=write-blocking
Source: GAP-12, BF-03
"""

from harness.bench import Bench
from harness.guest import Guest
from harness.units import KIB

GRANULE = 64 * KIB
LENGTH = 16 * GRANULE


def run(bench: Bench) -> None:
    source = bench.disk("source", LENGTH, 0x11)
    target = bench.disk("target", LENGTH)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-blocking", speed=1, buf_size=GRANULE)
    bench.show_progress()
    bench.note("before READY: a clean granule, a dirty one, between two, the end")
    for offset in (512, 4 * GRANULE + 512, 8 * GRANULE, LENGTH):
        ask_for_nothing(guest, offset)
    bench.show_progress()
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    bench.show_progress()

    bench.note("after READY")
    for offset in (512, LENGTH):
        ask_for_nothing(guest, offset)
    bench.show_progress()
    bench.note("while a write is on its way to the source, then to the target")
    for disk in (source, target):
        rule = disk.hold("write")
        request = guest.start_write(2 * GRANULE, GRANULE, 0x22)
        (held,) = disk.wait_held()
        guest.write(2 * GRANULE, 0, 0x33)
        inside = guest.start_write(2 * GRANULE + 512, 0, 0x33)
        disk.let_go(rule)
        disk.release(held)
        request.wait()
        inside.wait()
    bench.show_progress()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)


def ask_for_nothing(guest: Guest, offset: int) -> None:
    guest.write(offset, 0, 0x33)
    guest.write(offset, 0, 0x33, fua=True)
    guest.zero(offset, 0)
    guest.discard(offset, 0)
    guest.read(offset, 0)
