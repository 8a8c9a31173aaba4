"""200-sync-modes: full copies all, top what is above a backing file, none only what is written from now on.

A disk without a backing file has nothing to leave out: top is full. Each in background and in active mode, with writes
before and after READY.

Groups: background active quick
Source: QA-03, QA-12, 041-L-blockdev_full, 041-L-absolute_paths_top, 041-L-absolute_paths_none, TP-33, GAP-01,
    real-qemu G
"""

from harness.bench import Bench
from harness.disk import Disk
from harness.units import KIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    for copy_mode in ("background", "write-blocking"):
        for sync in ("full", "top", "none"):
            name = f"{copy_mode}-{sync}"
            source = bench.disk(f"source-{name}", 5 * GRANULE + 512, 0x11)
            target = bench.disk(f"target-{name}", 5 * GRANULE + 512)
            guest = bench.guest(source)
            guest.write(0, 512, 0x22)
            bench.mirror(source, target, sync=sync, copy_mode=copy_mode)
            bench.wait_event("BLOCK_JOB_READY")
            bench.show_progress()
            for offset, length in ((GRANULE, GRANULE), (3 * GRANULE - 512, 1024), (5 * GRANULE, 512)):
                guest.write(offset, length, 0x33)
            bench.wait_until(lambda: bench.dirty_bytes() == 0, "nothing to be dirty")
            bench.wait_until(lambda: bench.progress()[0] == bench.progress()[1], "the copies to be counted")
            show_written(bench, target)
            bench.execute("block-job-cancel", device="job0")
            bench.wait_event("JOB_STATUS_CHANGE", status="null")
            bench.compare(source, target)


def show_written(bench: Bench, target: Disk) -> None:
    """Which granules of the target hold anything."""
    storage = target.storage
    granules = [
        offset // GRANULE
        for offset in range(0, storage.size, GRANULE)
        if any(storage.read_bytes(offset, min(GRANULE, storage.size - offset)))
    ]
    bench.say(f"granules of the target that hold data: {granules}")
