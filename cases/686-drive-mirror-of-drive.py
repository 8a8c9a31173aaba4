"""686-drive-mirror-of-drive: drive-mirror takes a drive by its id, which also becomes the job's, and moves it over.

Groups: graph drive quick
Needs: human-monitor-command drive-mirror
Source: QD-01, QD-04, TP-49, 094-1, 041-A-complete
"""

from harness.bench import Bench
from harness.consoles.conversation import HumanMonitor
from harness.units import MIB

ARGUMENTS = {"target": "nbd+unix:///copy?socket=storage.sock", "format": "raw", "mode": "existing"}


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11, drive="drive0")
    copy = bench.disk("copy", 1 * MIB, 0x99)
    monitor = HumanMonitor(bench)
    bench.note("the job is called as the drive is")
    bench.execute("drive-mirror", device="drive0", sync="full", node_name="moved", **ARGUMENTS)
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("drive-mirror", device="drive0", sync="full", **ARGUMENTS)
    bench.require_equal(source, copy)
    bench.execute("block-job-complete", device="drive0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.note("what is written now is on the copy only")
    monitor.qemu_io("drive0", "write -q -P 0x22 0 64k")
    bench.compare(source, copy)
    (drive,) = (each for each in bench.query("query-block") if each["device"] == "drive0")
    bench.say(f"drive0 is over {drive['inserted']['node-name']}")
