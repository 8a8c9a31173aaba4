"""A console as an implementation: what it says it offers, what it is asked for, and how its failures are named."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import implementations
from harness.bench import Bench
from harness.errors import (
    CaseSkipped,
    Disagreement,
    ImplementationCrash,
    ImplementationHang,
    ImplementationUnavailable,
    ProtocolViolation,
    UsageError,
)
from harness.implementations.base import Implementation
from harness.transcript import Transcript

ROOT = Path(__file__).parents[2]

#: A console whose answers a test replaces, by the first word of the command.
PROGRAM = """
import os, signal, sys
sys.path.insert(0, {root!r})
from harness.consoles.hbitmap_console import HBitmapConsole
from reference_impl.errors import BitmapError
from reference_impl.hbitmap import HBitmap
console = HBitmapConsole(HBitmap, refusal=BitmapError)
for line in sys.stdin:
    answer = console.answer(line)
    name, *words = line.split()
    {body}
    print(answer, flush=True)
"""


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Implementation]:
    def make(body: str) -> Implementation:
        program = tmp_path / "my console.py"
        program.write_text(PROGRAM.format(root=str(ROOT), body=body))
        return implementations.parse(f"hbitmap-console:{sys.executable} '{program}'")

    return make


def bench_of(implementation: Implementation, folder: Path, limit_s: float = 30.0) -> Bench:
    return Bench(implementation.open(folder, limit_s), Transcript(), implementation.probe().features, folder)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("hbitmap-console", "implementation 'hbitmap-console': it needs the command that starts the console"),
        ("hbitmap-console: ", "implementation 'hbitmap-console: ': it needs the command that starts the console"),
        ("hbitmap-console:a 'b", "implementation 'hbitmap-console:a 'b': no closing quotation"),
    ],
)
def test_command_that_is_none_is_a_mistake_of_the_user(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        implementations.parse(spec)


def test_command_that_cannot_be_started_is_unavailable(tmp_path: Path) -> None:
    implementation = implementations.parse(f"hbitmap-console:{tmp_path}/none --at-all")
    with pytest.raises(ImplementationUnavailable, match=r"^hbitmap console '.*/none': no such program$"):
        implementation.probe()


def test_features_are_what_the_console_says(make: Callable[[str], Implementation]) -> None:
    implementation = make("answer = 'peek status' if name == 'features' else answer")
    probe = implementation.probe()
    assert probe.version == "hbitmap-console 1"
    assert probe.features == {"hbitmap", "hbitmap-peek", "hbitmap-status"}


@pytest.mark.parametrize("answer", ["none", "error unknown command"])
def test_console_without_features_is_a_bitmap_still(make: Callable[[str], Implementation], answer: str) -> None:
    assert make(f"answer = {answer!r} if name == 'features' else answer").probe().features == {"hbitmap"}


def test_feature_that_there_is_not_violates_the_protocol(make: Callable[[str], Implementation]) -> None:
    with pytest.raises(ProtocolViolation, match=r"^hbitmap console: there is no feature 'peeek'$"):
        make("answer = 'peeek' if name == 'features' else answer").probe()


def test_case_that_wants_more_than_a_bitmap_is_skipped(make: Callable[[str], Implementation], tmp_path: Path) -> None:
    bench = bench_of(make("pass"), tmp_path)
    try:
        with pytest.raises(CaseSkipped, match=r"^needs disks, which a bitmap console does not offer$"):
            bench.disk("source", 512)
        with pytest.raises(CaseSkipped, match=r"^needs disks, which a bitmap console does not offer$"):
            bench.session.open_guest("source")
        with pytest.raises(CaseSkipped, match=r"^needs the command query-jobs, which a bitmap console does not offer$"):
            bench.execute("query-jobs")
        with pytest.raises(ImplementationHang, match=r"^nothing can happen in a bitmap console, and X is waited for$"):
            bench.session.wait(lambda: False, "X")
        with pytest.raises(ImplementationHang, match=r"^nothing can happen in a bitmap console$"):
            bench.session.let_time_pass()
    finally:
        bench.session.close()


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (
            "if name == 'set': os._exit(7)",
            ImplementationCrash,
            "hbitmap console ended with status 7 at 'set 0 1 2'",
        ),
        (
            "answer = 'fine' if name == 'set' else answer",
            ProtocolViolation,
            "hbitmap console: 'fine' is no answer to 'set 0 1 2'",
        ),
        (
            "answer = 'error no' if name == 'set' else answer",
            Disagreement,
            "set 1+2 was refused: no",
        ),
        (
            "if name == 'next' and answer != '1': os.abort()",
            ImplementationCrash,
            "hbitmap console was killed by SIGABRT at 'next 1'",
        ),
        (
            "answer = 'one' if name == 'next' and answer == '2' else answer",
            ProtocolViolation,
            "hbitmap console: 'one' is no answer to 'next 1'",
        ),
        (
            "answer = '3' if name == 'peek' and answer == '2' else answer",
            Disagreement,
            "the iterator showed 3 without advancing, and gave 2",
        ),
        (
            "answer = answer.replace('2', '1') if name in ('peek', 'next') else answer",
            Disagreement,
            "the iterator gave 1 after 1",
        ),
        (
            "answer += '\\n1' if name == 'set' else ''",
            ProtocolViolation,
            "hbitmap console: '1' was not asked for by 'set 0 1 2'",
        ),
    ],
)
def test_console_that_fails_in_a_case_fails_by_name(
    make: Callable[[str], Implementation], tmp_path: Path, body: str, error: type[Exception], message: str
) -> None:
    bench = bench_of(make(body), tmp_path)
    try:
        bitmap = bench.bitmap(64)
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            bitmap.set(1, 2)
    finally:
        bench.session.close()


def test_console_that_hangs_in_the_midst_of_a_walk_is_a_hang(
    make: Callable[[str], Implementation], tmp_path: Path
) -> None:
    bench = bench_of(make("if name == 'next' and answer == '2': signal.pause()"), tmp_path, limit_s=30.0)
    try:
        bitmap = bench.bitmap(64)
        bitmap.ask("set", lambda: bitmap.bitmap.set(1, 2))
        # From here on it does not answer any more, however long one waits.
        bench.session._client._answer_limit_s = 0.2  # type: ignore[attr-defined]
        with pytest.raises(ImplementationHang, match=r"^hbitmap console: no answer to 'next 1' in 0.2 s$"):
            bitmap.show()
    finally:
        bench.session.close()
