"""The console protocol from both sides, and what a console that misbehaves is called."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.consoles.hbitmap_client import HBitmapClient
from harness.consoles.hbitmap_console import serve
from harness.consoles.hbitmap_protocol import ConsoleRefusal
from harness.errors import ImplementationCrash, ImplementationHang, ImplementationUnavailable, ProtocolViolation
from reference_impl.errors import BitmapError
from reference_impl.hbitmap import HBitmap

ROOT = Path(__file__).parents[2]

NewBitmap = Callable[[int, int], Any]

REFERENCE_CONSOLE = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from harness.consoles.hbitmap_console import serve
from reference_impl.errors import BitmapError
from reference_impl.hbitmap import HBitmap
sys.exit(serve(sys.stdin, sys.stdout, HBitmap, refusal=BitmapError))
"""

#: Greets as it should; what it does with the next line is added by each test.
GREETS = "import os, signal, sys; input(); print('hbitmap-console 1', flush=True); input(); "


def console(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def talk(*lines: str) -> list[str]:
    output = io.StringIO()
    assert serve(io.StringIO("".join(line + "\n" for line in lines)), output, HBitmap, refusal=BitmapError) == 0
    return output.getvalue().splitlines()


@pytest.fixture(scope="module")
def client() -> Iterator[HBitmapClient]:
    with HBitmapClient(console(REFERENCE_CONSOLE)) as client:
        yield client


@pytest.fixture(params=["in process", "console"])
def new_bitmap(request: pytest.FixtureRequest, client: HBitmapClient) -> NewBitmap:
    return HBitmap if request.param == "in process" else client.new_bitmap


# Section: the server


def test_session_in_the_documentation_is_what_the_console_answers() -> None:
    text = (ROOT / "docs" / "hbitmap-console.md").read_text()
    session = re.findall(r"^    (?!\$)(.*)$", text.partition("## Lines")[0], re.MULTILINE)
    commands, answers = session[::2], session[1::2]
    assert talk(*commands) == answers


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("", "error unknown command ''"),
        ("explode 0", "error unknown command 'explode'"),
        ("new 5", "error new takes 2 words, not 1"),
        ("next-zero 0", "error next-zero takes 2 to 3 words, not 1"),
        ("count 7", "error no bitmap 7"),
        ("next 0", "error no iterator 0"),
        ("get 0 five", "error 'five' is not a number"),
        ("get 0 1_0", "error '1_0' is not a number"),
        ("get 0 -1", "error item -1 is negative"),
        ("deserialize 0 0 64 2 00", "error '2' is neither 0 nor 1"),
        ("deserialize 0 0 64 1 0g", "error the data is not hexadecimal"),
        ("new 64 64", "error granularity 64 is not between 0 and 63"),
    ],
)
def test_line_that_makes_no_sense_is_answered_with_an_error(line: str, answer: str) -> None:
    assert talk("new 64 0", line, "count 0") == ["0", answer, "0"]


def test_end_of_input_ends_the_console() -> None:
    assert talk("hello") == ["hbitmap-console 1"]
    assert talk("quit", "hello") == ["ok"]


def test_things_that_were_freed_are_gone_and_their_numbers_stay_theirs() -> None:
    lines = ("new 64 0", "iter-new 0", "iter-free 1", "free 0", "next 1", "size 0", "new 64 0")
    assert talk(*lines) == ["0", "1", "ok", "ok", "error no iterator 1", "error no bitmap 0", "2"]


def test_bug_of_a_bitmap_is_no_refusal() -> None:
    def broken(size: int, granularity: int) -> HBitmap:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        serve(io.StringIO("new 1 0\n"), io.StringIO(), broken)


# Section: one test, both sides


