"""659-commit-beside-a-mirror: an active commit ends while a mirror that is limited sleeps on the same iothread.

Groups: commit iothread quick
Needs: block-commit driver=qcow2 driver=null-co qom-type=iothread x-blockdev-set-iothread
Source: ICA-1
"""

from harness.bench import Bench
from harness.units import KIB


def run(bench: Bench) -> None:
    bench.hide_pauses("every change of the graph drains what it changes")
    bench.execute("object-add", {"qom-type": "iothread", "id": "thread0"})
    base = bench.overlay("base", 128 * KIB)
    top = bench.overlay("top", 128 * KIB, backing=base)
    bench.guest(top).write(0, 128 * KIB, 0x22)
    bench.close_guest(top)
    bench.disk("source", 1024 * KIB, 0x11)
    bench.disk("target", 1024 * KIB)
    for node in (top, "source"):
        bench.execute("x-blockdev-set-iothread", node_name=node, iothread="thread0")
    bench.mirror("source", "target", job_id="slow", speed=1, buf_size=64 * KIB)
    bench.execute("block-commit", job_id="commit", device=top)
    bench.wait_event("BLOCK_JOB_READY", device="commit")
    bench.execute("job-complete", id="commit")
    bench.wait_event("JOB_STATUS_CHANGE", id="commit", status="null")
    bench.say(f"the mirror is {bench.job('slow')['status']}")
