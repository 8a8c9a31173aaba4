"""903-prints-elsewhere: what goes to stdout and stderr, in any encoding, stays out of the transcript.

Groups: pass
Source: docs/supervision.md
"""

import os

from harness.bench import Bench


def run(bench: Bench) -> None:
    print("to stdout \udcff")
    os.write(2, b"to stderr \xff\x00\n")
    bench.say("one line")
