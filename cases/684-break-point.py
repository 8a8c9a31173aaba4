"""684-break-point: a guest's write that a break point stops on the source reaches the target once it goes on.

The break point is on the source only, by the drive's name: a node's own name would have the monitor drain the node,
and wait for itself. The event that it waits for is of a format's node, so there is one above it.

Groups: graph console active quick
Needs: human-monitor-command copy-mode=write-blocking
Source: real-qemu D4
"""

from harness.bench import Bench
from harness.consoles.conversation import HumanMonitor
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    bench.hide_pauses("the monitor's aio_flush drains every disk")
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    monitor = HumanMonitor(bench)
    monitor.say("drive_add 0 if=none,id=drive0,driver=raw,node-name=top,file.driver=blkdebug,file.image=source")
    bench.mirror("drive0", target, copy_mode="write-blocking")
    bench.wait_event("BLOCK_JOB_READY")

    monitor.qemu_io("drive0", "break write_aio A")
    monitor.qemu_io("drive0", "aio_write -P 0x22 128k 64k")
    monitor.qemu_io("drive0", "wait_break A")
    bench.note("stopped: neither disk has it, and the job is alive")
    bench.compare(source, target)
    bench.say(f"source begins there with 0x{source.storage.read_bytes(128 * KIB, 1)[0]:02x}")
    bench.show_progress()
    monitor.qemu_io("drive0", "resume A")
    bench.wait_until(lambda: bench.progress()[0] == 1 * MIB + 64 * KIB, "the end of the write")
    monitor.qemu_io("drive0", "aio_flush")
    bench.say(f"source begins there with 0x{source.storage.read_bytes(128 * KIB, 1)[0]:02x}")
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
