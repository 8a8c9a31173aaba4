"""Runs a case up to some line and draws the block graph as it is then."""

from __future__ import annotations

import tempfile
from pathlib import Path

from harness.bench import Bench
from harness.case_run import load
from harness.cases import Case
from harness.errors import CaseSkipped, UsageError
from harness.implementations.base import Implementation
from harness.transcript import Transcript


class _Reached(BaseException):
    """The line was printed: nothing in the case may catch this."""


class _WatchingTranscript(Transcript):
    """Ends the case at the first line that contains a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def line(self, text: str = "") -> None:
        super().line(text)
        if self._text and self._text in text:
            self._text = ""
            raise _Reached


def draw(case: Case, implementation: Implementation, at: str) -> str:
    """The block graph in the language of Graphviz.

    :param at: part of the line at which to draw; empty for the end of the case.
    :raise CaseSkipped: when the implementation lacks what the case needs.
    :raise UsageError: when the case ended and no line contained the text.
    """
    probe = implementation.probe()
    missing = [feature for feature in case.needs if feature not in probe.features]
    if missing:
        raise CaseSkipped(f"needs {' '.join(missing)}, which {implementation.spec} does not offer")
    run = load(case)
    with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:
        session = implementation.open(Path(folder))
        try:
            bench = Bench(session, _WatchingTranscript(at), probe.features, Path(folder))
            try:
                run(bench)
            except _Reached:
                return bench.draw_graph()
            if at:
                raise UsageError(f"case {case.id} prints no line that contains '{at}'")
            return bench.draw_graph()
        finally:
            session.close()
