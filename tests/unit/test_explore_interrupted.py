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

CPU_S = 5.0
"""By then the program explores its second scenario, which takes minutes."""

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
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
def test_interrupted_exploration_tells_its_counts_and_what_is_left() -> None:
    command = [sys.executable, "-c", RUN, "explore", "one-writer", "crossing-writers", "-p", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        began_s = time.monotonic()
        while used_cpu_s(process.pid) < CPU_S and process.poll() is None and time.monotonic() < began_s + LIMIT_S:
            time.sleep(0.05)  # nothing but its use of the processor tells how far it is
        process.send_signal(signal.SIGINT)
        output, error = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, error) == (2, "")
    first, _, second = output.partition("crossing-writers: ")
    assert first.startswith("one-writer: at most 3 preemptions, ")
    assert "    nothing is left\n" in first
    assert second.startswith("at most 3 preemptions, ")
    assert re.search(r"^    [1-9]\d* schedules, [1-9]\d* steps, at most \d+ in one$", second, re.MULTILINE)
    assert re.search(r"^    \d+ classes of equivalent schedules of about \d+$", second, re.MULTILINE)
    assert re.search(r"^    at least [1-9]\d* schedules are left\ninterrupted\n\Z", second, re.MULTILINE)
