"""943-swallows-everything: a case that catches every exception is ended all the same.

Groups: hang
Source: docs/supervision.md
"""

import signal

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    while True:
        try:
            signal.pause()
        except BaseException as error:
            bench.say(repr(error))
