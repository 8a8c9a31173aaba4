"""617-errors-of-chain-jobs: errors under a commit below the active layer and a stream are met by their policy.

A commit tries again what failed, for `ignore` at once, for `stop` when it is resumed. A stream that ignores an error
fails at its end, since what it could not read is still needed from below. What a stream cannot write is an error of
reading, too: the copy is made by a read.

Groups: commit stream errors quick
Needs: block-commit block-stream.bottom blockdev-reopen driver=qcow2
Source: 040-EH-Intermediate, QE-10, QE-11, QE-12, QE-14
"""

from harness.bench import Bench
from harness.units import KIB, MIB

FAILING = {("commit", "read"): "n1", ("commit", "write"): "n0", ("stream", "read"): "n1", ("stream", "write"): "n2"}
"""The image under which a request of each job fails."""


def run(bench: Bench) -> None:
    for kind, operation in FAILING:
        for policy in ("report", "ignore", "stop", "enospc"):
            fail_once(bench, kind, operation, policy)


def fail_once(bench: Bench, kind: str, operation: str, policy: str) -> None:
    name = f"{kind}-{operation}-{policy}"
    bench.note(name)
    images = {f"n{number}": f"n{number}-{name}" for number in range(3)}
    below = None
    for image in images.values():
        below = bench.overlay(image, 1 * MIB, backing=below)
        if below == images["n1"]:
            bench.guest(below).write(0, 1 * MIB, 0x22)
            bench.close_guest(below)
    disk = bench.disk_named(f"{images[FAILING[kind, operation]]}-file")
    disk.fail(operation, "ENOSPC" if policy == "enospc" else "EIO", offset=512 * KIB, length=512 * KIB)
    options = {"job-id": "job0", "device": images["n2"], "on-error": policy}
    bench.execute(f"block-{kind}", options | ({"top-node": images["n1"]} if kind == "commit" else {}))
    bench.wait_event("BLOCK_JOB_ERROR")
    if policy in ("stop", "enospc"):
        bench.wait_event("JOB_STATUS_CHANGE", status="paused")
        bench.show_job()
        bench.execute("job-resume", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain(images["n2"])
    guest = bench.guest(images["n2"])
    guest.read(0, 1 * MIB)
    bench.close_guest(images["n2"])
