"""675-quit-during-a-commit: a program that is told to quit cancels an active commit, be it started or ready.

Groups: job quit commit quick
Needs: quit block-commit driver=qcow2
Source: 185-1, 185-4, QSDJ-1
"""

from harness.bench import Bench
from harness.units import KIB


def run(bench: Bench) -> None:
    bench.hide_pauses("every version drains in its own way when it quits")
    base = bench.overlay("base", 256 * KIB)
    bench.guest(base).write(0, 256 * KIB, 0x11)
    bench.close_guest(base)
    top = bench.overlay("top", 256 * KIB, backing=base)
    bench.guest(top).write(64 * KIB, 64 * KIB, 0x22)
    bench.close_guest(top)
    bench.execute("block-commit", job_id="job0", device=top)
    bench.wait_event("BLOCK_JOB_READY")
    bench.quit()
