"""Active writes by themselves: what is sent of every write over every pattern of dirt, and what it holds."""

from __future__ import annotations

from itertools import product

import pytest
from reference_kit import K64, Kit, ranges

from harness.units import KIB

G = 512
UNIT = 128


@pytest.mark.parametrize("size", [4 * G, 3 * G + 2 * UNIT])
def test_all_that_is_not_dirty_and_covered_in_part_is_sent_whatever_the_write(size: int) -> None:
    """C1, BF-03, BF-04, 151-3: every write of quarters of granules over every pattern, also of a short granule."""
    kit = Kit(size)
    job = kit.ready_mirror(copy_mode="write-blocking", granularity=G)
    granules = range(4)
    for pattern in product([False, True], repeat=len(granules)):
        for granule in granules:
            if pattern[granule]:
                job.bitmap.set(granule * G, 1)
        for start in range(0, size, UNIT):
            for end in range(start + UNIT, size + 1, UNIT):
                sent = [
                    unit
                    for unit in range(start, end, UNIT)
                    if not pattern[unit // G] or (start <= unit // G * G and unit // G * G + G <= end)
                ]
                part = (sent[0], sent[-1] + UNIT - sent[0]) if sent else (start, 0)
                assert job.active_part(start, end - start) == part, (pattern, start, end)
                assert len(sent) == part[1] // UNIT
        job.bitmap.reset(0, 4 * G)
    kit.session.close()


def test_write_to_clusters_that_are_not_there_brings_them_whole_and_once() -> None:
    """C17: of a target without its backing file only the first cluster is there, and a granule of that is dirty."""
    kit = Kit(4 * K64)
    job = kit.ready_mirror(copy_mode="write-blocking", granularity=G)
    job.cow_cluster_bytes = 4 * KIB
    job.note_copied(0, 4 * KIB)
    job.bitmap.set(0, G)
    count = len(ranges(kit.target.requests, "write"))
    assert kit.start("write", 100, 4 * KIB, 0x22).errno == 0
    assert ranges(kit.target.requests, "write")[count:] == [(G, 8 * KIB - G)]
    sent = kit.target.read_bytes(G, 8 * KIB - G)
    assert sent == bytes([0x22]) * (4 * KIB + 100 - G) + bytes([0x11]) * (4 * KIB - 100)
    assert job.bitmap.get(0)
    for offset, length in ((4 * KIB + 10, 20), (8 * KIB - 10, 10)):
        assert kit.start("write", offset, length, 0x33).errno == 0
        assert ranges(kit.target.requests, "write")[-1] == (offset, length)
    assert kit.start("write", 8 * KIB - 10, 20, 0x44).errno == 0
    assert ranges(kit.target.requests, "write")[-1] == (8 * KIB - 10, 4 * KIB + 10)
    kit.session.close()


def test_clusters_that_could_not_be_brought_are_brought_by_the_next_write() -> None:
    kit = Kit(4 * K64)
    job = kit.ready_mirror(copy_mode="write-blocking", granularity=G, on_target_error="ignore")
    job.cow_cluster_bytes = 4 * KIB
    kit.target.fail("write")
    for offset in (10, 1000):
        assert kit.start("write", offset, 20, 0x22).errno == 0
        assert ranges(kit.target.requests, "write")[-1] == (0, 4 * KIB)
    assert kit.target.read_bytes(0, 4 * KIB) == kit.source.read_bytes(0, 4 * KIB)
    kit.session.close()


def test_source_that_cannot_be_read_for_the_rest_of_a_cluster_is_a_source_error() -> None:
    """The guest's own write is on the source; what becomes of the job is for the source's policy to say."""
    kit = Kit(4 * K64)
    job = kit.ready_mirror(
        copy_mode="write-blocking", granularity=G, on_source_error="ignore", on_target_error="report"
    )
    job.cow_cluster_bytes = 4 * KIB
    kit.source.fail("read")
    count = len(ranges(kit.target.requests, "write"))
    assert kit.start("write", 10, 20, 0x22).errno == 0
    assert len(ranges(kit.target.requests, "write")) == count
    assert [job.bitmap.get(granule * G) for granule in range(9)] == [True] * 8 + [False]
    assert not job.has_failed
    kit.session.close()
