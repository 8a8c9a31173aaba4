"""Mirrors of a chain that wait to be finalized while something happens to what is below their targets.

A target's image names a backing file, and is opened without it.

Source: 155, classes BR, BS, BRI and BSI.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.units import KIB

if TYPE_CHECKING:
    from harness.bench import Bench

SIZE = 1440 * KIB


def written_chain(bench: Bench, *names: str) -> None:
    """Make one overlay over the other, the lowest first; each is written to from 64 KiB further on than the last."""
    below = None
    for number, name in enumerate(names):
        below = bench.overlay(name, SIZE, backing=below)
        bench.guest(name).write(number * 64 * KIB, SIZE - number * 64 * KIB, 0x10 + number)
        bench.close_guest(name)


@contextmanager
def pending_mirror(bench: Bench, name: str, sync: str) -> Iterator[tuple[str, str]]:
    """Mirror the node ``source`` until it is pending; after the block finalize, print the chains, have a guest read.

    :param name: what the names of the nodes end with; they are gone afterwards.
    :return: the target, and a node of zeroes to be put below it.
    """
    guest = bench.guest("source")
    target = bench.overlay(f"target-{name}", SIZE, names_backing_file="null-co://")
    zeroes = bench.node(f"zeroes-{name}", "null-co", size=SIZE, read_zeroes=True)
    bench.mirror("source", target, sync=sync, auto_finalize=False)
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("BLOCK_JOB_PENDING")
    yield target, zeroes
    bench.execute("job-finalize", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain(target)
    bench.show_chain("source")
    guest.read(0, SIZE)
    bench.close_guest("source")
    bench.execute("blockdev-del", node_name=target)
    bench.execute("blockdev-del", node_name=zeroes)
