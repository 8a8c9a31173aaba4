"""325-forced-cancel-under-way: a forced cancel comes while a write is on its way to the source.

That write may reach the target or not, and the guest is answered in either case. QEMU 7.2
and 10.0 do not always survive this (docs/findings.md, F1), so it asks for what came with 10.1.

Groups: active held quick
Needs: copy-mode=write-blocking blockdev-mirror.target-is-zero
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
    source.hold("write")
    request = guest.start_write(5 * GRANULE, 512, 0x33)
    source.wait_held()
    pending = bench.start_execute("block-job-cancel", device="job0", force=True)
    source.let_everything_pass()
    bench.finish(pending)
    request.wait()
    bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
    bench.note("what was acknowledged before is there, what comes now is not")
    bench.say(f"target has 0x{target.storage.read_bytes(GRANULE, 1)[0]:02x} at 64k")
    bench.say(f"target has 0x{target.storage.read_bytes(3 * GRANULE, 1)[0]:02x} at 192k")
    guest.write(7 * GRANULE, 512, 0x44)
    guest.read(7 * GRANULE, 512)
    bench.say(f"target has 0x{target.storage.read_bytes(7 * GRANULE, 1)[0]:02x} at 448k")
