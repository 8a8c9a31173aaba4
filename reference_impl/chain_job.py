"""Jobs that go over a chain of images once, from the first byte of the disk to the last, below a filter of their own.

They are parties to a mirror's conflicts: what is busy, frozen or not to be read because of them, a mirror meets. What
they have in common: the walk in pieces with the speed's rests, and an end that nobody's request must see half-way. The
filter is drained before it goes; a job that waits to be finalized keeps nobody out meanwhile.

Source: 030, 040-SD, 040-EH-Intermediate, 141-3, TP-42; the pieces and the order of steps are QEMU 7.2's.
"""

from __future__ import annotations

from reference_impl.graph import Graph, Node
from reference_impl.job import ErrorPolicy, Job, JobFailed, JobHost
from reference_impl.qmp_errors import ResizeError

PIECE_BYTES_MAX = 512 * 1024
"""What is looked at and copied at once."""


class ChainJob(Job):
    """A job below a filter.

    :ivar filter: its filter; None before it is there and after it has gone.
    """

    def __init__(
        self,
        host: JobHost,
        job_id: str,
        *,
        on_error: ErrorPolicy,
        auto_finalize: bool = True,
        auto_dismiss: bool = True,
    ) -> None:
        super().__init__(host, job_id, auto_finalize=auto_finalize, auto_dismiss=auto_dismiss)
        self.on_error = on_error
        self.filter: Node | None = None
        self._at_rest = False

    async def go_over(self, length_bytes: int) -> None:
        """Deal with one piece after the other, resting between them as the speed asks for; the total is set before."""
        offset = 0
        while offset < length_bytes:
            await self.rate_limit_sleep()
            if self.is_cancelled:
                return
            offset += await self.do_piece(offset, min(PIECE_BYTES_MAX, length_bytes - offset))

    async def do_piece(self, offset: int, length: int) -> int:
        """Do what there is to do at `offset`, for `length` bytes at most; return for how many it is done.

        :return: 0 to be asked for the same again.
        :raise JobFailed: when the job is to fail because of it.
        """
        raise NotImplementedError

    def piece_done(self, length: int, *, copied: bool) -> int:
        """Count a piece, also against the speed if it was copied; return its length."""
        self.progress_done(length)
        if copied:
            self.limit.account(length, self.scheduler.now_ns)
        return length

    # The end

    async def before_end(self) -> None:
        if self.filter is not None and not self._at_rest:
            self._at_rest = True
            await self.filter.drained_begin_and_wait()

    def requests_in_flight(self) -> bool:
        return not self._at_rest  # the job itself asks for that rest

    def take_filter_out(self, below: Node) -> None:
        """Let who uses the filter use `below`; they go on when everything is in its place.

        :raise QmpError: when that is forbidden; the filter is still there then.
        """
        assert self.filter is not None
        below.quiesce()
        try:
            self.graph.replace(self.filter, below)
            self.graph.remove(self.filter)
            self.filter = None
        finally:
            below.unquiesce()

    def clean(self) -> None:
        self.let_go()
        self.graph.remove_unused()


def resize(node: Node, size_bytes: int) -> None:
    """Give a job's disk another length.

    :raise JobFailed: when that cannot be.
    """
    try:
        node.truncate(size_bytes)
    except ResizeError as error:
        raise JobFailed(error.errno) from error


def node_above(graph: Graph, top: Node, base: Node | None) -> Node | None:
    """The image, from `top` down, that is an overlay of `base` with nothing but filters between; None if none is."""
    wanted = None if base is None else graph.skip_filters(base)
    layer: Node | None = graph.skip_filters(top)
    while layer is not None:
        following = graph.backing_chain_next(layer)
        if following is wanted:
            return layer
        layer = following
    return None
