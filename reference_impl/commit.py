"""Active commit: a mirror of an overlay into an image below it, which then takes the overlay's place.

What the images above the target hold is copied down while the guest goes on writing; from READY on it is as any mirror.
Until the end nobody may read the images in between, since the target changes under them, and their links are frozen.

Source: 040, 141-2, 144-1, 155-C, 245-block_commit_1, 274; A20 and BF-24 for the target's access after a failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reference_impl.chain_job import resize
from reference_impl.graph import Node
from reference_impl.job import Job
from reference_impl.mirror import MirrorJob
from reference_impl.node_reopen import make_read_only_if_possible
from reference_impl.permissions import CONSISTENT_READ, NONE, WRITE, WRITE_UNCHANGED, Access
from reference_impl.qmp_errors import QmpError


class CommitJob(MirrorJob):
    """A mirror whose target is below its source.

    :ivar target_was_read_only: whether the target was opened for writing only for the job.
    """

    kind = "commit"
    target_was_read_only = False

    def open_target(self) -> None:
        super().open_target()
        holders = self.graph.skip_filters(self.target)
        shared = WRITE | WRITE_UNCHANGED
        for node in self._between():
            # Filters right above the target show what it holds, so they may be read.
            if self.graph.skip_filters(node) is holders:
                shared |= CONSISTENT_READ
            self.hold(node, "intermediate node", Access(NONE, shared))
        self.graph.freeze_chain(self.filter, self.target)

    def _between(self) -> list[Node]:
        nodes = []
        for node in self.graph.chain(self.source):
            if node is self.target:
                break
            nodes.append(node)
        return nodes[1:]

    def adapt_sizes(self) -> None:
        # What the guest has must fit; a longer image stays as long as it is.
        if self.target.size_bytes < self.source.size_bytes:
            resize(self.target, self.source.size_bytes)

    def release_chain(self) -> None:
        self.graph.unfreeze_chain(self.filter, self.target)

    def abort(self) -> None:
        super().abort()
        self.restore_target()

    def restore_target(self) -> None:
        """Let a target that was opened for writing only for the job be only read again (BF-24)."""
        if self.target_was_read_only:
            make_read_only_if_possible(self.graph, self.target)

    def on_change(self, options: Mapping[str, Any]) -> None:
        Job.on_change(self, options)

    def on_set_options(self, options: Mapping[str, Any]) -> None:
        raise QmpError("Job type does not support change")

    def driver_info(self) -> dict[str, Any]:
        return {}
