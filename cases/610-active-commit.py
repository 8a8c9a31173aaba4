"""610-active-commit: what the images above the target hold goes down into it while the guest writes.

From the top into each image below, also into one that is shorter, which grows and reads as zeroes where only an image
further below had data.

Groups: commit quick
Needs: block-commit driver=qcow2
Source: 040-SD-top_is_active, 040-SD-top_is_default_active, 141-2, 155-C, 274-1, 274-2, QQ-1, QQ-2
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 2 * MIB


def run(bench: Bench) -> None:
    commit(bench, "lowest", None)
    commit(bench, "base", "base")
    commit(bench, "middle", "middle")
    commit(bench, "short", "middle", middle_size=1 * MIB)
    nothing_to_commit(bench)


def chain(bench: Bench, name: str, middle_size: int) -> tuple[str, str, str]:
    base = bench.overlay(f"base-{name}", SIZE)
    bench.guest(base).write(0, SIZE, 0x11)
    bench.close_guest(base)
    middle = bench.overlay(f"middle-{name}", middle_size, backing=base)
    bench.guest(middle).write(512 * KIB, 512 * KIB, 0x22)
    bench.close_guest(middle)
    return base, middle, bench.overlay(f"top-{name}", SIZE, backing=middle)


def commit(bench: Bench, name: str, into: str | None, middle_size: int = SIZE) -> None:
    bench.note(f"into {name}")
    _, _, top = chain(bench, name, middle_size)
    guest = bench.guest(top)
    guest.read(0, SIZE)
    guest.write(768 * KIB, 128 * KIB, 0x33)
    options = {} if into is None else {"base_node": f"{into}-{name}"}
    bench.execute("block-commit", job_id="job0", device=top, **options)
    bench.wait_event("BLOCK_JOB_READY")
    bench.show_job()
    guest.write(64 * KIB, 64 * KIB, 0x44)
    guest.read(0, SIZE)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    guest.read(0, SIZE)
    bench.show_chain(top)
    for node in (top, f"middle-{name}", f"base-{name}"):
        bench.execute("blockdev-del", node_name=node)
    bench.close_guest(top)


def nothing_to_commit(bench: Bench) -> None:
    bench.note("nothing to commit, and given up")
    _, _, top = chain(bench, "nothing", SIZE)
    guest = bench.guest(top)
    bench.execute("block-commit", job_id="job0", device=top, base_node="middle-nothing")
    bench.wait_event("BLOCK_JOB_READY")
    guest.write(0, 64 * KIB, 0x55)
    bench.execute("block-job-cancel", device="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain(top)
    guest.read(0, SIZE)
    bench.execute("block-commit", job_id="job0", device=top, base_node="base-nothing")
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("block-job-cancel", device="job0", force=True)
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    guest.read(0, SIZE)
