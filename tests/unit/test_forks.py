"""Forked processes that each do one thing: what comes back, what is said when nothing does, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.forks import INTERRUPTED, Unanswered, in_processes

LIMIT_S = 60.0
"""Catches a hang only."""


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Whoever runs the tests in the background of a shell has SIGINT ignored, and so have we."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


def measure(name: str) -> int:
    match name:
        case "wrong":
            raise UsageError("there is no wrong")
        case "bug":
            raise KeyError(name)
        case "dies":
            os.kill(os.getpid(), signal.SIGKILL)
    return len(name)


def test_each_name_has_its_answer_and_no_error_is_lost() -> None:
    names = ["one", "wrong", "bug", "dies", "seven"]
    answers = dict(in_processes(names, measure, 2))
    assert sorted(answers) == sorted(names)
    assert (answers["one"], answers["seven"]) == (3, 5)
    wrong, bug, dies = (answers[name] for name in ("wrong", "bug", "dies"))
    assert isinstance(wrong, Unanswered)
    assert isinstance(wrong.error, UsageError)
    assert (wrong.reason, str(wrong.error), wrong.detail) == (
        "UsageError: there is no wrong",
        "there is no wrong",
        "",
    )
    assert isinstance(bug, Unanswered)
    assert bug.reason == "KeyError: 'bug'"
    assert bug.detail.startswith("Traceback (most recent call last):\n")
    assert isinstance(dies, Unanswered)
    assert dies.reason == "its process was killed by SIGKILL"


def test_interrupt_is_passed_on_and_what_those_under_way_say_comes_first() -> None:
    is_ready, ready = os.pipe()

    def wait_for_the_end(name: str) -> str:
        """Interrupt the parent from the second one, once the first one is there, and be interrupted."""
        try:
            if name == "first":
                os.write(ready, b"!")
            else:
                os.read(is_ready, 1)
                os.kill(os.getppid(), signal.SIGINT)
            time.sleep(LIMIT_S)
        except KeyboardInterrupt:
            return f"{name} had this much"
        return f"{name} was not interrupted"

    answers: dict[str, object] = {}
    with pytest.raises(KeyboardInterrupt):
        answers.update(in_processes(["first", "second", "third"], wait_for_the_end, 2, lets_finish=True))
    assert answers == {"first": "first had this much", "second": "second had this much"}
    os.close(is_ready)
    os.close(ready)


def interrupt_parent(name: str) -> str:
    os.kill(os.getppid(), signal.SIGINT)
    time.sleep(LIMIT_S)
    return name


def test_who_says_nothing_of_an_interrupt_is_said_to_be_interrupted() -> None:
    answers: dict[str, object] = {}
    with pytest.raises(KeyboardInterrupt):
        answers.update(in_processes(["only"], interrupt_parent, 2, lets_finish=True))
    assert answers == {"only": INTERRUPTED}


def test_interrupt_ends_the_others_at_once() -> None:
    answers: dict[str, object] = {}
    with pytest.raises(KeyboardInterrupt):
        answers.update(in_processes(["only"], interrupt_parent, 2))
    assert answers == {}


def test_what_a_killed_process_has_made_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def make_and_interrupt(name: str) -> str:
        with tempfile.TemporaryDirectory():
            return interrupt_parent(name)

    with pytest.raises(KeyboardInterrupt):
        list(in_processes(["only"], make_and_interrupt, 2))
    assert list(tmp_path.iterdir()) == []
