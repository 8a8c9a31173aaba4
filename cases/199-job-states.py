"""199-job-states: which state may follow which, and in which state which verb is allowed; everything else is not.

The tables of a model as they are. What leads from an allowed cell to an observable end is shown by other cases; that a
forbidden transition is not taken is not, since only a model with another mistake would try to take it.

Groups: job quick
Needs: job-states
Source: QV-1, QV-2, QV-3, QV-4, QV-5, QV-6, QV-7, QV-8
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    transitions, verbs = bench.session.job_states()
    for state, following in transitions.items():
        bench.say(f"{state} -> {' '.join(following) or 'nothing'}")
    for verb, states in verbs.items():
        bench.say(f"{verb}: {' '.join(states)}")
    count = sum(map(len, transitions.values())), sum(map(len, verbs.values()))
    bench.say(f"{count[0]} transitions and {count[1]} verbs are allowed")
