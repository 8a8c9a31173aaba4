"""Mirrors disks of one size after the other, in background and in active mode, and looks at their last bytes.

Source: rows GAP-12, QQ-3, 152-1, 152-2.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.bench import Bench


def mirror_each_size(bench: Bench, sizes: Iterable[int]) -> None:
    """For each size and copy mode: mirror a disk, write its last byte, and complete when that is copied.

    :param sizes: bytes, none of them 0.
    :raise Disagreement: when the disks are not equal, in READY or at the end.
    """
    for size in sizes:
        for copy_mode in ("background", "write-blocking"):
            source = bench.disk(f"source-{size}-{copy_mode}", size, 0x11)
            target = bench.disk(f"target-{size}-{copy_mode}", size)
            guest = bench.guest(source)
            bench.mirror(source, target, copy_mode=copy_mode)
            bench.wait_event("BLOCK_JOB_READY")
            bench.require_equal(source, target)
            guest.write(size - 1, 1, 0x22)
            bench.wait_until(lambda: bench.dirty_bytes() == 0, "the write to be copied")
            bench.wait_until(lambda: bench.progress()[0] == bench.progress()[1], "the copy to be counted")
            bench.show_progress()
            bench.execute("job-complete", id="job0")
            bench.wait_event("JOB_STATUS_CHANGE", status="null")
            bench.require_equal(source, target)
