"""Refused commands, and that they leave the block graph as it was: every edge, what it needs and what it shares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from typing import TYPE_CHECKING

from harness.errors import Disagreement

if TYPE_CHECKING:
    from harness.bench import Bench


@contextmanager
def graph_unchanged(bench: Bench) -> Iterator[None]:
    """Print at the end of the block that the graph is as it was at its beginning.

    :raise Disagreement: when it is not; names the first edge that differs, in the order of `Bench.show_graph`.
    """
    before = bench.graph_lines()
    yield
    after = bench.graph_lines()
    for old, new in zip_longest(before, after, fillvalue="nothing"):
        if old != new:
            raise Disagreement(f"the graph was changed: it had {old}, and now has {new}")
    bench.say(f"the graph is as it was, with {len(before)} edges")


def try_to_take(bench: Bench, node: str, spare: str) -> None:
    """Ask for what nobody may do with a node that a job holds: delete, overlay, mirror it in either role, commit it.

    :param spare: a node that nobody uses, to be the other one.
    """
    bench.execute("blockdev-del", node_name=node)
    bench.execute("blockdev-snapshot", node=node, overlay=spare)
    bench.mirror(node, spare, job_id="job1")
    bench.mirror(spare, node, job_id="job1")
    bench.execute("block-commit", job_id="job1", device=node)
