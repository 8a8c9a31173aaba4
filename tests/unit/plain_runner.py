"""A runner without a bench, for tests of the machinery around it: a case is a function that is handed ``say``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from harness.transcript import Transcript
from harness.worker import Identity, Order


def run_plainly(order: Order, file: BinaryIO, scratch: Path, begin: Callable[[Identity], None]) -> None:
    """Run the file's ``run(say)``; say(text) prints one line."""
    begin(Identity("1.0", ["feature"]))
    path = order.task.case_path
    namespace: dict[str, object] = {"__name__": "case", "scratch": scratch}
    exec(compile(Path(path).read_text(), path, "exec"), namespace)
    run = namespace["run"]
    assert callable(run)
    transcript = Transcript(file)
    run(lambda value: transcript.line(str(value)))
