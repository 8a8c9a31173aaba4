"""324-forced-cancel: a forced cancel takes back nothing that was acknowledged; later writes reach the source only.

It comes while nothing is under way.

Groups: active held quick
Needs: copy-mode=write-blocking
Source: GAP-04, QE-03, BF-18, C27, TP-03
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-blocking")
    bench.wait_event("BLOCK_JOB_READY")
    guest.write(GRANULE, 512, 0x22)
    guest.zero(3 * GRANULE, 512)
    bench.execute("block-job-cancel", device="job0", force=True)
    bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
    bench.note("what was acknowledged before is there, what comes now is not")
    bench.say(f"target has 0x{target.storage.read_bytes(GRANULE, 1)[0]:02x} at 64k")
    bench.say(f"target has 0x{target.storage.read_bytes(3 * GRANULE, 1)[0]:02x} at 192k")
    guest.write(7 * GRANULE, 512, 0x44)
    guest.read(7 * GRANULE, 512)
    bench.say(f"target has 0x{target.storage.read_bytes(7 * GRANULE, 1)[0]:02x} at 448k")
