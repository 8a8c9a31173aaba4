"""Held storage: requests, rules, order, contents."""

from __future__ import annotations

import errno
import hashlib
from errno import EINVAL, EIO, ENOSPC

import pytest

from harness.errors import CaseError, HarnessBug
from harness.pages import Extent
from harness.storage import HeldStorage, Operation, RequestState, StorageRequest

K64 = 65536
WRITE, READ, ZERO, DISCARD, FLUSH = (
    Operation.WRITE,
    Operation.READ,
    Operation.ZERO,
    Operation.DISCARD,
    Operation.FLUSH,
)


class Guest:
    """Submits requests and notes in which order their completions arrive."""

    def __init__(self, size: int = 1 << 20, *, write_back: bool = False) -> None:
        self.disk = HeldStorage("target", size, write_back=write_back)
        self.finished: list[StorageRequest] = []

    def submit(
        self, operation: Operation, offset: int = 0, length: int = 0, data: bytes | None = None
    ) -> StorageRequest:
        return self.disk.submit(operation, offset, length, data, on_complete=self.finished.append)

    def write(self, offset: int, text: bytes) -> StorageRequest:
        return self.submit(WRITE, offset, len(text), text)


def test_request_without_rules_completes_inside_submit() -> None:
    guest = Guest()
    write = guest.write(4096, b"hello")
    read = guest.submit(READ, 4095, 7)
    assert guest.finished == [write, read]
    assert (write.state, write.errno, write.result) == (RequestState.COMPLETED, 0, None)
    assert read.result == b"\0hello\0"
    assert [request.index for request in guest.disk.requests] == [0, 1]
    assert write.storage is guest.disk


def test_request_that_is_held_changes_nothing_until_released() -> None:
    guest = Guest()
    guest.disk.hold(WRITE)
    write = guest.write(0, b"x")
    assert write.state is RequestState.HELD
    assert guest.disk.held == [write]
    assert guest.disk.read_bytes(0, 1) == b"\0"
    assert guest.finished == []
    write.release()
    assert guest.disk.read_bytes(0, 1) == b"x"
    assert guest.finished == [write]
    assert guest.disk.held == []


def test_requests_reach_the_medium_in_the_order_of_release() -> None:
    guest = Guest()
    guest.disk.hold(WRITE)
    first, second = guest.write(0, b"1"), guest.write(0, b"2")
    second.release()
    first.release()
    assert guest.disk.read_bytes(0, 1) == b"1"
    assert guest.finished == [second, first]


def test_read_that_is_held_sees_what_is_there_at_its_release() -> None:
    guest = Guest()
    guest.disk.hold(READ)
    read = guest.submit(READ, 0, 3)
    guest.write(0, b"new")
    read.release()
    assert read.result == b"new"


def test_request_released_with_errno_fails_and_changes_nothing() -> None:
    guest = Guest()
    guest.disk.hold()
    write, read = guest.write(0, b"x"), guest.submit(READ, 0, 1)
    write.release(ENOSPC)
    read.release(EIO)
    assert (write.state, write.errno) == (RequestState.FAILED, ENOSPC)
    assert (read.state, read.errno, read.result) == (RequestState.FAILED, EIO, None)
    assert guest.disk.read_bytes(0, 1) == b"\0"


def test_release_of_a_request_that_is_not_held_is_refused() -> None:
    guest = Guest()
    done = guest.write(1 << 19, bytes(K64))
    with pytest.raises(CaseError, match=r"^write 512k\+64k \(request 0 of target\) is completed, not held$"):
        done.release()
    guest.disk.never()
    lost = guest.submit(FLUSH)
    with pytest.raises(CaseError, match=r"^flush \(request 1 of target\) is never, not held$"):
        lost.release()


def test_release_all_goes_by_arrival_and_leaves_what_arrives_meanwhile() -> None:
    guest = Guest()
    guest.disk.hold(WRITE)
    late: list[StorageRequest] = []

    def again(request: StorageRequest) -> None:
        guest.finished.append(request)
        if not late:
            late.append(guest.write(9, b"late"))

    first = guest.disk.submit(WRITE, 0, 1, b"a", on_complete=again)
    second = guest.write(1, b"b")
    assert guest.disk.release_all() == [first, second]
    assert guest.finished == [first, second]
    assert guest.disk.held == late


def test_release_all_passes_over_what_a_completion_released() -> None:
    guest = Guest()
    guest.disk.hold()
    requests: list[StorageRequest] = []
    requests.append(guest.disk.submit(FLUSH, 0, 0, on_complete=lambda _: requests[1].release()))
    requests.append(guest.submit(FLUSH))
    assert guest.disk.release_all() == [requests[0]]
    assert guest.finished == [requests[1]]


