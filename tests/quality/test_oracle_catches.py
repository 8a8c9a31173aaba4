"""Storage that is wrong on purpose: the oracle has to notice, every time, and by the right name.

The reference mirrors one disk to another while a guest writes, and one of the disks does what no disk may. The same
runs with honest disks must raise nothing, or the oracle would only be afraid of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from oracle_runs import (
    SIZE,
    AcknowledgesEarly,
    DropsFlushes,
    FlipsABit,
    LosesWrites,
    Misdirects,
    Run,
    SwapsData,
    SwapsTwoWrites,
    TearsWrites,
    WrongStorage,
    everything,
)

from harness.implementations.reference import Reference
from harness.oracle import OracleViolation, Rule
from harness.storage import HeldStorage, Operation

SEEDS = range(12)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[HeldStorage, HeldStorage, int], Run]]:
    runs: list[Run] = []

    def make(source: HeldStorage, target: HeldStorage, seed: int) -> Run:
        runs.append(Run(Reference().open(tmp_path), source, target, seed))
        return runs[-1]

    yield make
    for run in runs:
        run.session.close()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("copy_mode", ["background", "write-blocking", "write-async", "read-write-blocking"])
def test_oracle_on_honest_disks_finds_nothing(
    start: Callable[[HeldStorage, HeldStorage, int], Run], copy_mode: str, seed: int
) -> None:
    source, target = DropsFlushes("source", SIZE), DropsFlushes("target", SIZE)
    run = start(source, target, seed)
    everything(run, copy_mode, [])
    assert source.wrongs == 0
    assert run.oracle.violations == []


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("wrong", [SwapsTwoWrites, SwapsData, AcknowledgesEarly, LosesWrites, Misdirects, TearsWrites])
def test_oracle_when_target_loses_what_was_acknowledged_names_it(
    start: Callable[[HeldStorage, HeldStorage, int], Run], wrong: type[WrongStorage], seed: int
) -> None:
    target = wrong("target", SIZE)
    run = start(HeldStorage("source", SIZE), target, seed)
    with pytest.raises(
        OracleViolation, match=r"^the oracle: acknowledged-on-target: sector \d+ \(byte \d+\): "
    ) as info:
        everything(run, "write-blocking", [target])
    assert target.wrongs > 0
    first = info.value.violations[0]
    assert first.rule is Rule.ACKNOWLEDGED
    assert first.source_value != first.target_value


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("wrong", [LosesWrites, Misdirects, TearsWrites])
def test_oracle_when_source_does_a_write_wrongly_names_it(
    start: Callable[[HeldStorage, HeldStorage, int], Run], wrong: type[WrongStorage], seed: int
) -> None:
    source = wrong("source", SIZE)
    run = start(source, HeldStorage("target", SIZE), seed)
    with pytest.raises(OracleViolation, match=r"^the oracle: guest-disk-lawful: sector "):
        everything(run, "write-blocking", [source])


@pytest.mark.parametrize("seed", SEEDS)
def test_oracle_when_source_drops_a_flush_names_it(
    start: Callable[[HeldStorage, HeldStorage, int], Run], seed: int
) -> None:
    source = DropsFlushes("source", SIZE)
    run = start(source, HeldStorage("target", SIZE), seed)
    with pytest.raises(OracleViolation, match=r"^the oracle: durable-after-flush: sector "):
        everything(run, "write-blocking", [source])
    assert source.wrongs == 1


@pytest.mark.parametrize("copy_mode", ["background", "write-blocking"])
def test_oracle_when_target_drops_the_flush_before_ready_names_it(
    start: Callable[[HeldStorage, HeldStorage, int], Run], copy_mode: str
) -> None:
    target = DropsFlushes("target", SIZE)
    target.armed = True
    run = start(HeldStorage("source", SIZE), target, 0)
    with pytest.raises(OracleViolation, match=r"^the oracle: flushed-at-ready: sector "):
        everything(run, copy_mode, [])


@pytest.mark.parametrize("copy_mode", ["background", "write-blocking"])
def test_oracle_when_target_drops_the_last_flush_names_it(
    start: Callable[[HeldStorage, HeldStorage, int], Run], copy_mode: str
) -> None:
    target = DropsFlushes("target", SIZE)
    run = start(HeldStorage("source", SIZE), target, 0)
    run.start(copy_mode)
    run.wait_ready()
    target.armed = True
    run.write_somewhere(3)
    with pytest.raises(OracleViolation, match=r"^the oracle: flushed-at-end: sector "):
        run.complete()


def test_oracle_when_a_guest_reads_what_was_never_written_names_it(
    start: Callable[[HeldStorage, HeldStorage, int], Run],
) -> None:
    source = FlipsABit("source", SIZE)
    run = start(source, HeldStorage("target", SIZE), 0)
    run.start("write-blocking")
    run.wait_ready()
    source.armed = True
    with pytest.raises(OracleViolation, match=r"^the oracle: read-lawful: sector 1 \(byte 512\): "):
        run.request(Operation.READ, 512, 512)


def test_oracle_when_a_copy_brings_what_the_source_never_held_names_it(
    start: Callable[[HeldStorage, HeldStorage, int], Run],
) -> None:
    source = FlipsABit("source", SIZE)
    source.armed = True
    run = start(source, HeldStorage("target", SIZE), 0)
    with pytest.raises(OracleViolation, match=r"^the oracle: foreign-data: sector 0 \(byte 0\): "):
        run.start("background")


def test_oracle_when_target_loses_a_background_copy_names_it(
    start: Callable[[HeldStorage, HeldStorage, int], Run],
) -> None:
    target = LosesWrites("target", SIZE)
    target.armed = True
    run = start(HeldStorage("source", SIZE), target, 0)
    with pytest.raises(OracleViolation, match=r"its granule is neither dirty nor in flight$") as info:
        everything(run, "background", [])
    assert info.value.violations[0].rule is Rule.DIRTY
