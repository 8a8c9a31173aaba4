"""165-busy-resize: the disks of a mirror keep their sizes, also while it waits to be finalized.

Groups: job graph quick
Source: QS-11, 041-B-source_resize, 041-B-target_resize, 041-D-source_resize,
    041-D-target_resize, 041-F-source_resize, 041-F-target_resize, TP-10, C11
"""

from harness.bench import Bench
from harness.disk import Disk
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 128 * KIB, 0x11)
    target = bench.disk("target", 128 * KIB)
    bench.execute("block_resize", node_name="nonexistent", size=64 * KIB)
    bench.execute("block_resize", size=64 * KIB)
    bench.execute("block_resize", node_name="source")
    bench.execute("block_resize", node_name="source", size=-1)
    bench.execute("block_resize", node_name="source", size="x")
    resize_under_a_job(bench, source, target)
    bench.note("disks of no bytes")
    resize_under_a_job(bench, bench.disk("empty-source", 0), bench.disk("empty-target", 0))


def resize_under_a_job(bench: Bench, source: Disk, target: Disk) -> None:
    bench.mirror(source, target, auto_finalize=False, auto_dismiss=False, filter_node_name="filter")
    bench.wait_event("BLOCK_JOB_READY")
    for disk in (source, target):
        bench.execute("block_resize", node_name=disk.name, size=64 * KIB)
    bench.execute("job-complete", id="job0")
    bench.wait_event("BLOCK_JOB_PENDING")
    for disk in (source, target):
        bench.execute("block_resize", node_name=disk.name, size=64 * KIB)
    bench.execute("job-finalize", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="concluded")
    bench.execute("job-dismiss", id="job0")
    bench.require_equal(source, target)
