"""953-leaves-thread: a thread that is not joined fails the case.

Groups: left-behind
Source: docs/supervision.md
"""

import threading

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    threading.Thread(target=threading.Event().wait, name="forgotten", daemon=True).start()
