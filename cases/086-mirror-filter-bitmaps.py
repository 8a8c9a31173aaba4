"""086-mirror-filter-bitmaps: the filter that a mirror puts above the source can have bitmaps, and they go with it.

A bitmap of the filter records the guest writes that pass through it. One of the source has the same name and is another
one; neither node finds the other's by name. The mirror's own bitmap has no name, so that no command reaches it, not
even with the empty one. When the job has ended the filter is gone, and its bitmaps with it, without a word.

Groups: bitmap mirror quick
Needs: copy-mode=write-blocking block-dirty-bitmap-merge
Source: QQ-4, QQ-5, B18, BF-22
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    guest = bench.guest(source)
    below = bench.add_bitmap(source, "b", granularity=4 * KIB)
    guest.write(0, 1, 0x22)
    bench.mirror(source, target, copy_mode="write-blocking", speed=1, buf_size=GRANULE, filter_node_name="filter")

    bench.note("the source's is not the filter's")
    bench.dirty_bitmap("filter", "b").clear()
    above = bench.add_bitmap("filter", "b", granularity=4 * KIB)
    only_above = bench.add_bitmap("filter", "only-above", granularity=512)
    bench.dirty_bitmap(source, "only-above").clear()

    def show() -> None:
        for bitmap in (below, above, only_above):
            bitmap.show_count()

    show()
    bench.note("writes pass through both")
    guest.write(256 * KIB, 512, 0x33)
    guest.write(8 * KIB, 1, 0x33)
    show()
    bench.note("a discard that nobody takes is noted nowhere")
    guest.discard(512 * KIB, 512)
    show()
    bench.note("they can be merged with each other")
    above.merge(below)
    below.merge(only_above)
    show()
    bench.note("the mirror's own has no name")
    bench.execute("block-dirty-bitmap-clear", {"node": "filter", "name": ""})
    bench.execute("block-dirty-bitmap-clear", {"node": "source", "name": ""})
    bench.execute("block-dirty-bitmap-remove", {"node": "filter", "name": "only-above"})

    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    show()
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    show()
    above.clear()
