"""182-ten-jobs: ten mirrors at once, each with its guest, come to their ends with what their sources hold.

They are started together, written to while they run, and end in three ways. Moments in which a job is drained because
another comes or goes are left out, as in 180.

Groups: job active background quick
Source: TP-13, UJ-1, QE-01, QE-02, QE-03
"""

from harness.bench import Bench
from harness.disk import Disk
from harness.job_course import course, until
from harness.units import KIB

ENDS = (
    ("job-complete", "id", {}),
    ("block-job-cancel", "device", {}),
    ("block-job-cancel", "device", {"force": True}),
)


def run(bench: Bench) -> None:
    sources = [bench.disk(f"source-{number}", 256 * KIB, 0x10 + number) for number in range(10)]
    targets = [bench.disk(f"target-{number}", 256 * KIB) for number in range(10)]
    guests = [bench.guest(source) for source in sources]
    jobs = [f"job{number}" for number in range(10)]
    for number, job_id in enumerate(jobs):
        mode = "write-blocking" if number % 2 else "background"
        start(bench, job_id, sources[number], targets[number], mode)
        for other in range(number + 1):
            guests[other].write_data(other * 8 * KIB + 100, bytes([number + 1]) * 3000, silent=True)
    events = until(bench, dict.fromkeys(jobs, "ready"))
    bench.say(f"ready: {len(bench.query('query-block-jobs'))} jobs")
    for number, guest in enumerate(guests):
        guest.write_data(200 * KIB - number, bytes([0x80 + number]) * 3000, silent=True)
    for number, job_id in enumerate(jobs):
        # A forced end leaves what the background copy had still to do; so wait for it.
        bench.wait_until(lambda: bench.progress(job_id)[0] == bench.progress(job_id)[1], "the copy")  # noqa: B023
        verb, member, arguments = ENDS[number % 3]
        bench.query(verb, {member: job_id, **arguments})
        events += until(bench, {job_id: "null"}, events)
    for number, job_id in enumerate(jobs):
        bench.say(f"{job_id}: {' '.join(course(events, job_id))}")
        if number % 3 != 2:
            bench.compare(sources[number], targets[number])
    bench.say(f"jobs left: {bench.query('query-jobs')}")


def start(bench: Bench, job_id: str, source: Disk, target: Disk, copy_mode: str) -> None:
    """Start a mirror, silently."""
    names = {"job-id": job_id, "device": source.name, "target": target.name, "sync": "full", "copy-mode": copy_mode}
    bench.query("blockdev-mirror", names)
