"""956-leaves-socket: a socket in the scratch folder fails the case.

Groups: left-behind
Source: docs/supervision.md
"""

import socket

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("forgotten.sock")
