"""672-quit-while-copying: a program that is told to quit amid a mirror cancels it, and is gone before it is copied.

Groups: job quit quick
Needs: quit
Source: 185-2, 218-5
"""

from harness.bench import Bench
from harness.units import KIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    bench.hide_pauses("every version drains in its own way when it quits")
    bench.hide_event_members("offset", reason="a drained job that is limited copies on in some versions")
    source, target = bench.disk("source", 16 * GRANULE, 0x11), bench.disk("target", 16 * GRANULE)
    bench.mirror(source, target, speed=1, buf_size=GRANULE)
    bench.wait_until(lambda: bench.progress()[0] == GRANULE, "the first granule")
    bench.quit()
    copied = source.storage.first_difference(target.storage) is None
    bench.say(f"the target is {'whole' if copied else 'not whole'}")
