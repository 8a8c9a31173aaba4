"""642-error-below-an-image: a read of the source's disk, or a write below an active commit, is met by the job's policy.

The disk fails one request, in a range that only the job asks for.

Groups: graph errors quick
Needs: blockdev-reopen block-commit driver=qcow2
Source: 041-I-report_read, 041-I-ignore_read, 041-I-stop_read, 040-EH-ActiveWriteErrorReport,
    040-EH-ActiveWriteErrorStop, 040-EH-ActiveWriteErrorIgnore
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 1 * MIB


def run(bench: Bench) -> None:
    for policy in ("report", "ignore", "stop"):
        for kind in ("mirror", "commit"):
            fail_once(bench, kind, policy)


def fail_once(bench: Bench, kind: str, policy: str) -> None:
    name = f"{kind}-{policy}"
    bench.note(name)
    base = bench.overlay(f"base-{name}", SIZE)
    disk = bench.disk(f"disk-{name}", SIZE, 0x11)
    target = bench.overlay(f"target-{name}", SIZE)
    if kind == "commit":
        # The image to be committed reads zeroes or data; what fails is the write to what is below it.
        top = bench.overlay(f"top-{name}", SIZE, backing=disk.name)
        guest = bench.guest(top)
        guest.write(512 * KIB, 128 * KIB, 0x22)
        disk.fail("write", offset=512 * KIB, length=64 * KIB)
        bench.execute("block-commit", job_id="job0", device=top, on_error=policy)
    else:
        guest = bench.guest(disk)
        disk.fail("read", offset=512 * KIB, length=64 * KIB)
        bench.mirror(disk, target, on_source_error=policy)
    bench.wait_event("BLOCK_JOB_ERROR", device="job0")
    if policy == "stop":
        bench.wait_event("JOB_STATUS_CHANGE", status="paused")
        bench.execute("job-resume", id="job0")
    if policy != "report":
        bench.wait_event("BLOCK_JOB_READY")
        bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    guest.read(0, SIZE)
    bench.execute("blockdev-del", node_name=base)