def test_rule_that_is_newest_decides() -> None:
    guest = Guest()
    guest.disk.hold(WRITE)
    guest.disk.fail(WRITE, ENOSPC, offset=K64, length=K64)
    failed, held = guest.write(K64, b"x"), guest.write(0, b"x")
    assert (failed.errno, held.state) == (ENOSPC, RequestState.HELD)
    assert guest.write(K64, b"x").state is RequestState.HELD, "a failure is for one request unless told otherwise"


def test_rule_with_a_count_is_spent_after_it() -> None:
    guest = Guest()
    rule = guest.disk.hold(count=2)
    requests = [guest.submit(FLUSH) for _ in range(3)]
    assert [request.state for request in requests] == ["held", "held", "completed"]
    assert rule.taken == requests[:2]
    assert rule.remaining == 0
    rule.remove()


def test_rule_that_is_removed_matches_no_more_but_keeps_what_it_holds() -> None:
    guest = Guest()
    rule = guest.disk.hold()
    held = guest.submit(FLUSH)
    rule.remove()
    rule.remove()
    assert guest.submit(FLUSH).state is RequestState.COMPLETED
    assert guest.disk.held == [held]


@pytest.mark.parametrize(
    ("offset", "length", "matches"),
    [(0, 4096, False), (0, 4097, True), (4096, 1, True), (8191, 1, True), (8192, 1, False), (0, 16384, True)],
)
def test_rule_with_a_range_takes_what_overlaps(offset: int, length: int, matches: bool) -> None:
    guest = Guest()
    guest.disk.hold(offset=4096, length=4096)
    assert (guest.submit(READ, offset, length).state is RequestState.HELD) == matches


def test_rule_with_half_a_range_is_open_at_the_other_end() -> None:
    guest = Guest()
    after = guest.disk.hold(offset=K64)
    assert guest.submit(READ, 0, K64).state is RequestState.COMPLETED
    assert guest.submit(READ, K64 - 1, 2).state is RequestState.HELD
    assert guest.submit(READ, (1 << 20) - 1, 1).state is RequestState.HELD
    assert guest.submit(FLUSH).state is RequestState.COMPLETED, "a flush has no range to overlap"
    after.remove()
    guest.disk.hold(length=K64)
    assert guest.submit(READ, 0, 1).state is RequestState.HELD
    assert guest.submit(READ, K64, 1).state is RequestState.COMPLETED


def test_rule_for_several_operations_takes_each() -> None:
    guest = Guest()
    guest.disk.hold({WRITE, ZERO})
    assert guest.write(0, b"x").state is RequestState.HELD
    assert guest.submit(ZERO, 0, 512).state is RequestState.HELD
    assert guest.submit(DISCARD, 0, 512).state is RequestState.COMPLETED


def test_rule_that_never_answers_keeps_quiet() -> None:
    guest = Guest()
    rule = guest.disk.never(READ)
    lost = guest.submit(READ, 0, 1)
    assert lost.state is RequestState.NEVER
    assert rule.taken == [lost]
    assert guest.disk.held == []
    assert guest.disk.release_all() == []
    assert guest.finished == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, "count 0 is less than 1: such a rule would match nothing"),
        ({"length": 0}, "length 0 is less than 1: such a range overlaps nothing"),
        ({"offset": -1}, "offset -1 is negative"),
        ({"operation": "wrote"}, "operation 'wrote' is none of read, write, zero, discard, flush"),
    ],
)
def test_rule_that_could_never_match_is_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(CaseError) as caught:
        Guest().disk.hold(**arguments)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_rule_that_fails_with_errno_zero_is_refused() -> None:
    with pytest.raises(CaseError, match=r"^errno 0 is not positive$"):
        Guest().disk.fail(errno=0)


@pytest.mark.parametrize(("operation", "error"), [(READ, EINVAL), (WRITE, ENOSPC), (ZERO, ENOSPC), (DISCARD, EINVAL)])
@pytest.mark.parametrize("offset", [(1 << 20) - 511, 1 << 20, 1 << 63, -512])
def test_request_out_of_range_fails_whatever_the_rules_say(operation: Operation, error: int, offset: int) -> None:
    guest = Guest()
    rule = guest.disk.hold()
    request = guest.submit(operation, offset, 512, bytes(512) if operation is WRITE else None)
    assert (request.state, request.errno) == (RequestState.FAILED, error)
    assert guest.finished == [request]
    assert rule.taken == []
    assert guest.disk.requests == [request]


def test_request_held_while_the_disk_shrinks_fails() -> None:
    guest = Guest()
    guest.disk.hold()
    write, read = guest.write(K64, b"x"), guest.submit(READ, K64, 1)
    guest.disk.resize(K64)
    guest.disk.release_all()
    assert (write.errno, read.errno) == (ENOSPC, EINVAL)


