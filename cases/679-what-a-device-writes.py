"""679-what-a-device-writes: what enters by a guest's device is mirrored, and goes to the target when the job has ended.

Groups: device console active quick
Needs: human-monitor-command device_add copy-mode=write-blocking
Source: TP-08, TP-11, QE-18, real-qemu D3
"""

from harness.bench import Bench
from harness.consoles.conversation import HumanMonitor
from harness.devices import Devices
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    devices = Devices(bench)
    bench.hide_pauses("every change of the graph drains what it changes")
    source, target = bench.disk("source", 1 * MIB, 0x11, drive="drive0"), bench.disk("target", 1 * MIB)
    devices.plug("disk", "drive0")
    monitor = HumanMonitor(bench)
    bench.mirror(source, target, copy_mode="write-blocking", speed=1, buf_size=GRANULE)
    bench.wait_until(lambda: bench.progress()[0] == GRANULE, "the first granule")
    monitor.qemu_io("-d disk", "write -P 0x22 512k 64k")
    bench.show_progress()
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    monitor.qemu_io("-d disk", "write -z 256k 128k")
    bench.show_progress()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    monitor.qemu_io("-d disk", "write -q -P 0x44 0 64k")
    monitor.qemu_io("-d disk", "read -P 0x44 0 64k")
    bench.compare(source, target)
    devices.show()
