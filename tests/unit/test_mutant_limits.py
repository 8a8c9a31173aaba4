"""The limits of a mutant: what runs on for ever or fills the memory is ended, and nothing else is."""

from __future__ import annotations

import resource
import signal

import pytest

from harness.errors import ImplementationCrash, ImplementationHang
from harness.mutants.limits import limited


def limits() -> tuple[object, ...]:
    return (
        resource.getrlimit(resource.RLIMIT_AS),
        signal.getitimer(signal.ITIMER_PROF),
        signal.getsignal(signal.SIGPROF),
    )


def run_on() -> None:
    while True:
        pass


def test_model_that_fills_the_memory_has_crashed_and_the_limit_ends_with_it() -> None:
    before = limits()
    with (
        pytest.raises(ImplementationCrash, match=r"^it fills the memory: with 64 MiB more$"),
        limited(memory_bytes=64 << 20),
    ):
        bytearray(256 << 20)
    assert limits() == before
    bytearray(256 << 20)


def test_model_that_runs_on_hangs_and_the_limit_ends_with_it() -> None:
    before = limits()
    with pytest.raises(ImplementationHang, match=r"^it runs on and on: it has worked for 0\.01 s$"), limited(0.01):
        run_on()
    assert limits() == before


def test_what_needs_little_is_left_alone() -> None:
    before = limits()
    with limited():
        bytearray(1 << 20)
    assert limits() == before
