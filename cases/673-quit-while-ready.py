"""673-quit-while-ready: a program that is told to quit cancels a ready mirror and does not complete it.

Groups: job quit active quick
Needs: quit copy-mode=write-blocking
Source: A14, BF-16
"""

from harness.bench import Bench
from harness.units import KIB


def run(bench: Bench) -> None:
    bench.hide_pauses("every version drains in its own way when it quits")
    source, target = bench.disk("source", 256 * KIB, 0x11), bench.disk("target", 256 * KIB)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-blocking")
    bench.wait_event("BLOCK_JOB_READY")
    guest.write(64 * KIB, 4 * KIB, 0x22)
    bench.close_guest(source)
    bench.quit()
    bench.require_equal(source, target)
