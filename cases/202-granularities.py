"""202-granularities: every granularity from 512 bytes to 64 MiB, on a disk that is no multiple of it.

Each is the granularity of the mirror's bitmap, dirties whole granules in background mode, and leads to equal disks. The
buffer is one granule, two, or the default.

Groups: background active quick
Source: QA-07, QQ-3, QQ-4, 041-M-granularity, TP-01, TP-22, TP-23, TP-24, TP-25, TP-48, GAP-01
"""

from harness.bench import Bench
from harness.units import KIB, MIB, format_bytes

SIZE = 192 * KIB + 1536

IN_BOTH_MODES = (512, 8 * KIB, 64 * MIB)


def run(bench: Bench) -> None:
    source = bench.disk("source", SIZE, 0x11)
    guest = bench.guest(source)
    granularity = 512
    while granularity <= 64 * MIB:
        # An idle background job looks at its bitmap every 100 ms; so only some are waited for.
        for copy_mode in ("background", "write-blocking") if granularity in IN_BOTH_MODES else ("write-blocking",):
            target = bench.disk(f"target-{format_bytes(granularity)}-{copy_mode}", SIZE)
            buffer = {512: 0, 64 * KIB: 2 * granularity}.get(granularity, max(granularity, 256 * KIB))
            bench.query(
                "blockdev-mirror",
                {
                    "job-id": "job0",
                    "device": source.name,
                    "target": target.name,
                    "sync": "full",
                    "granularity": granularity,
                    "buf-size": buffer,
                    "copy-mode": copy_mode,
                },
            )
            bench.wait_until(lambda: bench.job()["ready"], "READY")
            bench.say(f"granularity of the bitmap: {bitmap_granularity(bench)}")
            target.hold("write")
            request = guest.start_write(128 * KIB + 100, 1, granularity.bit_length())
            target.wait_held()
            target.release_all()
            target.storage.clear_rules()
            if not request.done:
                request.wait()
            bench.wait_until(lambda: bench.progress()[0] == bench.progress()[1], "the copy to be counted")
            bench.skip_events()
            bench.show_progress()
            bench.query("block-job-cancel", {"device": "job0"})
            bench.wait_until(lambda: not bench.query("query-jobs"), "the end")
            bench.skip_events()
            bench.require_equal(source, target)
        granularity *= 2


def bitmap_granularity(bench: Bench) -> str:
    """The granularity of the one bitmap that there is."""
    bitmaps = [bitmap for node in bench.query("query-named-block-nodes") for bitmap in node.get("dirty-bitmaps", ())]
    (granularity,) = (bitmap["granularity"] for bitmap in bitmaps)
    return format_bytes(granularity)
