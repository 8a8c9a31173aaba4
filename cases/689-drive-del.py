"""689-drive-del: a drive under a mirror cannot be taken away, nor the node below it; afterwards it can.

Nothing changes by the refusal: the job goes on to READY, and the data is right.

Groups: graph console quick
Needs: human-monitor-command
Source: TP-10, 141-1, real-qemu F
"""

from harness.bench import Bench
from harness.consoles.conversation import HumanMonitor
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    monitor = HumanMonitor(bench)
    monitor.say("drive_add 0 if=none,id=drive0,driver=blkdebug,node-name=top,image=source")
    bench.mirror("top", target, speed=1, buf_size=64 * KIB)
    bench.wait_until(lambda: bench.progress()[0] == 64 * KIB, "the first granule")
    monitor.say("drive_del drive0")
    bench.say(f"drives: {', '.join(drive['device'] for drive in bench.query('query-block')) or 'none'}")
    bench.execute("blockdev-del", node_name="source")
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    bench.require_equal(source, target)
    bench.execute("block-job-cancel", device="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.note("nothing is in the way any more")
    monitor.say("drive_del drive0")
    bench.say(f"drives: {', '.join(drive['device'] for drive in bench.query('query-block')) or 'none'}")
    bench.execute("blockdev-del", node_name="source")
