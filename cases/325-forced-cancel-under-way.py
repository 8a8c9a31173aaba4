"""325-forced-cancel-under-way: a forced cancel comes while a write is on its way to the source.

That write may reach the target or not, and the guest is answered in either case. QEMU 7.2
and 10.0 do not always survive this (docs/findings.md, F1), so it asks for what came with 10.1.

Groups: active held quick
Needs: copy-mode=write-blocking blockdev-mirror.target-is-zero
Source: GAP-04, QE-03, BF-18, C27, TP-03
"""

from harness.bench import Bench
from harness.forced_cancel import GRANULE, mirror_with_acknowledged_writes, show_what_is_left


def run(bench: Bench) -> None:
    source, target, guest = mirror_with_acknowledged_writes(bench)
    source.hold("write")
    request = guest.start_write(5 * GRANULE, 512, 0x33)
    source.wait_held()
    pending = bench.start_execute("block-job-cancel", device="job0", force=True)
    source.let_everything_pass()
    bench.finish(pending)
    request.wait()
    show_what_is_left(bench, target, guest)
