"""A case's view of disks and guests, and the bench around them: every line that they print, and every misuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.bench import Bench, describe_difference, describe_requests
from harness.errors import CaseError, CaseSkipped, Disagreement, ImplementationCrash, ImplementationHang
from harness.guest import RUNS_SHOWN_MAX, describe_data, show_all
from harness.implementations.reference import ReferenceSession
from harness.storage import HeldStorage
from harness.transcript import Transcript
from harness.units import KIB, MIB

K64 = 64 * KIB


class Desk:
    """A bench on the reference, and what it has printed since the last look."""

    def __init__(self, folder: Path) -> None:
        self.session = ReferenceSession()
        self.transcript = Transcript()
        self.bench = Bench(self.session, self.transcript, frozenset({"hbitmap"}), folder)
        self._seen = 0

    def printed(self) -> list[str]:
        lines = self.transcript.lines[self._seen :]
        self._seen = len(self.transcript.lines)
        return lines


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.session.close()


# Disks


def test_disk_is_described_as_it_is_made(desk: Desk) -> None:
    bench = desk.bench
    bench.disk("a", 4 * MIB)
    bench.disk("b", K64, 0x11)
    bench.disk("c", 513, data=b"x" * 512)
    bench.disk("d", 0, 0x11, unmap=True, read_only=True)
    assert desk.printed() == [
        "disk a: 4M, empty",
        "disk b: 64k, all 0x11",
        "disk c: 513, 512 of data",
        "disk d: 0, empty, unmap, read-only",
    ]


def test_second_disk_of_a_name_is_the_cases_mistake(desk: Desk) -> None:
    desk.bench.disk("a", 512)
    with pytest.raises(CaseError, match=r"^there is a disk 'a' already$"):
        desk.bench.disk("a", 512)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({}, "a holds requests"),
        ({"operation": "write"}, "a holds write requests"),
        ({"count": 1}, "a holds one request"),
        ({"operation": "read", "count": 2}, "a holds 2 read requests"),
        ({"operation": "read", "offset": K64, "length": 512}, "a holds read requests in 64k to 66048"),
        ({"length": 512}, "a holds requests in 0 to 512"),
        ({"offset": K64}, "a holds requests in 64k to the end"),
    ],
)
def test_rule_that_holds_is_described(desk: Desk, arguments: dict[str, object], line: str) -> None:
    desk.bench.disk("a", MIB).hold(**arguments)  # type: ignore[arg-type]
    assert desk.printed()[1:] == [line]


def test_rule_that_fails_is_described_and_takes_one_unless_told_otherwise(desk: Desk) -> None:
    disk = desk.bench.disk("a", MIB)
    disk.fail("write")
    disk.fail("read", "ENOSPC", count=None)
    disk.let_go(disk.hold())
    assert desk.printed()[1:] == [
        "a fails one write request with EIO",
        "a fails read requests with ENOSPC",
        "a holds requests",
        "a ends a rule",
    ]


def test_unknown_operation_is_the_cases_mistake(desk: Desk) -> None:
    disk = desk.bench.disk("a", MIB)
    text = r"^there is no operation 'writes' of a disk: there are read, write, zero, discard, flush$"
    with pytest.raises(CaseError, match=text):
        disk.hold("writes")
    with pytest.raises(CaseError, match=text):
        disk.fail("writes")


def test_unknown_errno_is_the_cases_mistake_wherever_it_is_named(desk: Desk) -> None:
    disk = desk.bench.disk("a", MIB)
    guest = desk.bench.guest(disk)
    with pytest.raises(CaseError, match=r"^there is no errno 'EOOPS'$"):
        disk.fail("write", "EOOPS")
    disk.hold("write")
    guest.start_write(0, 512, 1)
    (request,) = disk.wait_held()
    with pytest.raises(CaseError, match=r"^there is no errno 'EOOPS'$"):
        disk.release(request, "EOOPS")
    assert disk.storage.held == [request]


def test_held_requests_are_shown_and_released_in_order_of_ranges(desk: Desk) -> None:
    disk = desk.bench.disk("a", MIB)
    guest = desk.bench.guest(disk)
    disk.hold()
    requests = [guest.start_write(offset, 512, 1) for offset in (K64, 0, 512)]
    desk.printed()
    held = disk.wait_held(3)
    assert [request.offset for request in held] == [0, 512, K64]
    disk.release(held[1], "ENOSPC")
    disk.let_everything_pass()
    show_all(requests)
    assert desk.printed() == [
        "a has write 0+512 on hold",
        "a has write 512+512 on hold",
        "a has write 64k+512 on hold",
        "a: write 512+512 fails with ENOSPC",
        "a lets everything pass",
        "a: write 0+512 completes",
        "a: write 64k+512 completes",
        "guest #1: ok",
        "guest #2: ok",
        "guest #3: No space left on device",
    ]


def test_byte_is_shown_with_its_place(desk: Desk) -> None:
    disk = desk.bench.disk("a", MIB, 0x11)
    disk.storage.fill(0x22, K64, 1)
    desk.printed()
    for offset in (0, K64, K64 + 1):
        disk.show_byte(offset)
    assert desk.printed() == ["a has 0x11 at 0", "a has 0x22 at 64k", "a has 0x11 at 65537"]


def test_requests_in_a_row_are_described_in_order_of_ranges(desk: Desk) -> None:
    disk = desk.bench.disk("a", MIB)
    guest = desk.bench.guest(disk)
    guest.write(K64, 512, 1)
    guest.write(0, 512, 1)
    assert describe_requests(disk.storage.requests) == "write 0+512, write 64k+512"
    assert describe_requests([]) == "nothing"


# Guests


def test_every_request_of_a_guest_is_one_line(desk: Desk) -> None:
    guest = desk.bench.guest(desk.bench.disk("a", MIB, 0x11, unmap=True))
    desk.printed()
    assert guest.write(K64, 512, 0x22) == 0
    guest.write(0, 1, 0x33, fua=True)
    guest.write_data(512, b"abc")
    guest.write_data(512, b"abd", silent=True)
    guest.zero(4096, 4096)
    guest.zero(8192, 4096, unmap=True)
    guest.discard(0, 512)
    guest.flush()
    assert guest.read(K64, 1024) == b"\x22" * 512 + b"\x11" * 512
    assert guest.write(MIB, 1, 0) != 0
    assert guest.read(MIB, 1) == b""
    assert desk.printed() == [
        "guest write 64k+512 of 0x22: ok",
        "guest write fua 0+1 of 0x33: ok",
        "guest write 512+3: ok",
        "guest zero 4k+4k: ok",
        "guest zero 8k+4k with unmap: ok",
        "guest discard 0+512: ok",
        "guest flush: ok",
        "guest read 64k+1k: 512 of 0x22, 512 of 0x11",
        "guest write 1M+1 of 0x00: Input/output error",
        "guest read 1M+1: Input/output error",
    ]


def test_requests_that_are_left_under_way_are_numbered(desk: Desk) -> None:
    disk = desk.bench.disk("a", MIB)
    guest = desk.bench.guest(disk)
    disk.hold()
    started = [
        guest.start_write(0, 512, 0x22),
        guest.start_zero(512, 512, unmap=True),
        guest.start_read(K64, 512),
        guest.start_flush(),
    ]
    assert [request.done for request in started] == [False] * 4
    disk.let_everything_pass()
    desk.printed()
    assert [request.wait() for request in started] == [0, 0, 0, 0]
    assert desk.printed() == [f"guest #{number}: ok" for number in (1, 2, 3, 4)]


@pytest.mark.parametrize("value", [-1, 256])
def test_value_that_is_no_byte_is_the_cases_mistake(desk: Desk, value: int) -> None:
    guest = desk.bench.guest(desk.bench.disk("a", MIB))
    with pytest.raises(CaseError, match=rf"^value {value} is not a byte$"):
        guest.write(0, 1, value)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "nothing"),
        (b"\x11", "1 of 0x11"),
        (b"\x11" * 1024 + b"\0", "1k of 0x11, 1 of 0x00"),
        (bytes(range(RUNS_SHOWN_MAX)), ", ".join(f"1 of 0x{value:02x}" for value in range(RUNS_SHOWN_MAX))),
        (bytes(range(RUNS_SHOWN_MAX + 1)), f"{RUNS_SHOWN_MAX + 1} in more than {RUNS_SHOWN_MAX} runs"),
        (b"ab" * 512, f"1k in more than {RUNS_SHOWN_MAX} runs"),
    ],
)
def test_data_is_described_by_its_runs(data: bytes, text: str) -> None:
    assert describe_data(data) == text


def test_guest_of_a_disk_is_one_however_often_it_is_asked_for(desk: Desk) -> None:
    disk = desk.bench.disk("a", MIB)
    assert desk.bench.guest(disk) is desk.bench.guest("a")


# The bench


def test_feature_that_is_missing_skips_the_case(desk: Desk) -> None:
    desk.bench.require("hbitmap")
    with pytest.raises(CaseSkipped, match=r"^needs write-telepathy$"):
        desk.bench.require("write-telepathy")


def test_commands_replies_and_events_are_printed_in_that_order(desk: Desk) -> None:
    bench = desk.bench
    source, target = bench.disk("source", K64), bench.disk("target", K64)
    desk.printed()
    bench.mirror(source, target, copy_mode="write-blocking")
    lines = desk.printed()
    assert lines[0] == (
        '-> blockdev-mirror {"copy-mode": "write-blocking", "device": "source", "job-id": "job0", '
        '"sync": "full", "target": "target"}'
    )
    assert lines[1] == '<- {"return": {}}'
    assert [line.split()[0] for line in lines[2:]] == ["event"] * 4
    bench.note("a comment")
    assert desk.printed() == ["# a comment"]


def test_query_that_is_refused_is_a_disagreement(desk: Desk) -> None:
    text = r'^job-pause was refused: \{"error": \{"class": "GenericError", "desc": "Job not found"\}\}$'
    with pytest.raises(Disagreement, match=text):
        desk.bench.query("job-pause", {"id": "x"})


def test_job_that_does_not_exist_is_told(desk: Desk) -> None:
    desk.bench.show_job()
    assert desk.printed() == ["no job job0"]
    with pytest.raises(Disagreement, match=r"^query-jobs does not list job0$"):
        desk.bench.progress()
    with pytest.raises(Disagreement, match=r"^there are 0 bitmaps without a name, not 1$"):
        desk.bench.dirty_bytes()


def test_second_wait_for_the_same_event_is_for_the_second_one(desk: Desk) -> None:
    bench = desk.bench
    source, target = bench.disk("source", K64), bench.disk("target", K64)
    bench.mirror(source, target)
    bench.wait_event("BLOCK_JOB_READY")
    for _ in range(2):
        bench.execute("job-pause", id="job0")
        assert bench.wait_event("JOB_STATUS_CHANGE", status="standby").data["id"] == "job0"
        bench.execute("job-resume", id="job0")
    with pytest.raises(ImplementationHang):
        bench.wait_event("JOB_STATUS_CHANGE", status="standby")


def test_disks_are_compared_and_the_first_difference_is_named(desk: Desk) -> None:
    bench = desk.bench
    one, other, short = bench.disk("one", MIB, 0x11), bench.disk("other", MIB, 0x11), bench.disk("short", K64, 0x11)
    desk.printed()
    assert bench.compare(one, other)
    other.storage.fill(0x22, K64, 1)
    assert not bench.compare(one, other)
    with pytest.raises(Disagreement, match=r"^byte 65536 is 0x11 on one and 0x22 on other$"):
        bench.require_equal(one, other)
    with pytest.raises(Disagreement, match=r"^one has 1048576 bytes and short has 65536$"):
        bench.require_equal(one, short)
    assert desk.printed()[:2] == ["one and other are equal", "one and other differ at 64k"]
    assert describe_difference(HeldStorage("a", 1), HeldStorage("b", 2), 1) == "a has 1 bytes and b has 2"


# Hangs: told at once, and by name


def unreachable() -> bool:
    return False


WAITS: list[Callable[[Bench], object]] = [
    lambda bench: bench.wait(unreachable, "event NEVER"),
    lambda bench: bench.wait_event("NEVER"),
]


@pytest.mark.timeout(5)  # it takes milliseconds: no clock but the virtual one has anything to do with it
@pytest.mark.parametrize("wait", WAITS, ids=["wait", "wait_event"])
def test_hang_says_at_once_what_everything_waits_for(desk: Desk, wait: Callable[[Bench], object]) -> None:
    bench = desk.bench
    source, target = bench.disk("source", MIB, 0x11), bench.disk("target", MIB)
    guest = bench.guest(source)
    target.hold("write")
    bench.mirror(source, target)
    source.hold("write")
    guest.start_write(0, 512, 0x22)
    with pytest.raises(
        ImplementationHang, match=r"^nothing can happen any more while waiting for event NEVER$"
    ) as caught:
        wait(bench)
    assert sorted(caught.value.waits) == [
        "guest write 0+512: waits for storage 'source' to write 0+512",
        "job job0: waits for copy 0+1048576 to end",
        "mirror copy 0+1048576: waits for storage 'target' to write 0+1048576",
    ]


@pytest.mark.timeout(10)
def test_job_that_only_sleeps_is_a_hang_after_a_minute_of_virtual_time(desk: Desk) -> None:
    bench = desk.bench
    bench.mirror(bench.disk("source", MIB), bench.disk("target", MIB))
    bench.wait_event("BLOCK_JOB_READY")
    with pytest.raises(
        ImplementationHang, match=r"^60 s of virtual time passed while waiting for event NEVER$"
    ) as caught:
        bench.wait_event("NEVER")
    assert caught.value.waits == ("job job0: waits for its sleep of 100000000 ns",)


def test_exception_inside_the_reference_is_its_crash_with_the_traceback(desk: Desk) -> None:
    def divide() -> None:
        _ = 1 // 0

    desk.session.machine.scheduler.post(divide)
    text = r"^the reference raised ZeroDivisionError: integer division or modulo by zero$"
    with pytest.raises(ImplementationCrash, match=text) as caught:
        desk.bench.settle()
    assert "in divide" in caught.value.detail
