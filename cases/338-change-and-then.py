"""338-change-and-then: a job is changed to write-blocking while it is paused, twice over a write, and before a failure.

A paused job takes the change all the same: guests' writes are mirrored at once, although nothing is copied. A write
that is under way when the job is changed stays the background's, one that comes between two changes is mirrored once.
After the change errors of active writes are the job's, never the guest's, as if it had been active from the start.

Groups: active held error quick
Needs: copy-mode=write-blocking block-job-change query-block-jobs:actively-synced
Source: GAP-08, QS-16, QE-14, QE-15, QE-16, QE-17, BF-22
"""

from typing import Any

from harness.bench import Bench
from harness.disk import Disk
from harness.guest import Guest
from harness.units import KIB

GRANULE = 64 * KIB
LENGTH = 16 * GRANULE


def run(bench: Bench) -> None:
    while_paused(bench)
    in_standby(bench)
    twice_over_writes(bench)
    for policy in ("report", "ignore", "stop"):
        before_failure(bench, policy)


def disks(bench: Bench, name: str) -> tuple[Disk, Disk]:
    return bench.disk(f"source-{name}", LENGTH, 0x11), bench.disk(f"target-{name}", LENGTH)


def ready_mirror(bench: Bench, name: str, **options: Any) -> tuple[Disk, Disk, Guest]:
    source, target = disks(bench, name)
    guest = bench.guest(source)
    bench.mirror(source, target, **options)
    bench.wait_event("BLOCK_JOB_READY", device="job0")
    return source, target, guest


def to_active(bench: Bench) -> None:
    bench.execute("block-job-change", id="job0", type="mirror", copy_mode="write-blocking")


def show(bench: Bench) -> None:
    bench.show_progress()
    bench.say(f"actively-synced: {bench.job()['actively-synced']}")


def until_synced(bench: Bench) -> None:
    bench.wait_until(lambda: bool(bench.job()["actively-synced"]), "the job to be actively synced")
    bench.say("actively-synced: True")


def complete(bench: Bench, source: Disk, target: Disk) -> None:
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
    bench.require_equal(source, target)


def while_paused(bench: Bench) -> None:
    bench.note("while it is paused, before READY")
    source, target = disks(bench, "paused")
    guest = bench.guest(source)
    bench.mirror(source, target, speed=1, buf_size=GRANULE)
    bench.show_progress()
    bench.execute("job-pause", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="paused")
    bench.note("background: not sent")
    guest.write(4 * GRANULE, GRANULE, 0x22)
    show(bench)
    to_active(bench)
    bench.note("active: sent and clean, if whole")
    guest.write(8 * GRANULE, GRANULE, 0x33)
    guest.write(12 * GRANULE, 512, 0x44)
    for offset, what in ((4, "the first"), (8, "the second"), (12, "the third")):
        bench.say(f"target has 0x{target.storage.read_bytes(offset * GRANULE, 1)[0]:02x} of {what}")
    show(bench)
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.execute("job-resume", id="job0")
    bench.wait_event("BLOCK_JOB_READY", device="job0")
    show(bench)
    complete(bench, source, target)


def in_standby(bench: Bench) -> None:
    bench.note("while it stands by: what is dirty stays so until it goes on")
    source, target, guest = ready_mirror(bench, "standby")
    bench.execute("job-pause", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="standby")
    guest.write(2 * GRANULE, 512, 0x22)
    to_active(bench)
    guest.write(3 * GRANULE, 512, 0x33)
    show(bench)
    bench.compare(source, target)
    bench.execute("job-resume", id="job0")
    until_synced(bench)
    complete(bench, source, target)


def twice_over_writes(bench: Bench) -> None:
    bench.note("twice, with a write under way at each")
    source, target, guest = ready_mirror(bench, "twice")
    source.hold("write", offset=0, length=4 * GRANULE)
    target.hold("write", offset=8 * GRANULE, length=4 * GRANULE)
    first = guest.start_write(0, 512, 0x22)
    source.wait_held()
    to_active(bench)
    second = guest.start_write(8 * GRANULE, 512, 0x33)
    target.wait_held()
    to_active(bench)
    third = guest.start_write(9 * GRANULE, 512, 0x44)
    target.wait_held(2)
    source.let_everything_pass()
    first.wait()
    target.let_everything_pass()
    second.wait()
    third.wait()
    until_synced(bench)
    complete(bench, source, target)


def before_failure(bench: Bench, policy: str) -> None:
    bench.note(f"and then the target fails: {policy}")
    source, target, guest = ready_mirror(bench, policy, on_target_error=policy)
    to_active(bench)
    until_synced(bench)
    guest.write(1 * GRANULE, 512, 0x22)
    bench.require_equal(source, target)
    target.fail("write", offset=2 * GRANULE, length=GRANULE)
    guest.write(2 * GRANULE, 512, 0x33)
    if policy == "report":
        bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
        bench.say(f"target has 0x{target.storage.read_bytes(1 * GRANULE, 1)[0]:02x} at 64k")
        return
    if policy == "stop":
        bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="standby")
        show(bench)
        guest.write(3 * GRANULE, 512, 0x44)
        bench.say(f"target has 0x{target.storage.read_bytes(3 * GRANULE, 1)[0]:02x} at 192k")
        bench.execute("job-resume", id="job0")
    until_synced(bench)
    bench.require_equal(source, target)
    guest.write(4 * GRANULE, 512, 0x55)
    complete(bench, source, target)
