"""118-sizes-differ: a target longer or shorter than the source is accepted, and then the job fails before it copies.

Groups: job quick
Source: QA-17, 041-B-small_target, 041-B-large_target, 041-F-small_target, 041-F-large_target, BF-06, QQ-1
"""

from harness import filters
from harness.bench import Bench
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1025 * KIB, 0x11)
    empty = bench.disk("empty", 0)
    for size in (0, 512, 512 * KIB, 1025 * KIB - 512, 1025 * KIB + 512, 2050 * KIB):
        target = bench.disk(f"target-{size}", size)
        bench.mirror(source, target, auto_dismiss=False)
        bench.wait_event("JOB_STATUS_CHANGE", status="concluded")
        bench.say(f"query-jobs {filters.canonical(bench.query('query-jobs'))}")
        bench.execute("job-dismiss", id="job0")
        bench.say(f"requests of the target: {[str(r.operation) for r in target.storage.requests if r.length]}")
    bench.note("and nothing cannot be mirrored to something")
    target = bench.disk("target", 512)
    bench.mirror(empty, target)
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.note("the last byte counts, and auto-dismiss leaves no error to be read")
    bench.say(f"jobs: {bench.query('query-jobs')}")
