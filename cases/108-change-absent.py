"""108-change-absent: a program that cannot change a job says that it does not know the command, as of any other.

One that can looks for the job.

Groups: job qmp quick
Source: QS-15, QS-01, QV-8
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.execute("block-job-change", {"id": "job0", "type": "mirror", "copy-mode": "write-blocking"})
    bench.execute("there-is-no-such-command")
    bench.execute("Job-Pause", id="job0")
    bench.execute("")
