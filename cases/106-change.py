"""106-change: the copy mode of a running job can be switched once, to active, in every state before the end.

Switching to what it is changes nothing and is no error; the way back is not offered. From WAITING on, and when the job
is gone, the verb is refused as any other is.

Groups: job qmp quick
Needs: block-job-change
Source: QV-8, QS-16, QS-17, QS-20, QS-01, QS-03, GAP-08
"""

from harness.bench import Bench
from harness.job_course import ALLOWED_IN, LASTING_STATES, VERB_COMMANDS, leave, reach, show_state
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 256 * KIB, 0x11)
    target = bench.disk("target", 256 * KIB)
    ((command, to_active),) = VERB_COMMANDS["change"]
    to_background = to_active | {"copy-mode": "background"}
    for state in LASTING_STATES:
        bench.note(f"change in {state}")
        reach(bench, state, source, target)
        for arguments in (to_background, to_active, to_active, to_background):
            bench.execute(command, arguments)
        if state in ALLOWED_IN["change"]:
            bench.execute(command, id="job0", type="mirror")
            bench.execute(command, to_active | {"copy-mode": "bogus"})
            bench.execute(command, to_active | {"type": "bogus"})
            bench.execute(command, to_active | {"bogus": 1})
        show_state(bench)
        leave(bench, source)
    bench.note("a job that there is not")
    bench.execute(command, to_active)
    bench.execute(command)
    bench.execute(command, id="job0")
