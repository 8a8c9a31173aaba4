"""180-two-jobs: two mirrors at once have nothing to do with each other.

One is completed, cancelled, fails, or is paused meanwhile; the other goes to its end. What each job goes through is
listed by itself. Where a program drains everything when its graph changes, a job shows that by pausing for a moment;
those moments are left out.

Groups: job quick
Source: TP-13, UJ-1, QE-01, QE-03, QE-10, real-qemu E
"""

from harness.bench import Bench
from harness.disk import Disk
from harness.implementations.base import Event
from harness.job_course import course, until
from harness.units import KIB


def run(bench: Bench) -> None:
    for what in ("completed", "cancelled", "failed", "paused"):
        bench.note(f"the first is {what}")
        disks = []
        for number in (1, 2):
            source = bench.disk(f"source-{what}-{number}", 192 * KIB, 0x10 + number)
            disks.append((source, bench.disk(f"target-{what}-{number}", 192 * KIB)))
        if what == "failed":
            disks[0][0].fail("read", offset=64 * KIB, length=512)
        for number, (source, target) in enumerate(disks, 1):
            start(bench, f"job{number}", source, target)
        events = until(bench, {"job1": "null" if what == "failed" else "ready", "job2": "ready"})
        if what != "failed":
            verb = {"completed": "job-complete", "cancelled": "job-cancel", "paused": "job-pause"}[what]
            bench.query(verb, {"id": "job1"})
        bench.query("job-complete", {"id": "job2"})
        events += until(bench, {"job2": "null"} if what == "paused" else {"job1": "null", "job2": "null"}, events)
        if what == "paused":
            events += wait_standby(bench)
            bench.say(f"jobs: {[(job['id'], job['status']) for job in bench.query('query-jobs')]}")
            bench.query("job-resume", {"id": "job1"})
            bench.query("job-complete", {"id": "job1"})
            events += until(bench, {"job1": "null"}, events)
        for number, (source, target) in enumerate(disks, 1):
            bench.say(f"job{number}: {' '.join(course(events, f'job{number}'))}")
            bench.compare(source, target)


def start(bench: Bench, job_id: str, source: Disk, target: Disk) -> None:
    """Start a mirror, silently."""
    names = {"job-id": job_id, "device": source.name, "target": target.name, "sync": "full"}
    bench.query("blockdev-mirror", names)


def wait_standby(bench: Bench) -> list[Event]:
    """Wait for the first job to come to rest; return the events that came."""
    came: list[Event] = []

    def is_standby() -> bool:
        came.extend(bench.skip_events())
        return bool(bench.job("job1")["status"] == "standby")

    bench.wait_until(is_standby, "the pause")
    return came
