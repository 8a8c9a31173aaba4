"""Commit of an image below the active layer: what it holds goes down into an image below it, and it leaves the chain.

No guest writes what is copied, so one walk over the disk does, and the job is never READY. Until the end the images
between must not be read, since the target changes under them: a filter above the uppermost of them keeps whoever is
above from asking for that.

Source: 040-SD-implicit_node, 040-EH-Intermediate, 141-3, TP-40; masks, roles and order are those that QEMU 7.2 to 11.1
show in `x-debug-query-block-graph`.
"""

from __future__ import annotations

import errno as errno_numbers

from reference_impl.chain_job import ChainJob, resize
from reference_impl.chains import block_status_above
from reference_impl.drivers.filter import FilterNode
from reference_impl.edges import Bystander, Edge
from reference_impl.graph import BlockIoError, Node
from reference_impl.job import IGNORED_ERRORS_MAX, ErrorAction, ErrorPolicy, JobFailed, JobHost
from reference_impl.node_making import choose_node_name
from reference_impl.node_reopen import make_read_only_if_possible
from reference_impl.permissions import CONSISTENT_READ, NO_ACCESS, NONE, RESIZE, WRITE, WRITE_UNCHANGED, Access
from reference_impl.qmp_errors import QmpError
from reference_impl.rate_limit import SLICE_NS


class CommitFilter(FilterNode):
    """The filter above the images that are not to be read: it needs nothing of them, whoever uses it."""

    driver = "commit_top"
    is_of_job = True
    supports_reopening = False
    child_role = "backing"

    def child_access(self, edge: Edge, users: Access) -> Access:
        return NO_ACCESS


class CommitBelowJob(ChainJob):
    """A commit of the images from `top` down to `base`, without `base`, into `base`.

    :param device: the root of the chain, after which the job is named to whoever asks.
    :param backing_file: what the overlay's image is to say is below it; by default, what `base` is called.
    """

    kind = "commit"

    def __init__(
        self,
        host: JobHost,
        job_id: str,
        device: Node,
        top: Node,
        base: Node,
        *,
        on_error: ErrorPolicy,
        backing_file: str | None = None,
        auto_finalize: bool = True,
        auto_dismiss: bool = True,
    ) -> None:
        super().__init__(host, job_id, on_error=on_error, auto_finalize=auto_finalize, auto_dismiss=auto_dismiss)
        self.device = device
        self.top = top
        self.base = base
        self.base_was_read_only = False
        self._backing_file = backing_file
        self._base_user: Edge | None = None
        self._frozen = False
        self._ignored_errors_count = 0

    def set_up(self, filter_name: str | None) -> None:
        """Take hold of the chain and put the filter in; the disk below it is drained meanwhile.

        :raise QmpError: when something forbids that; `drop` puts everything back.
        """
        graph = self.graph
        needed = CONSISTENT_READ | WRITE
        if self.base.size_bytes < self.top.size_bytes:
            needed |= RESIZE
        self.hold(self.device, "main node")
        self.base_was_read_only = self.base.read_only
        graph.set_read_only(self.base, read_only=False)
        self._put_filter_in(filter_name)
        # Filters right above the base show what it holds, so they may be read.
        image = graph.skip_filters(self.base)
        for node in self._between():
            shared = CONSISTENT_READ if graph.skip_filters(node) is image else NONE
            self.hold(node, "intermediate node", Access(NONE, shared | WRITE | WRITE_UNCHANGED))
        assert self.filter is not None
        graph.freeze_chain(self.filter, self.base)
        self._frozen = True
        self.hold(self.base, "base")
        self._base_user = Edge(Bystander(), self.base, "root", Access(needed, CONSISTENT_READ | WRITE_UNCHANGED))
        self.edges.append(Edge(Bystander(), self.top, "root", NO_ACCESS))

    def _put_filter_in(self, name: str | None) -> None:
        graph = self.graph
        with graph.transaction():
            node = CommitFilter(graph, choose_node_name(graph, name), self.top)
            graph.add(node)
            graph.replace(self.top, node)
        self.filter = node

    def _between(self) -> list[Node]:
        nodes = []
        for node in self.graph.chain(self.top):
            if node is self.base:
                break
            nodes.append(node)
        return nodes

    # The run

    async def run(self) -> None:
        length = self.top.size_bytes
        self.progress_set_remaining(length)
        if self.base.size_bytes < length:
            resize(self.base, length)
        await self._hide_the_rest(length)
        await self.go_over(length)

    async def _hide_the_rest(self, length: int) -> None:
        """Let the base read as zeroes where the image to be committed has ended and an overlay above it has not.

        QEMU up to 11.1 does not, and what the base holds there comes to light when the image goes.
        """
        assert self.filter is not None
        overlays = [edge.parent.size_bytes for edge in self.filter.parents if isinstance(edge.parent, Node)]
        end = min(self.base.size_bytes, max(overlays, default=0))
        if end > length:
            try:
                await self.base.write_zeroes(length, end - length)
            except BlockIoError as error:
                raise JobFailed(error.errno) from error

    async def do_piece(self, offset: int, length: int) -> int:
        reading = True
        try:
            status = await block_status_above(self.graph, self.top, self.base, offset, length)
            if status.allocated:
                data = await self.top.read(offset, status.length_bytes)
                reading = False
                await self.base.write(offset, data)
        except BlockIoError as error:
            action = self.error_action(self.on_error, is_read=reading, errno=error.errno)
            if action is ErrorAction.REPORT:
                raise JobFailed(error.errno) from error
            if action is ErrorAction.IGNORE:
                await self._rest_after_many_errors()
            return 0
        return self.piece_done(status.length_bytes, copied=status.allocated)

    async def _rest_after_many_errors(self) -> None:
        self._ignored_errors_count += 1
        if self._ignored_errors_count >= IGNORED_ERRORS_MAX:
            self._ignored_errors_count = 0
            await self.sleep(SLICE_NS)

    # The end

    def prepare(self) -> None:
        """Let whoever is above the images that were committed be above the base."""
        self._release()
        overlays = [edge.parent for edge in self.filter.parents] if self.filter is not None else []
        try:
            self.take_filter_out(self.base)
        except QmpError as error:
            raise JobFailed(errno_numbers.EIO) from error
        for overlay in overlays:
            if isinstance(overlay, Node):
                overlay.change_backing_file(self._backing_file or self.base.filename, self.base.driver)

    def abort(self) -> None:
        self.put_back()

    def put_back(self) -> None:
        """Take the filter out, and leave the chain as it was."""
        self._release()
        self.let_go()
        if self.filter is not None:
            self.take_filter_out(self.top)

    def _release(self) -> None:
        if self._frozen:
            assert self.filter is not None
            self.graph.unfreeze_chain(self.filter, self.base)
            self._frozen = False
        if self._base_user is not None:
            self._base_user.remove()
            self._base_user = None

    def clean(self) -> None:
        super().clean()
        if self.base_was_read_only:
            make_read_only_if_possible(self.graph, self.base)

    def drop(self) -> None:
        self.put_back()
        if self.base_was_read_only:
            make_read_only_if_possible(self.graph, self.base)
        super().drop()
