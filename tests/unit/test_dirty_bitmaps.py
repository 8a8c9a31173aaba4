"""What a case sees of a dirty bitmap: texts, the check of count against ranges, and misuse that is told by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.bench import Bench
from harness.dirty_bitmaps import DirtyBitmap, describe_info, describe_ranges
from harness.errors import CaseError, Disagreement, ImplementationError
from harness.implementations.base import BitmapPort, GuestPort, PendingCommand, Session
from harness.implementations.reference import ReferenceSession
from harness.storage import HeldStorage
from harness.transcript import Transcript

KIB = 1024
MIB = 1 << 20


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(ReferenceSession(), Transcript(), frozenset(), tmp_path)


def lines(bench: Bench) -> list[str]:
    return bench._transcript.text().splitlines()


def test_bitmap_shown_says_count_and_ranges(bench: Bench) -> None:
    disk = bench.disk("disk", MIB)
    guest = bench.guest(disk)
    bitmap = bench.add_bitmap(disk, "b", granularity=4 * KIB)
    guest.write(1, 1, 1)
    guest.write(MIB - 1, 1, 1)
    bitmap.show()
    assert lines(bench)[-1] == "bitmap b of disk: recording, 8k dirty in granules of 4k: 0+4k 1020k+4k"


def test_bitmap_that_is_not_there_is_named(bench: Bench) -> None:
    bitmap = bench.dirty_bitmap(bench.disk("disk", MIB), "b")
    bitmap.show_count()
    assert lines(bench)[-1] == "bitmap b of disk: there is none"
    assert bitmap.info() == {}
    with pytest.raises(Disagreement, match=r"^there is no bitmap b of disk$"):
        bitmap.show()
    with pytest.raises(ImplementationError, match=r"^an export of bitmap 'b' was refused: Bitmap 'b' is not found$"):
        bitmap.ranges()


def test_bitmap_exported_is_busy_until_it_is_closed(bench: Bench) -> None:
    bitmap = bench.add_bitmap(bench.disk("disk", MIB), "b")
    bitmap.open()
    bitmap.show_count()
    assert lines(bench)[-1] == "bitmap b of disk: recording, busy, nothing dirty in granules of 64k"
    with pytest.raises(CaseError, match=r"^bitmap b of disk is exported already$"):
        bitmap.open()
    bitmap.close()
    bitmap.show_count()
    assert lines(bench)[-1] == "bitmap b of disk: recording, nothing dirty in granules of 64k"
    with pytest.raises(CaseError, match=r"^bitmap b of disk is not exported$"):
        bitmap.close()


def test_bitmap_is_not_exported_while_a_disk_holds_requests(bench: Bench) -> None:
    disk = bench.disk("disk", MIB)
    guest = bench.guest(disk)
    bitmap = bench.add_bitmap(disk, "b")
    disk.hold("write")
    guest.start_write(0, 1, 1)
    with pytest.raises(CaseError, match=r"^bitmap b of disk cannot be exported while disk holds requests$"):
        bitmap.show()
    disk.let_everything_pass()
    bitmap.show()
    assert lines(bench)[-1].endswith(": 0+64k")


def test_bitmap_exported_before_a_disk_holds_requests_can_be_shown(bench: Bench) -> None:
    disk = bench.disk("disk", MIB)
    guest = bench.guest(disk)
    bitmap = bench.add_bitmap(disk, "b")
    bitmap.open()
    disk.hold("write")
    guest.start_write(0, 1, 1)
    assert bitmap.ranges() == []


def test_merge_names_bitmaps_of_the_same_node_by_name_and_others_in_full(bench: Bench) -> None:
    disk, other = bench.disk("disk", MIB), bench.disk("other", MIB)
    one, two = bench.add_bitmap(disk, "one"), bench.add_bitmap(disk, "two")
    foreign = bench.add_bitmap(other, "one")
    assert two.merge(one, foreign, "two") == {"return": {}}
    expected = '"bitmaps": ["one", {"name": "one", "node": "other"}, "two"]'
    assert any(expected in line for line in lines(bench))


class ContradictorySession(Session):
    """Counts one thing and shows another."""

    def __init__(self, count: int, ranges: list[tuple[int, int]]) -> None:
        super().__init__()
        self._count = count
        self._ranges = ranges

    def attach(self, name: str, storage: HeldStorage, *, read_only: bool = False, unmap: bool = False) -> None: ...

    def open_guest(self, node_name: str) -> GuestPort:
        raise NotImplementedError

    def open_bitmap(self, node_name: str, bitmap_name: str) -> BitmapPort:
        ranges = self._ranges

        class Port(BitmapPort):
            def ranges(self) -> list[tuple[int, int]]:
                return ranges

            def close(self) -> None: ...

        return Port()

    def submit_command(self, name: str, arguments: Any) -> PendingCommand:
        pending = PendingCommand(name, arguments)
        bitmap = {"name": "b", "count": self._count, "granularity": 4096, "recording": True, "busy": False}
        pending.reply = {"return": [{"node-name": "disk", "dirty-bitmaps": [bitmap]}]}
        return pending

    def settle(self) -> None: ...

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        assert condition()

    def let_time_pass(self) -> None: ...

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("count", "ranges", "covered"),
    [
        (4096, [], 0),
        (0, [(0, 1)], 4096),
        (4096, [(4095, 2)], 8192),
        (8192, [(0, 4096), (8192, 4096), (16384, 1)], 12288),
    ],
)
def test_count_that_contradicts_the_ranges_is_a_disagreement(
    tmp_path: Path, count: int, ranges: list[tuple[int, int]], covered: int
) -> None:
    bench = Bench(ContradictorySession(count, ranges), Transcript(), frozenset(), tmp_path)
    message = rf"^bitmap b of disk counts {count} bytes, and its ranges cover granules of {covered} bytes$"
    with pytest.raises(Disagreement, match=message):
        DirtyBitmap(bench, "disk", "b").show()


def test_count_of_a_cut_granule_agrees_with_its_range(tmp_path: Path) -> None:
    bench = Bench(ContradictorySession(8192, [(0, 4096), (8192, 512)]), Transcript(), frozenset(), tmp_path)
    DirtyBitmap(bench, "disk", "b").show()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "recording, nothing dirty in granules of 64k"),
        ({"recording": False}, "not recording, nothing dirty in granules of 64k"),
        ({"busy": True, "count": 131072}, "recording, busy, 128k dirty in granules of 64k"),
        (
            {"persistent": True, "inconsistent": True},
            "recording, persistent, inconsistent, nothing dirty in granules of 64k",
        ),
        ({"status": "active"}, "recording, nothing dirty in granules of 64k"),
    ],
)
def test_info_is_described_without_what_only_old_versions_say(changes: dict[str, Any], text: str) -> None:
    info = {"recording": True, "busy": False, "persistent": False, "count": 0, "granularity": 65536}
    assert describe_info(info | changes) == text


def test_ranges_are_described_from_both_ends_when_there_are_many() -> None:
    assert describe_ranges([]) == "nowhere"
    assert describe_ranges([(0, 512), (4096, 1 << 20)]) == "0+512 4k+1M"
    many = [(index * 8192, 4096) for index in range(13)]
    assert (
        describe_ranges(many)
        == "13 ranges, 0+4k 8k+4k 16k+4k 24k+4k 32k+4k 40k+4k ... 56k+4k 64k+4k 72k+4k 80k+4k 88k+4k 96k+4k"
    )


# Section: files and guests that leave


def test_file_goes_when_its_files_are_removed(tmp_path: Path) -> None:
    bench = Bench(ReferenceSession(folder=tmp_path), Transcript(), frozenset(), tmp_path)
    name = bench.file("disk", MIB)
    assert (name, (tmp_path / "disk.img").stat().st_size) == ("disk", MIB)
    bench.guest(name).write(0, 512, 1)
    bench.remove_files()
    bench.remove_files()
    assert list(tmp_path.iterdir()) == []
    bench.session.close()


def test_file_that_the_implementation_refuses_is_a_disagreement(tmp_path: Path) -> None:
    bench = Bench(ReferenceSession(folder=tmp_path), Transcript(), frozenset(), tmp_path)
    with pytest.raises(Disagreement, match=r"^blockdev-add of a file was refused: .*Invalid node-name: '-x'.*$"):
        bench.file("-x", MIB)
    bench.remove_files()
    assert list(tmp_path.iterdir()) == []


def test_guest_that_leaves_can_come_again(bench: Bench) -> None:
    disk = bench.disk("disk", MIB)
    bench.guest(disk).write(0, 1, 1)
    bench.close_guest(disk)
    with pytest.raises(CaseError, match=r"^there is no guest on 'disk'$"):
        bench.close_guest(disk)
    assert bench.guest(disk).write(0, 1, 2) == 0
