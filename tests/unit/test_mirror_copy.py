"""The background copy by itself: which granules make a run, what is asked of the source, in what pieces it is sent."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from reference_kit import K64, Kit, ranges

from harness.images import empty_image, storage_bytes
from harness.units import KIB
from reference_impl.graph import BlockIoError


@pytest.mark.parametrize("written", [5, 6, 7])
def test_run_ends_before_what_an_active_write_has_claimed(written: int) -> None:
    """C5: the buffer has room for four granules, and the second run begins with the fifth."""
    kit = Kit(8 * K64)
    kit.target.hold("write")
    kit.mirror(copy_mode="write-blocking", buf_size=4 * K64)
    (first,) = kit.wait_held(kit.target)
    kit.source.hold("write")
    kit.start("write", written * K64, K64, 0x22)
    kit.release(first)
    assert ranges(kit.target.held, "write") == [(4 * K64, (written - 4) * K64)]
    kit.session.close()


def test_run_over_what_was_dirtied_meanwhile_leaves_nothing_out_behind_it() -> None:
    """B12: the iterator has looked at the granules from 9 on before the tenth is dirty, and is let look again there."""
    kit = Kit(16 * K64)
    job = kit.ready_mirror(sync="none", buf_size=2 * K64)
    kit.target.hold("write")
    for granule in (0, 5, 9, 12, 14):
        job.bitmap.set(granule * K64, K64)
    kit.pass_ms(200)
    assert ranges(kit.target.held, "write") == [(0, K64), (5 * K64, K64)]
    job.bitmap.set(10 * K64, K64)
    while kit.target.held:
        kit.release(kit.target.held[0])
    # What needs two buffers at once lets pass what needs one.
    pieces = ((0, 1), (5, 1), (12, 1), (14, 1), (9, 2))
    assert ranges(kit.target.requests, "write") == [(offset * K64, length * K64) for offset, length in pieces]
    kit.session.close()


def test_what_the_source_cannot_tell_is_copied_in_pieces_of_whole_granules() -> None:
    """A sixteenth of the buffer is no multiple of the granularity here."""
    kit = Kit(64 * K64)

    async def block_status(*arguments: Any) -> Any:
        raise BlockIoError(errno.EIO)

    kit.session.machine.graph.nodes["source"].block_status = block_status  # type: ignore[method-assign]
    job = kit.mirror(buf_size=16 * 20 * K64 + K64)
    assert job.operation_bytes_max == 20 * K64 + 4 * KIB
    kit.wait_state("ready")
    pieces = ((0, 20), (20, 20), (40, 20), (60, 4))
    assert ranges(kit.source.requests, "read") == [(offset * K64, length * K64) for offset, length in pieces]
    kit.session.close()


@pytest.mark.parametrize(
    ("data", "read"),
    [
        # What of zeroes is whole clusters of the target need not be read.
        ([(256, 4)], [(256, 4)]),
        ([(192, 68)], [(192, 68)]),
        # Zeroes that begin or end within a cluster are copied with the rest of their run.
        ([(132, 128)], [(0, 132), (132, 128)]),
        ([(64, 4)], [(64, 4), (68, 192)]),
        ([(0, 4), (68, 192)], [(0, 4), (4, 64), (68, 192)]),
        # Nor is the last cluster whole in which the disk ends.
        ([(128, 64)], [(128, 64), (192, 68)]),
        ([(0, 256)], [(0, 256), (256, 4)]),
    ],
)
def test_zeroes_are_written_as_such_only_in_whole_clusters_of_the_target(
    data: list[tuple[int, int]], read: list[tuple[int, int]]
) -> None:
    """C17: granules of 4 KiB, clusters of 64 KiB, of which the last has 4 KiB."""
    size = 260 * KIB
    kit = Kit(size, None)
    for offset, length in data:
        kit.source.fill(0x11, offset * KIB, length * KIB)
    image = kit.disk("image-file", storage_bytes(size, 64 * KIB))
    image.write_bytes(0, empty_image(size))
    kit.do("blockdev-add", driver="qcow2", node_name="image", file="image-file", backing=None)
    kit.ready_mirror(target="image", granularity=4 * KIB)
    assert sorted(ranges(kit.source.requests, "read")) == [(offset * KIB, length * KIB) for offset, length in read]
    kit.session.close()


def test_pieces_for_a_target_without_its_backing_file_are_cut_at_its_clusters() -> None:
    """A8, C17: the buffer has one and a half clusters of 64 KiB, and the disk ends within a cluster."""
    size = 516 * KIB
    kit = Kit(size)
    job = kit.ready_mirror(sync="none", granularity=4 * KIB, buf_size=96 * KIB)
    job.cow_cluster_bytes = 64 * KIB
    job.bitmap.set(0, size)
    kit.pass_ms(200)
    pieces = [(offset * K64, K64) for offset in range(8)]
    assert sorted(ranges(kit.target.requests, "write")) == [*pieces, (8 * K64, 4 * KIB)]
    kit.session.close()


def test_zeroes_for_a_target_without_its_backing_file_are_cut_at_its_clusters_and_stay_zeroes() -> None:
    kit = Kit(4 * K64, None)
    kit.source.fill(0x11, K64 + 4 * KIB, 4 * KIB)
    job = kit.ready_mirror(sync="none", granularity=4 * KIB)
    job.cow_cluster_bytes = 64 * KIB
    job.bitmap.set(0, 4 * K64)
    kit.pass_ms(200)
    assert sorted(ranges(kit.target.requests, "zero")) == [(0, K64), (2 * K64, 2 * K64)]
    assert ranges(kit.target.requests, "write") == [(K64, K64)]
    kit.session.close()


def test_walk_over_the_bitmap_goes_on_where_it_is() -> None:
    """What was dirtied behind it waits for the next walk."""
    kit = Kit(16 * K64)
    job = kit.ready_mirror(sync="none", buf_size=K64)
    kit.target.hold("write")
    for granule in (5, 9, 12):
        job.bitmap.set(granule * K64, K64)
    kit.pass_ms(200)
    job.bitmap.set(2 * K64, K64)
    while kit.target.held:
        kit.release(kit.target.held[0])
    assert ranges(kit.target.requests, "write") == [(granule * K64, K64) for granule in (5, 9, 12, 2)]
    kit.session.close()


@pytest.mark.parametrize("unmap", [False, True])
def test_limit_counts_what_is_copied_whatever_the_target_can(unmap: bool) -> None:
    """C30, C31: at a granule in 100 ms."""
    kit = Kit(10 * K64, unmap=unmap)
    job = kit.mirror(speed=10 * K64, buf_size=K64)
    kit.pass_ms(450)
    assert job.progress_current == 5 * K64
    kit.session.close()


def test_limit_counts_zeroes_that_are_written() -> None:
    kit = Kit(4 * K64, None)
    job = kit.mirror(buf_size=K64, speed=1)
    kit.pass_ms(1000)
    assert ranges(kit.target.requests, "zero") == [(0, K64)]
    assert job.progress_current == K64
    kit.session.close()
