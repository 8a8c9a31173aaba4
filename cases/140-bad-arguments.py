"""140-bad-arguments: twelve things that cannot be, each refused with its own words and without a trace.

Groups: job qmp quick
Source: QA-01, QA-02, QA-03, QA-06, QA-07, QA-08, QA-11, QA-12, QS-01, QS-02, QS-03
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)

    bench.note("blockdev-mirror: the node that is not there, the other one, and the same one twice")
    bench.mirror("nope", target)
    bench.mirror(source, "nope")
    bench.mirror(source, source)
    bench.note("sync: a mode that there is not, and one that a mirror has not")
    bench.mirror(source, target, sync="bogus")
    bench.mirror(source, target, sync="incremental")
    bench.note("speed, granularity and buf-size")
    bench.mirror(source, target, speed=-1)
    for granularity in (1, 511, 128 * MIB, 513, 1000, -1, 2**32, "x"):
        bench.mirror(source, target, granularity=granularity)
    for buf_size in (-1, "x"):
        bench.mirror(source, target, buf_size=buf_size)
    bench.note("filter-node-name and copy-mode")
    for name in ("1x", "", "#a", "source"):
        bench.mirror(source, target, filter_node_name=name)
    bench.mirror(source, target, copy_mode="bogus")
    bench.note("a job that there is not: two families, two errors")
    bench.execute("block-job-pause", device="job0")
    bench.execute("job-pause", id="job0")
    bench.say(f"jobs: {bench.query('query-jobs')}")
    bench.say(f"nodes: {sorted(node['node-name'] for node in bench.query('query-named-block-nodes'))}")

    bench.note("verbs that the state does not allow; the job goes on as if nothing had been said")
    bench.mirror(source, target, speed=1, buf_size=GRANULE, auto_finalize=False, auto_dismiss=False)
    for verb in ("complete", "finalize", "dismiss"):
        bench.execute(f"job-{verb}", id="job0")
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    for verb in ("finalize", "dismiss"):
        bench.execute(f"job-{verb}", id="job0")
    bench.execute("job-complete", id="job0")
    bench.wait_event("BLOCK_JOB_PENDING")
    for verb in ("pause", "complete", "dismiss"):
        bench.execute(f"job-{verb}", id="job0")
    bench.execute("job-finalize", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="concluded")
    for verb in ("cancel", "pause", "complete", "finalize"):
        bench.execute(f"job-{verb}", id="job0")
    bench.execute("job-dismiss", id="job0")
    bench.require_equal(source, target)
