"""148-replaces: only what surely shows the same data may be replaced by the target: here, the source itself.

Groups: job qmp quick
Source: QA-05, 041-N-nonexistent_replaces
"""

from harness.bench import Bench
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 64 * KIB, 0x11)
    target = bench.disk("target", 64 * KIB)
    bench.disk("other", 64 * KIB, 0x11)
    bench.disk("smaller", 32 * KIB, 0x11)
    for name in ("nonexistent", "", "img77", "target", "other", "smaller"):
        bench.mirror(source, target, replaces=name)
    guest = bench.guest(source)
    bench.mirror(source, target, replaces="source")
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.note("the guest is on the target now")
    guest.write(0, 512, 0x22)
    guest.flush()
    for disk in (source, target):
        bench.say(f"{disk.name} begins with 0x{disk.storage.read_bytes(0, 1)[0]:02x}")