def test_zero_and_discard_differ_in_what_they_leave() -> None:
    guest = Guest(4 * K64)
    guest.disk.fill(0x11)
    guest.disk.submit(ZERO, 0, K64, on_complete=guest.finished.append)
    guest.disk.submit(ZERO, K64, K64, may_unmap=True, on_complete=guest.finished.append)
    guest.submit(DISCARD, 2 * K64, K64)
    assert guest.disk.extents(0, 4 * K64) == [
        Extent(0, K64, False, True),
        Extent(K64, 2 * K64, True, True),
        Extent(3 * K64, K64, False, False),
    ]
    assert guest.disk.read_bytes(0, 3 * K64) == bytes(3 * K64)


def test_data_that_does_not_fit_the_operation_is_our_bug() -> None:
    guest = Guest()
    for operation, data, message in (
        (WRITE, None, "write of 4 bytes at 0 comes with no data"),
        (WRITE, b"abc", "write of 4 bytes at 0 comes with 3 bytes of data"),
        (READ, b"abcd", "read of 4 bytes at 0 comes with 4 bytes of data"),
    ):
        with pytest.raises(HarnessBug) as caught:
            guest.submit(operation, 0, 4, data)
        assert str(caught.value) == message


def test_observers_see_the_decision_then_the_change_then_the_submitter() -> None:
    disk = HeldStorage("target", 512)
    seen: list[str] = []
    disk.on_submit.append(lambda request: seen.append(f"submit {request.state} {disk.read_bytes(0, 1)!r}"))
    disk.on_finish.append(lambda request: seen.append(f"finish {request.state} {disk.read_bytes(0, 1)!r}"))
    disk.submit(WRITE, 0, 1, b"x", on_complete=lambda _: seen.append("submitter"))
    assert seen == ["submit arrived b'\\x00'", "finish completed b'x'", "submitter"]
    seen.clear()
    disk.hold()
    disk.submit(FLUSH, 0, 0, on_complete=lambda _: None)
    assert seen == ["submit held b'x'"]


def test_observer_may_release_what_it_sees_held() -> None:
    guest = Guest()
    guest.disk.hold()
    guest.disk.on_submit.append(lambda request: request.release())
    assert guest.submit(FLUSH).state is RequestState.COMPLETED


def test_record_with_a_limit_keeps_the_last_requests() -> None:
    guest = Guest()
    guest.disk.limit_record(10)
    for _ in range(1000):
        guest.submit(FLUSH)
        assert len(guest.disk.requests) <= 20
    assert [request.index for request in guest.disk.requests[-10:]] == list(range(990, 1000))
    guest.disk.limit_record(0)
    guest.submit(FLUSH)
    assert guest.disk.requests == []
    assert guest.disk.request_count == 1001
    with pytest.raises(ValueError, match=r"^record limit -1 is negative$"):
        guest.disk.limit_record(-1)


def test_request_describes_itself_in_sizes() -> None:
    guest = Guest(1 << 40)
    assert guest.write(1 << 20, bytes(K64)).describe() == "write 1M+64k"
    assert guest.submit(READ, 66048, 512).describe() == "read 66048+512"
    assert guest.submit(FLUSH).describe() == "flush"
    assert guest.submit(READ, -1, 5).describe() == "read -1+5"
    guest.disk.fail(errno=EIO)
    assert repr(guest.submit(ZERO, 0, 1 << 40)) == "<target[4] zero 0+1T: failed EIO>"
    assert repr(guest.disk) == "<disk target, 1T, 5 requests, 0 held>"


def test_disk_of_a_tebibyte_costs_only_what_is_written() -> None:
    guest = Guest(1 << 40)
    guest.write((1 << 40) - 1, b"x")
    other = HeldStorage("other", 1 << 40)
    assert guest.disk.first_difference(other) == (1 << 40) - 1
    assert len(guest.disk.memory.pages) == 1
    assert len(guest.disk.extents(0, 1 << 40)) == 2
    guest.submit(DISCARD, 0, 1 << 40)
    assert guest.disk.memory.pages == {}


def test_snapshot_restores_contents_and_size() -> None:
    guest = Guest()
    guest.write(0, b"before")
    snapshot = guest.disk.snapshot()
    guest.write(0, b"behind")
    guest.disk.resize(K64)
    assert guest.disk.first_difference(snapshot) == 2
    guest.disk.restore(snapshot)
    assert guest.disk.first_difference(snapshot) is None
    assert guest.disk.size == 1 << 20
    guest.write(0, b"after.")
    assert snapshot.read_bytes(0, 6) == b"before", "the restored disk does not write into the snapshot"


