"""Runs commands in this process, in a folder that holds a suite of tiny cases, with results of its own."""

from __future__ import annotations

import re
from pathlib import Path

import fake_suite
import pytest
from fake_suite import make_suite

from harness import cli

DURATION = re.compile(r" +\d+ ms$|  \d+\.\d s$", re.MULTILINE)


class CommandLine:
    """A program that is called.

    :ivar root: the suite's folder, which is the working directory. :ivar results: the results folder.
    """

    def __init__(self, root: Path, results: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.results = results
        self._capture = capture

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Return exit status, standard output without durations, and standard error."""
        status = cli.main(arguments)
        captured = self._capture.readouterr()
        return status, DURATION.sub("", captured.out), captured.err

    def latest(self) -> Path:
        """The folder of the last run."""
        return (self.results / "latest").resolve()


def make(tmp_path: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> CommandLine:
    """Make one, with the cases 100-life and 310-active-writes that say hello."""
    fake_suite.install(patch)
    results = tmp_path / "results"
    patch.setenv("MIRRORCHECK_RESULTS", str(results))
    root = tmp_path / "suite"
    make_suite(root, {"100-life": "", "310-active-writes": ""})
    patch.chdir(root)
    return CommandLine(root, results, capture)
