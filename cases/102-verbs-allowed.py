"""102-verbs-allowed: each verb does its work in each state that allows it, whichever command says it.

A new job for every command. What a cancel before READY cancels, a soft one after READY completes; a forced one never
does. A job that is paused and cancelled goes on first, and then aborts.

Groups: job qmp quick
Source: QV-1, QV-2, QV-3, QV-4, QV-5, QV-6, QV-7, QE-01, QE-02, QE-03, QE-04, QE-07, QE-08, QE-09, QS-06, QS-13, QS-14,
    UJ-2, UJ-3, UJ-4, UJ-5, UJ-6, UJ-7
"""

from harness.bench import Bench
from harness.job_course import ALLOWED_IN, VERB_COMMANDS, leave, reach, show_state
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 256 * KIB, 0x11)
    target = bench.disk("target", 256 * KIB)
    for verb, states in ALLOWED_IN.items():
        if verb == "change":
            continue
        for state in states:
            for command, arguments in VERB_COMMANDS[verb]:
                bench.note(f"{verb} in {state}")
                reach(bench, state, source, target)
                bench.execute(command, arguments)
                if state == "running":
                    source.let_everything_pass()
                    bench.wait_until(lambda: at_rest(bench), "the job to come to rest")
                show_state(bench)
                leave(bench, source)


def at_rest(bench: Bench) -> bool:
    """Whether the job waits for somebody, or is gone."""
    status = bench.job().get("status")
    return status in (None, "paused", "ready", "concluded")