def test_sha256_is_that_of_a_file_with_the_contents() -> None:
    disk = HeldStorage("disk", 100_000)
    disk.fill(7, 5, 50_000)
    disk.write_bytes(99_999, b"z")
    expected = bytes(5) + b"\7" * 50_000 + bytes(49_994) + b"z"
    assert disk.sha256() == hashlib.sha256(expected).hexdigest()


@pytest.mark.parametrize(
    "call",
    [
        lambda disk: disk.read_bytes(500, 13),
        lambda disk: disk.write_bytes(500, bytes(13)),
        lambda disk: disk.fill(1, 500, 13),
        lambda disk: disk.extents(500, 13),
    ],
)
def test_harness_access_out_of_range_is_refused(call: object) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=r"^range of 13 bytes at 500 does not lie within the disk's 512 bytes$"):
        call(HeldStorage("disk", 512))


def test_harness_access_with_wrong_values_is_refused() -> None:
    disk = HeldStorage("disk", 512)
    with pytest.raises(ValueError, match=r"^fill value 256 is not a byte$"):
        disk.fill(256)
    with pytest.raises(ValueError, match=r"^size -1 of disk disk is negative$"):
        disk.resize(-1)
    with pytest.raises(ValueError, match=r"^size -1 of disk x is negative$"):
        HeldStorage("x", -1)


def test_errno_names_come_from_the_module() -> None:
    guest = Guest()
    guest.disk.fail(FLUSH, errno.ETIMEDOUT)
    assert repr(guest.submit(FLUSH)) == "<target[0] flush: failed ETIMEDOUT>"


# What a power cut may take


def contents(guest: Guest, max_dropped: int = 2) -> list[bytes]:
    return [state.contents.read_bytes(0, 4) for state in guest.disk.crash_states(max_dropped)]


def test_crash_loses_any_completed_write_that_no_flush_covers() -> None:
    guest = Guest(write_back=True)
    first, second = guest.write(0, b"a"), guest.write(1, b"b")
    assert guest.disk.unflushed == [first, second]
    assert contents(guest) == [b"ab\0\0", b"\0b\0\0", b"a\0\0\0", b"\0\0\0\0"]
    assert [state.dropped for state in guest.disk.crash_states()][1:3] == [(first,), (second,)]


def test_crash_after_a_flush_loses_nothing() -> None:
    guest = Guest(write_back=True)
    guest.write(0, b"a")
    guest.submit(FLUSH)
    assert guest.disk.unflushed == []
    assert contents(guest) == [b"a\0\0\0"]


def test_crash_after_a_failed_flush_may_lose_all() -> None:
    guest = Guest(write_back=True)
    guest.write(0, b"a")
    guest.disk.fail(FLUSH)
    guest.submit(FLUSH)
    assert contents(guest) == [b"a\0\0\0", b"\0\0\0\0"]


def test_crash_may_lose_a_write_that_completed_while_the_flush_was_under_way() -> None:
    guest = Guest(write_back=True)
    guest.write(0, b"a")
    guest.disk.hold(FLUSH)
    flush = guest.submit(FLUSH)
    late = guest.write(1, b"b")
    flush.release()
    assert guest.disk.unflushed == [late]
    assert contents(guest) == [b"ab\0\0", b"a\0\0\0"]


def test_crash_never_loses_a_fua_write_nor_lets_an_older_one_overtake_it() -> None:
    guest = Guest(write_back=True)
    older = guest.write(0, b"old.")
    guest.disk.submit(WRITE, 0, 2, b"fu", fua=True, on_complete=guest.finished.append)
    assert guest.disk.unflushed == [older]
    assert contents(guest) == [b"fud.", b"fu\0\0"]


def test_crash_states_are_bounded_but_include_the_loss_of_all() -> None:
    guest = Guest(write_back=True)
    for n in range(4):
        guest.write(n, b"x")
    states = contents(guest, max_dropped=1)
    assert len(states) == 1 + 4 + 1
    assert states[0] == b"xxxx"
    assert states[-1] == b"\0\0\0\0"


def test_crash_spares_what_the_harness_itself_wrote() -> None:
    guest = Guest(write_back=True)
    guest.disk.fill(0x31)
    guest.submit(DISCARD, 0, 4096)
    assert contents(guest) == [b"\0\0\0\0", b"1111"]
    guest.disk.write_bytes(0, b"set!")
    assert contents(guest) == [b"set!"]


def test_crash_states_of_a_disk_without_cache_are_refused() -> None:
    for ask in (lambda: Guest().disk.unflushed, Guest().disk.crash_states):
        with pytest.raises(CaseError, match=r"^disk target has no write-back cache: make it with write_back=True$"):
            ask()
