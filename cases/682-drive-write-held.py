"""682-drive-write-held: an active write through a drive is answered only when its part on the target is done.

The human monitor answers the command at once, because the request is left under way; that it is done is printed when
the target lets it. Meanwhile other commands are answered, and the source has the data already.

Groups: graph console active quick
Needs: human-monitor-command copy-mode=write-blocking
Source: real-qemu D3, real-qemu D7, QE-18
"""

from harness.bench import Bench
from harness.consoles.conversation import HumanMonitor
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    bench.hide_pauses("the monitor's aio_flush drains every disk")
    source = bench.disk("source", 1 * MIB, 0x11, drive="drive0")
    target = bench.disk("target", 1 * MIB)
    monitor = HumanMonitor(bench)
    bench.mirror("drive0", target, copy_mode="write-blocking")
    bench.wait_event("BLOCK_JOB_READY")

    bench.note("held on the target: no answer")
    target.hold("write")
    monitor.qemu_io("drive0", "aio_write -P 0x22 128k 64k")
    (held,) = target.wait_held()
    bench.compare(source, target)
    monitor.say("info block-jobs")
    bench.note("released: the answer")
    target.release(held)
    bench.wait_until(lambda: bench.progress()[0] == 1 * MIB + 64 * KIB, "the end of the write")
    monitor.qemu_io("drive0", "aio_flush")
    bench.show_progress()
    bench.require_equal(source, target)
    target.let_everything_pass()
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
