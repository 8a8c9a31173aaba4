"""120-cancel: a cancel before READY ends the job at once, a soft one after READY completes it, a forced one does not.

Groups: job quick
Source: QE-02, QE-03, QE-04, 218-1, 218-2, 218-3, 218-4
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    for number, (verb, arguments) in enumerate(
        (
            ("block-job-cancel", {"device": "job0"}),
            ("block-job-cancel", {"device": "job0", "force": True}),
            ("job-cancel", {"id": "job0"}),
        )
    ):
        bench.note("before READY: cancelled, whether forced or not")
        target = bench.disk(f"early-{number}", 1 * MIB)
        bench.mirror(source, target, speed=1, buf_size=GRANULE)
        bench.show_progress()
        bench.execute(verb, arguments)
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.say(f"jobs left: {bench.query('query-jobs')}")

        bench.note("after READY: soft completes, forced and job-cancel cancel")
        target = bench.disk(f"late-{number}", 1 * MIB)
        bench.mirror(source, target)
        bench.wait_event("BLOCK_JOB_READY")
        bench.execute(verb, arguments)
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.compare(source, target)
        bench.say(f"jobs left: {bench.query('query-jobs')}")
        names = sorted(node["node-name"] for node in bench.query("query-named-block-nodes"))
        bench.say(f"nodes left: {names}")
