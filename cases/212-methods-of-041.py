"""212-methods-of-041: what QEMU's own test of mirroring asks of blockdev-mirror, on whole and on odd lengths.

Letters and methods are those of that test: B is a disk of 1 MiB, F one of 1049600 bytes, which is no multiple of the
granularity; D, a disk of no length, has its life in 116 and only its refusals here. Who used the source uses the target
after completion, and the source after any cancel.

Groups: job background quick
Source: 041-B-complete, 041-B-cancel, 041-B-cancel_after_ready, 041-B-pause, 041-B-small_buffer, 041-B-device_not_found,
    041-B-mirror_to_self, 041-D-device_not_found, 041-D-mirror_to_self, 041-F-complete, 041-F-cancel,
    041-F-cancel_after_ready, 041-F-pause, 041-F-small_buffer, 041-F-device_not_found, 041-F-mirror_to_self
"""

from typing import Any

from harness.bench import Bench
from harness.disk import Disk
from harness.job_course import GRANULE, pause_at_a_read
from harness.units import MIB

LENGTHS = {"B": 1 * MIB, "D": 0, "F": 1049600}

METHODS = ("complete", "cancel", "cancel_after_ready", "pause", "small_buffer")


def run(bench: Bench) -> None:
    for letter, size in LENGTHS.items():
        bench.note(f"{letter}: refusals")
        source = bench.disk(f"source-{letter}", size, 0x11)
        bench.mirror("nonexistent", source)
        bench.mirror(source, "nonexistent")
        bench.mirror(source, source)
        bench.say(f"jobs: {bench.query('query-jobs')}")
        for method in METHODS if size else ():
            bench.note(f"{letter}: {method}")
            source = bench.disk(f"source-{letter}-{method}", size, 0x11)
            target = bench.disk(f"target-{letter}-{method}", size)
            use(bench, method, source, target)


def use(bench: Bench, method: str, source: Disk, target: Disk) -> None:
    """One method of the test, and then a write of who used the source."""
    guest = bench.guest(source)
    if method == "pause":
        source.hold("read")
    options: dict[str, dict[str, Any]] = {
        "cancel": {"speed": 1, "buf_size": GRANULE},
        "pause": {"buf_size": GRANULE},
        "small_buffer": {"buf_size": 4096},
    }
    bench.mirror(source, target, **options.get(method, {}))
    if method == "cancel":
        bench.wait_until(lambda: bench.progress()[0] == GRANULE, "the first granule to be counted")
        bench.execute("block-job-cancel", device="job0", force=True)
    elif method == "pause":
        pause_at_a_read(bench, source)
        source.let_everything_pass()
    if method != "cancel":
        bench.wait_event("BLOCK_JOB_READY")
        if method == "cancel_after_ready":
            bench.execute("block-job-cancel", device="job0")
        else:
            bench.execute("block-job-complete", device="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.require_equal(source, target)
    else:
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.say(f"jobs: {bench.query('query-jobs')}")
    guest.write(source.size - 512, 512, 0x33)
    for disk in (source, target):
        changed = disk.storage.read_bytes(source.size - 512, 512) == bytes([0x33]) * 512
        bench.say(f"{disk.name} {'has' if changed else 'has not'} the write")