def test_one_program_drives_the_reference_in_process_and_through_its_console(new_bitmap: NewBitmap) -> None:
    bitmap = new_bitmap(4100, 1)
    assert (bitmap.size, bitmap.granularity, bitmap.count, bitmap.serialization_alignment) == (4100, 1, 0, 128)
    bitmap.set(63, 66)
    assert bitmap.count == 68
    assert bitmap.get(62)
    assert not bitmap.get(61)
    bitmap.reset(64, 2)
    assert bitmap.next_zero(62) == 64
    assert bitmap.next_zero(62, 2) == -1
    assert bitmap.next_dirty(64) == 66
    assert bitmap.next_dirty(64, 2) == -1
    assert bitmap.next_dirty_area(64, 4100) == (66, 64)
    assert bitmap.next_dirty_area(64, 4100, 5) == (66, 5)
    assert bitmap.next_dirty_area(200, 4100) is None
    assert bitmap.status(66, 100) == (True, 64)
    iterator = bitmap.iterator(60)
    assert [iterator.next(advance=False), iterator.next(), iterator.next()] == [62, 62, 66]

    other = new_bitmap(4100, 0)
    other.set(0, 1)
    result = new_bitmap(4100, 3)
    result.merge(bitmap, other, result)
    assert result.count == 8 + 8 + 72
    other.merge_from(bitmap)
    assert other.count == 1 + 66

    meta = other.create_meta(8)
    other.set(4096, 1)
    assert meta.next_dirty_area(0, 4100) == (4096, 4)
    other.free_meta()

    assert other.serialization_size(0, 4100) == 520
    assert other.serialize_part(64, 0) == b""
    copy = new_bitmap(4100, 0)
    copy.deserialize_part(other.serialize_part(0, 4100), 0, 4100, finish=False)
    copy.deserialize_finish()
    assert copy.count == other.count
    assert copy.sha256() == other.sha256()
    copy.deserialize_ones(64, 64, finish=True)
    copy.deserialize_zeroes(0, 64, finish=True)
    assert copy.next_dirty_area(0, 4100) == (64, 66)
    copy.reset_all()
    assert copy.count == 0
    bitmap.truncate(64)
    assert bitmap.count == 2
    with pytest.raises(ValueError, match=r"^the bitmap was truncated after this iterator was made$"):
        iterator.next()
    with pytest.raises(ValueError, match=r"^start 0 plus count 65 is past the size 64$"):
        bitmap.set(0, 65)
    with pytest.raises(ValueError, match=r"^size -1 is negative$"):
        new_bitmap(-1, 0)


def test_client_frees_what_it_was_given(client: HBitmapClient) -> None:
    bitmap = client.new_bitmap(64)
    iterator = bitmap.iterator()
    iterator.free()
    with pytest.raises(ConsoleRefusal, match=r"^no iterator [0-9]+$"):
        iterator.next()
    bitmap.free()
    with pytest.raises(ConsoleRefusal, match=r"^no bitmap [0-9]+$"):
        bitmap.count  # noqa: B018


# Section: consoles that misbehave


def test_console_that_cannot_be_started_is_unavailable(tmp_path: Path) -> None:
    program = tmp_path / "missing"
    with pytest.raises(
        ImplementationUnavailable, match=f"^hbitmap console '{re.escape(str(program))}': no such program$"
    ):
        HBitmapClient([program])


@pytest.mark.parametrize(
    ("end", "how"),
    [
        ("sys.exit('bitmap on fire')", "ended with status 1"),
        ("os._exit(0)", "ended with status 0"),
        ("os.kill(os.getpid(), signal.SIGABRT)", "was killed by SIGABRT"),
        ("print('3', end='', flush=True); os._exit(3)", "ended with status 3"),
    ],
)
def test_console_that_ends_instead_of_answering_is_a_crash(end: str, how: str) -> None:
    with (
        HBitmapClient(console(GREETS + end)) as client,
        pytest.raises(ImplementationCrash, match=f"^hbitmap console {how} at 'new 64 0'$") as caught,
    ):
        client.new_bitmap(64)
    assert caught.value.detail == ("bitmap on fire\n" if "fire" in end else "")


def test_console_that_gives_no_answer_is_a_hang() -> None:
    # The limit is short because this console never answers, however long one waits.
    with HBitmapClient(console(GREETS + "signal.pause()")) as client:
        client._spawn.timeout = client._answer_limit_s = 0.05
        with pytest.raises(ImplementationHang, match=r"^hbitmap console: no answer to 'new 64 0' in 0.05 s$"):
            client.new_bitmap(64)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("print('whatever')", "hbitmap console: 'whatever' is no answer to 'new 64 0'"),
        ("print('')", "hbitmap console: '' is no answer to 'new 64 0'"),
        (r"sys.stdout.buffer.write(b'\xff\n')", "hbitmap console: the answer to 'new 64 0' is not UTF-8"),
    ],
)
def test_console_that_answers_nonsense_violates_the_protocol(answer: str, message: str) -> None:
    with (
        HBitmapClient(console(GREETS + answer)) as client,
        pytest.raises(ProtocolViolation, match=f"^{message}$"),
    ):
        client.new_bitmap(64)


def test_console_of_another_version_violates_the_protocol() -> None:
    with pytest.raises(ProtocolViolation, match=r"^hbitmap console: 'hbitmap-console 2' is no answer to 'hello'$"):
        HBitmapClient(console("input(); print('hbitmap-console 2')"))
