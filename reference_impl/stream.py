"""Stream: what the images below hold is copied up into the uppermost one, which then needs them no more.

The copy is made by reading: a filter above the image keeps in it whatever is read from below, guests' reads included.

Source: 030-overlapping_3, 030-stream_commit_1, TP-42; masks, roles and order are those that QEMU 7.2 to 11.1 show in
`x-debug-query-block-graph`.
"""

from __future__ import annotations

import errno as errno_numbers

from reference_impl.chain_job import ChainJob
from reference_impl.chains import shown_from_below
from reference_impl.drivers.copy_on_read import CopyOnReadNode
from reference_impl.edges import Bystander, Edge
from reference_impl.graph import BlockIoError, Node
from reference_impl.job import ErrorAction, ErrorPolicy, JobFailed, JobHost
from reference_impl.node_reopen import make_read_only_if_possible, set_child
from reference_impl.permissions import CONSISTENT_READ, NONE, WRITE, WRITE_UNCHANGED, Access
from reference_impl.qmp_errors import QmpError

_READER = CONSISTENT_READ | WRITE_UNCHANGED


class StreamFilter(CopyOnReadNode):
    """The filter above an image that is streamed into."""

    is_of_job = True


class StreamJob(ChainJob):
    """A stream into the image that `device` shows, of what is below it down to `bottom`.

    :param bottom: the last image that the device is not to need any more; what it is over, the device will be over.
    :param device_was_read_only: whether the device was opened for writing only for the job.
    """

    kind = "stream"

    def __init__(
        self,
        host: JobHost,
        job_id: str,
        device: Node,
        bottom: Node,
        above_base: Node,
        chain_filter: StreamFilter,
        *,
        on_error: ErrorPolicy,
        backing_file: str | None = None,
        device_was_read_only: bool = False,
        auto_finalize: bool = True,
        auto_dismiss: bool = True,
    ) -> None:
        super().__init__(host, job_id, on_error=on_error, auto_finalize=auto_finalize, auto_dismiss=auto_dismiss)
        self.filter = self._copying_filter = chain_filter
        self.device = device
        self.image = self.graph.skip_filters(device)
        self.bottom = bottom
        self.above_base = above_base
        self._backing_file = backing_file
        self._device_was_read_only = device_was_read_only
        self._ignored: JobFailed | None = None

    def set_up(self) -> None:
        """Take hold of the chain.

        :raise QmpError: when something forbids that.
        """
        assert self.filter is not None
        self.hold(self.filter, "main node")
        self.edges.append(Edge(Bystander(), self.filter, "root", Access(CONSISTENT_READ, _READER | WRITE)))
        self.hold(self.device, "active node", Access(NONE, _READER | WRITE))
        base = self.graph.below(self.above_base)
        for node in list(self.graph.chain(self.device))[1:]:
            if node is base:
                break
            self.hold(node, "intermediate node", Access(NONE, _READER))

    # The run

    async def run(self) -> None:
        if self.image is self.bottom:
            return  # there is nothing between
        length = self.device.size_bytes
        self.progress_set_remaining(length)
        await self.go_over(length)
        if self._ignored is not None:
            # What could not be read is still needed from below.
            raise self._ignored

    async def do_piece(self, offset: int, length: int) -> int:
        copied = False
        try:
            status = await self.image.block_status(offset, length)
            length = status.length_bytes
            if not status.allocated:
                length, copied = await shown_from_below(self.graph, self.image, self.bottom, offset, length)
            if copied:
                await self._copying_filter.prefetch(offset, length)
        except BlockIoError as error:
            action = self.error_action(self.on_error, is_read=True, errno=error.errno)
            if action is ErrorAction.STOP:
                return 0
            failure = JobFailed(error.errno)
            if action is ErrorAction.REPORT:
                raise failure from error
            self._ignored = self._ignored or failure
        return self.piece_done(length, copied=copied)

    # The end

    def prepare(self) -> None:
        """Let the image be over the base, or over nothing."""
        self.remove_filter()
        base = self.graph.below(self.above_base)
        if "backing" not in self.image.children:
            return
        try:
            set_child(self.graph, self.image, "backing", base)
        except QmpError as error:
            raise JobFailed(errno_numbers.EPERM) from error
        if base is None:
            self.image.change_backing_file("", "")
        else:
            # The image names an image, not a filter above it.
            image = self.graph.skip_filters(base)
            self.image.change_backing_file(self._backing_file or image.filename, image.driver)

    def abort(self) -> None:
        self.remove_filter()

    def remove_filter(self) -> None:
        """Take the filter out, unless it is gone."""
        self.let_go()
        if self.filter is not None:
            self._copying_filter.release_chain()
            self.take_filter_out(self.device)

    def clean(self) -> None:
        super().clean()
        if self._device_was_read_only:
            make_read_only_if_possible(self.graph, self.device)
