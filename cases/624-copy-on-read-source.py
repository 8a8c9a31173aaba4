"""624-copy-on-read-source: sync=top from a filter that fills the source copies what the source holds and no more.

Groups: chains quick
Needs: driver=copy-on-read driver=qcow2
Source: 041-Q-cor
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    base = bench.overlay("base", 1 * MIB)
    bench.guest(base).write(0, 512 * KIB, 0x11)
    bench.close_guest(base)
    top = bench.overlay("top", 1 * MIB, backing=base)
    bench.guest(top).write(512 * KIB, 512 * KIB, 0x22)
    bench.close_guest(top)
    bench.node("filling", "copy-on-read", file=top)
    guest = bench.guest("filling")
    target = bench.overlay("target", 1 * MIB)
    bench.mirror("filling", target, sync="top")
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain(target)
    bench.note("zeroes where the backing file would have been")
    guest.read(0, 1 * MIB)
    bench.note("the filter fills the image below it when it is read")
    bench.mirror("target", bench.overlay("second", 1 * MIB), sync="none")
    bench.execute("job-cancel", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    reader = bench.guest("filling")
    reader.read(0, 64 * KIB)
