"""What only write-async and read-write-blocking promise is judged too: in every case, by rules of their own."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from oracle_runs import GRANULE, SIZE, DropsFlushes, LosesWrites, Run, everything

from harness.implementations import parse
from harness.implementations.base import PendingRequest
from harness.oracle import OracleViolation, Rule, stamped
from harness.storage import HeldStorage, Operation

Start = Callable[..., Run]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    runs: list[Run] = []

    def make(mutant: str = "", *, source: HeldStorage | None = None, target: HeldStorage | None = None) -> Run:
        session = parse(f"reference:{mutant}" if mutant else "reference").open(tmp_path)
        source, target = source or HeldStorage("source", SIZE), target or HeldStorage("target", SIZE)
        runs.append(Run(session, source, target, 0))
        return runs[-1]

    yield make
    for run in runs:
        run.session.close()


def submit(run: Run, operation: Operation, offset: int, length: int, number: int = 99) -> PendingRequest:
    """Send a request, and let everything happen that needs no time."""
    data = stamped(number, offset, length) if operation is Operation.WRITE else None
    request = PendingRequest(operation, offset, length, data)
    run.guest.submit(request)
    run.session.settle()
    return request


def synced(run: Run, copy_mode: str = "write-async", **more: int) -> None:
    run.start(copy_mode, **more)
    run.wait_ready()
    run.session.settle()


def write_late(run: Run) -> None:
    """Three granules that the source has and the target has not; two fit the buffer."""
    synced(run, buf_size=2 * GRANULE)
    run.oracle.target.hold("write")
    for number in range(3):
        submit(run, Operation.WRITE, number * GRANULE, GRANULE, number)


def test_write_async_within_the_buffer_is_lawful(start: Start) -> None:
    run = start()
    write_late(run)
    assert run.oracle.violations == []
    assert run.oracle.target.memory.read(0, GRANULE) != run.oracle.source.memory.read(0, GRANULE)


def test_oracle_when_more_than_the_buffer_is_missing_names_it(start: Start) -> None:
    run = start("async-buffer-has-no-end")
    text = rf"{3 * GRANULE} bytes that were acknowledged are not on the target, more than {2 * GRANULE}$"
    with pytest.raises(OracleViolation, match=rf"^the oracle: late-within-buffer: sector 0 .*; {text}"):
        write_late(run)


def flush_while_late(run: Run) -> None:
    synced(run)
    run.oracle.target.hold("write")
    submit(run, Operation.WRITE, 0, GRANULE)
    submit(run, Operation.FLUSH, 0, 0)


def test_flush_that_waits_for_what_is_late_is_lawful(start: Start) -> None:
    run = start()
    flush_while_late(run)
    assert run.oracle.violations == []
    run.oracle.target.clear_rules()
    run.oracle.target.release_all()
    run.session.settle()
    assert run.oracle.violations == []


def test_oracle_when_a_flush_does_not_wait_names_it(start: Start) -> None:
    run = start("async-flush-does-not-wait")
    with pytest.raises(
        OracleViolation, match=r"^the oracle: acknowledged-on-target: sector 0 .* after a guest's flush"
    ):
        flush_while_late(run)


def test_oracle_when_a_flush_is_one_of_the_source_only_names_it(start: Start) -> None:
    run = start("async-flush-of-source-only", target=HeldStorage("target", SIZE, write_back=True))
    with pytest.raises(OracleViolation, match=r"^the oracle: durable-after-flush: .* a power cut of the target"):
        everything(run, "write-async", [])


def test_oracle_when_target_drops_a_guests_flush_names_it(start: Start) -> None:
    target = DropsFlushes("target", SIZE)
    run = start(target=target)
    with pytest.raises(OracleViolation, match=r"^the oracle: durable-after-flush: .* a power cut of the target"):
        everything(run, "write-async", [target])


def test_oracle_when_a_late_write_is_lost_names_it(start: Start) -> None:
    target = LosesWrites("target", SIZE)
    run = start(target=target)
    with pytest.raises(OracleViolation, match=r"^the oracle: same-winner: sector "):
        everything(run, "write-async", [target])


def fail_on_source(run: Run) -> None:
    """The target has what the source's error then says was never written."""
    synced(run)
    run.oracle.source.hold("write")
    submit(run, Operation.WRITE, GRANULE, GRANULE)
    (request,) = run.oracle.source.held
    request.release(errno.EIO)
    run.session.settle()


def test_failed_source_write_that_is_copied_again_is_lawful(start: Start) -> None:
    run = start()
    fail_on_source(run)
    run.oracle.source.clear_rules()
    run.session.let_time_pass()
    run.session.settle()
    assert run.oracle.source.first_difference(run.oracle.target) is None
    assert run.oracle.violations == []


def test_oracle_when_a_failed_source_write_stays_on_the_target_names_it(start: Start) -> None:
    run = start("async-failed-source-write-forgotten")
    with pytest.raises(OracleViolation, match=r"neither dirty nor in flight$") as info:
        fail_on_source(run)
    assert info.value.violations[0].rule is Rule.DIRTY


def read_dirt(run: Run) -> None:
    """A guest reads two whole granules and two halves of a disk of which nothing was copied yet."""
    run.start("read-write-blocking", speed=1, buf_size=GRANULE)
    run.request(Operation.READ, 2 * GRANULE - 512, 2 * GRANULE + 1024)


def test_mirrored_read_is_lawful(start: Start) -> None:
    run = start()
    read_dirt(run)
    assert run.oracle.violations == []
    source, target = run.oracle.source, run.oracle.target
    assert target.memory.read(2 * GRANULE, 2 * GRANULE) == source.memory.read(2 * GRANULE, 2 * GRANULE)
    assert target.memory.read(GRANULE, GRANULE) != source.memory.read(GRANULE, GRANULE)


def test_oracle_when_a_read_is_not_taken_along_names_it(start: Start) -> None:
    run = start("mirrored-read-only-when-ready")
    text = "a guest has read its granule, which was dirty, and the target has it not"
    with pytest.raises(OracleViolation, match=rf"^the oracle: read-is-on-target: sector 16 .*; {text}$"):
        read_dirt(run)


def test_oracle_when_a_mirrored_read_is_lost_names_it(start: Start) -> None:
    target = LosesWrites("target", SIZE)
    run = start(target=target)
    target.armed = True
    run.start("read-write-blocking", speed=1, buf_size=GRANULE)
    target.wrongs = 0
    with pytest.raises(OracleViolation, match=r"^the oracle: (read-is-on-target|differs-but-clean): sector "):
        run.request(Operation.READ, 2 * GRANULE, 2 * GRANULE)
    assert target.wrongs == 1
