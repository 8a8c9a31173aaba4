"""146-job-ids: which ids a job may have, and that two jobs cannot have the same.

An id begins with a letter; letters, digits, hyphen, dot and underscore follow. It is free again when its job is gone,
and not before: one that waits to be finalized or dismissed still has it. (A job that runs would show that others come
and go: since 9.0 everything is drained when the graph changes.)

Groups: job qmp quick
Source: QA-04, QS-09, UJ-1
"""

from harness.bench import Bench
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 64 * KIB, 0x11)
    target = bench.disk("target", 64 * KIB)
    other_source = bench.disk("other-source", 64 * KIB, 0x22)
    other_target = bench.disk("other-target", 64 * KIB)
    for job_id in ("", "0id", " ", "   ", "123", "_id", "-id", ".id", "#id", "id 0", "id/0", "id\u00e4"):
        bench.mirror(source, target, job_id=job_id)
    for job_id in ("id0", "id_2", "a", "Z-._9", "x" * 200):
        bench.mirror(source, target, job_id=job_id)
        bench.wait_event("BLOCK_JOB_READY", device=job_id)
        bench.execute("job-cancel", id=job_id)
    bench.note("taken while its job is there, pending or concluded")
    bench.mirror(source, target, auto_finalize=False, auto_dismiss=False)
    bench.wait_event("BLOCK_JOB_READY", device="job0")
    bench.execute("job-complete", id="job0")
    bench.wait_event("BLOCK_JOB_PENDING", id="job0")
    bench.mirror(other_source, other_target)
    bench.mirror(source, other_target, job_id="job1")
    bench.execute("job-finalize", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="concluded", id="job0")
    bench.mirror(other_source, other_target)
    bench.execute("job-dismiss", id="job0")
    bench.mirror(other_source, other_target)
    bench.wait_event("BLOCK_JOB_READY", device="job0")
    bench.execute("job-cancel", id="job0")
