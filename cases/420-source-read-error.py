"""420-source-read-error: the background copy cannot read the source: report, ignore or stop.

Groups: background error quick
Source: QE-10, QE-11, QE-12, QE-13, 041-I-report_read, 041-I-ignore_read, 041-I-stop_read
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB
BAD = 1 * MIB


def run(bench: Bench) -> None:
    bench.note("report: the job ends with the error")
    source = bench.disk("source-report", 2 * MIB, 0x11)
    target = bench.disk("target-report", 2 * MIB)
    source.fail("read", offset=BAD, length=512)
    bench.mirror(source, target, on_source_error="report")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.say(f"jobs left: {bench.query('query-jobs')}")

    bench.note("ignore: the range stays dirty and is tried again")
    source = bench.disk("source-ignore", 2 * MIB, 0x11)
    target = bench.disk("target-ignore", 2 * MIB)
    source.fail("read", offset=BAD, length=512)
    bench.mirror(source, target, on_source_error="ignore")
    bench.wait_event("BLOCK_JOB_READY")
    bench.show_job()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")

    bench.note("stop: paused until somebody resumes; an error that is still there stops it again")
    source = bench.disk("source-stop", 2 * MIB, 0x11)
    target = bench.disk("target-stop", 2 * MIB)
    source.fail("read", offset=BAD, length=512, count=2)
    bench.mirror(source, target, on_source_error="stop")
    bench.wait_event("JOB_STATUS_CHANGE", status="paused")
    bench.show_job()
    bench.execute("job-resume", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="paused")
    bench.show_job()
    bench.execute("job-resume", id="job0")
    bench.wait_event("BLOCK_JOB_READY")
    bench.show_job()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
