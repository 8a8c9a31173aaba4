"""630-target-without-space: a target that is full stops the job, which goes on when the limit is lifted.

Groups: graph errors quick
Needs: blockdev-reopen driver=qcow2
Source: 248-1, QE-14
"""

from harness.bench import Bench
from harness.units import MIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 2 * MIB, 0x11)
    guest = bench.guest(source)
    bench.overlay("image", 2 * MIB)
    bench.execute("blockdev-del", node_name="image")
    limit = {"driver": "raw", "node-name": "limited", "file": "image-file"}
    bench.execute("blockdev-add", limit, size=1 * MIB)
    bench.execute("blockdev-add", driver="qcow2", node_name="image", file="limited", backing=None)
    bench.hide_event_members("operation", reason="metadata may be what finds no room")
    bench.hide_pauses("reopening drains what it changes")
    bench.mirror(source, "image", on_target_error="enospc", buf_size=64 * 1024)
    bench.wait_event("BLOCK_JOB_ERROR")
    bench.wait_until(lambda: bench.job()["paused"], "the job to be paused")
    info = bench.job()
    bench.say(f"io-status {info['io-status']}, status {info['status']}")
    bench.execute("blockdev-reopen", options=[limit])
    bench.execute("job-resume", id="job0")
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    guest.read(0, 2 * MIB)
