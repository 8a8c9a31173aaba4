"""334-write-before-job: a job that is started while a write is under way waits for it, and misses none.

The filter is put in within a drained section, so the write is over before there is a job: with sync=full it is copied
with everything else, with sync=none it was before the job's time.

A write that comes while the command waits is case 335.

Groups: active held regression quick
Needs: copy-mode=write-blocking
Source: 151-6, BF-20, BF-21, BF-25, TP-15
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    for sync in ("full", "none"):
        bench.note(f"sync={sync}")
        source = bench.disk(f"source-{sync}", 1 * MIB, 0x11)
        target = bench.disk(f"target-{sync}", 1 * MIB)
        guest = bench.guest(source)
        source.hold("write")
        first = guest.start_write(2 * GRANULE, GRANULE, 0x22)
        source.wait_held()
        arguments = {"job-id": "job0", "device": source.name, "target": target.name, "sync": sync}
        pending = bench.start_execute("blockdev-mirror", arguments | {"copy-mode": "write-blocking"})
        source.let_everything_pass()
        first.wait()
        bench.finish(pending)
        bench.wait_event("BLOCK_JOB_READY")
        if sync == "full":
            bench.require_equal(source, target)
        else:
            bench.say(f"target has 0x{target.storage.read_bytes(2 * GRANULE, 1)[0]:02x} at 128k")
        bench.execute("block-job-cancel", device="job0")
        bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
