"""122-cancel-paused: a soft cancel of a job that its user has paused is refused; force and job-cancel end it.

Groups: job quick
Source: QS-06, QE-09, UJ-4, UJ-6, 229-1, BF-16
"""

from harness.bench import Bench
from harness.job_course import leave, reach, show_state
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 256 * KIB, 0x11)
    target = bench.disk("target", 256 * KIB)
    for state in ("paused", "standby"):
        for command, arguments in (
            ("job-cancel", {"id": "job0"}),
            ("block-job-cancel", {"device": "job0", "force": True}),
        ):
            reach(bench, state, source, target)
            bench.execute("block-job-cancel", device="job0")
            bench.execute("block-job-cancel", device="job0", force=False)
            show_state(bench)
            bench.execute(command, arguments)
            leave(bench, source)
