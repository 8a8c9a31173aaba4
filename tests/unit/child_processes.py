"""What tests of processes share: a child that says when it is there, and code in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from harness import processes

READY_THEN_SLEEP = "echo ready; exec sleep 1000"
"""A script for `start_ready` that runs until it is killed."""

LIMIT_S = 30.0
"""Only a hang takes this long."""


def start_ready(script: str) -> processes.Child:
    """Start a script that says ``ready`` on stdout, so that a test waits for an event and not for a time."""
    child = processes.start(["/bin/sh", "-c", script], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.read(6) == b"ready\n"
    return child


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code that changes the whole process (a sub-reaper stays one) in one of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=LIMIT_S)
