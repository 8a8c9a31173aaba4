"""``mirrorcheck explore`` that is stopped with Ctrl-C says what it has come to."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CPU_S = 1.0
"""Within so much of a processor at least one of a scenario's schedules is run; it has more than a hundred thousand."""

LIMIT_S = 250.0
"""Catches a hang only."""

RUN = """
import signal, sys
from harness.cli import main
# Whoever runs the tests in the background of a shell has SIGINT ignored, and so have we.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main(sys.argv[1:]))
"""


def used_cpu_s(pid: int) -> float:
    """Of a process and those that it has forked, but for those that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own_s + sum(used_cpu_s(int(child)) for child in children)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_interrupted_exploration_tells_its_counts_and_what_is_left(jobs: str) -> None:
    command = [sys.executable, "-c", RUN, "explore", "one-writer", "crossing-writers", "-p", "3", "-j", jobs]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        first = [process.stdout.readline()]
        while first[-1] not in ("    nothing is left\n", ""):
            first.append(process.stdout.readline())
        used_s, began_s = used_cpu_s(process.pid), time.monotonic()
        while used_cpu_s(process.pid) < used_s + CPU_S and time.monotonic() < began_s + LIMIT_S:
            time.sleep(0.05)  # nothing but its use of the processor tells how far it is
        process.send_signal(signal.SIGINT)
        second, error = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, error) == (2, "")
    assert first[0].startswith("one-writer: at most 3 preemptions, ")
    assert first[-1] == "    nothing is left\n"
    assert "crossing-writers: at most 3 preemptions, " in second
    assert re.search(r"^    [1-9]\d* schedules, [1-9]\d* steps, at most \d+ in one$", second, re.MULTILINE)
    assert re.search(r"^    \d+ classes of equivalent schedules of about \d+$", second, re.MULTILINE)
    assert re.search(r"^    at least [1-9]\d* schedules are left\ninterrupted\n\Z", second, re.MULTILINE)
