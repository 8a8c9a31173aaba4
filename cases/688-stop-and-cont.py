"""688-stop-and-cont: a mirror goes on while the machine is stopped, and what is held delays the stop, not the job.

Groups: graph console quick
Needs: human-monitor-command copy-mode=write-blocking
Source: 129-1, QE-19, real-qemu D2
"""

from harness.bench import Bench
from harness.consoles.conversation import HumanMonitor
from harness.units import MIB


def run(bench: Bench) -> None:
    bench.hide_pauses("stopping a machine drains its disks")
    source = bench.disk("source", 1 * MIB, 0x11, drive="drive0")
    target = bench.disk("target", 1 * MIB)
    monitor = HumanMonitor(bench)
    monitor.say("info status")
    bench.execute("cont")
    bench.mirror("drive0", target, copy_mode="write-blocking")
    bench.wait_event("BLOCK_JOB_READY")
    bench.note("stopped when READY: drives can be written, and the mirror follows")
    bench.execute("stop")
    monitor.say("info status")
    monitor.qemu_io("drive0", "write -q -P 0x22 0 64k")
    bench.show_progress()
    bench.require_equal(source, target)
    bench.execute("cont")
    bench.note("stopped with a write on hold: the stop waits for it")
    target.hold("write")
    monitor.qemu_io("drive0", "aio_write -q -P 0x33 64k 64k")
    (held,) = target.wait_held()
    stop = bench.start_execute("stop")
    bench.say("stopped" if stop.done else "not stopped yet")
    target.storage.clear_rules()
    target.release(held)
    bench.finish(stop)
    bench.settle()
    bench.show_progress()
    bench.require_equal(source, target)
    bench.note("a job can be completed in a stopped machine")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    monitor.say("info status")
