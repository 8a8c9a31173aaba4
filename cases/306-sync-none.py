"""306-sync-none: with sync=none an active mirror is READY at once, and the target gets what is written, nothing else.

`top` without a backing file is `full`.

Groups: active quick
Needs: copy-mode=write-blocking
Source: GAP-01, QA-03, real-qemu G
"""

from harness.bench import Bench
from harness.guest import describe_data
from harness.units import KIB, MIB, format_bytes

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    for sync in ("none", "top"):
        bench.note(f"sync={sync}")
        source = bench.disk(f"source-{sync}", 1 * MIB, 0x11)
        target = bench.disk(f"target-{sync}", 1 * MIB, 0x99)
        guest = bench.guest(source)
        bench.mirror(source, target, sync=sync, copy_mode="write-blocking")
        bench.wait_event("BLOCK_JOB_READY")
        bench.show_progress()
        guest.write(3 * GRANULE + 100, 1, 0x22)
        guest.write(5 * GRANULE - 512, 1024, 0x33)
        guest.zero(8 * GRANULE, GRANULE)
        bench.show_progress()
        bench.execute("block-job-cancel", device="job0")
        bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
        for offset in (0, 3 * GRANULE, 5 * GRANULE - 512, 8 * GRANULE):
            data = target.storage.read_bytes(offset, 1024)
            bench.say(f"{target.name} has {describe_data(data)} at {format_bytes(offset)}")
