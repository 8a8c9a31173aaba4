"""680-human-monitor: the human monitor's qemu-io on a drive is a guest of the mirror below it, and prints what came.

A write by the drive's name enters above the mirror's filter, so it is mirrored and counted as any guest's. The reply
to the command is empty whatever comes of it: only a drive that there is not is an error of the command itself.

Groups: graph console quick
Needs: human-monitor-command copy-mode=write-blocking
Source: real-qemu D3, real-qemu G, A9
"""

from harness.bench import Bench
from harness.consoles.conversation import HumanMonitor
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11, drive="drive0")
    target = bench.disk("target", 1 * MIB)
    monitor = HumanMonitor(bench)
    monitor.say("info block-jobs")
    bench.mirror("drive0", target, copy_mode="write-blocking", speed=1, buf_size=GRANULE)
    bench.wait_until(lambda: bench.progress()[0] == GRANULE, "the first granule")
    bench.show_progress()

    bench.note("a write through the drive is mirrored, a discard is not")
    for command in ("write -P 0x22 512k 64k", "discard 0 64k", "read -P 0x22 512k 64k", "read -P 0x33 0 512"):
        monitor.qemu_io("drive0", command)
        bench.show_progress()
    bench.note("refusals are printed and not replied; that there is no such command is on standard error")
    for command in ("write 1M 512", "bogus"):
        monitor.qemu_io("drive0", command)
    monitor.say('qemu-io nope "read 0 512"')

    bench.note("to READY, and one more write")
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    monitor.say("info block-jobs")
    monitor.qemu_io("drive0", "write -z 256k 128k")
    bench.show_progress()
    bench.require_equal(source, target)
    bench.note("the drive goes on with the target when the job is over")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    monitor.qemu_io("drive0", "write -q -P 0x44 0 64k")
    bench.compare(source, target)
    bench.say(f"drive0 is over {drive_node(bench)}")
    monitor.say("info block-jobs")


def drive_node(bench: Bench) -> str:
    """The node below the drive."""
    (drive,) = (each for each in bench.query("query-block") if each["device"] == "drive0")
    return str(drive["inserted"]["node-name"])
