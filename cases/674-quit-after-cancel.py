"""674-quit-after-cancel: a soft cancel amid the copy and then to quit are both answered, and the program is gone.

Groups: job quit quick
Needs: quit
Source: 255-2, 185-2
"""

from harness.bench import Bench
from harness.units import KIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    bench.hide_pauses("every version drains in its own way when it quits")
    source, target = bench.disk("source", 16 * GRANULE, 0x11), bench.disk("target", 16 * GRANULE)
    bench.mirror(source, target, speed=1, buf_size=GRANULE)
    bench.wait_until(lambda: bench.progress()[0] == GRANULE, "the first granule")
    bench.execute("block-job-cancel", device="job0", force=False)
    bench.quit()
