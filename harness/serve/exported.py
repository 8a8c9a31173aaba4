"""A guest's backend as the NBD server sees storage: the other way round of an attachment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from errno import EINVAL, ENOSPC
from typing import cast

from harness.nbd.export import Described
from harness.nbd.protocol import BASE_ALLOCATION, STATE_HOLE, STATE_ZERO
from harness.pages import SparseMemory
from harness.storage import Callback, HeldStorage, Operation, RequestState, StorageRequest
from reference_impl.backend import Backend, GuestRequest
from reference_impl.bitmap_export import dirty_ranges
from reference_impl.dirty_bitmap import DirtyBitmap
from reference_impl.graph import BlockIoError
from reference_impl.scheduler import Scheduler

BITMAP_CONTEXT = "qemu:dirty-bitmap:"
DIRTY = 1


class _Size:
    """What an export's clients are told of its contents before they ask: how long they are."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def size(self) -> int:
        return self._backend.edge.node.size_bytes


class ExportedBackend(HeldStorage):
    """Requests of NBD clients become requests of a guest, and what they ask about its contents is asked of the nodes.

    :param bitmaps: those that clients see, by name.
    :param settle: lets the machine go on after a request was handed in.
    :ivar contexts: the metadata contexts in the order in which a real program numbers them.
    """

    def __init__(
        self,
        name: str,
        backend: Backend,
        scheduler: Scheduler,
        settle: Callable[[], None],
        bitmaps: Mapping[str, DirtyBitmap],
    ) -> None:
        super().__init__(name, 0)
        self.memory = cast(SparseMemory, _Size(backend))
        self.backend = backend
        self._scheduler = scheduler
        self._settle = settle
        self._bitmaps = {f"{BITMAP_CONTEXT}{bitmap}": each for bitmap, each in bitmaps.items()}
        self.contexts = (BASE_ALLOCATION, *self._bitmaps)

    def submit(
        self,
        operation: Operation,
        offset: int,
        length: int,
        data: bytes | None = None,
        *,
        fua: bool = False,
        may_unmap: bool = False,
        on_complete: Callback,
    ) -> StorageRequest:
        request = StorageRequest(self, 0, operation, offset, length, data, fua, may_unmap, on_complete)

        def finish(errno: int, result: bytes | None) -> None:
            request.errno = errno
            request.result = result
            request.state = RequestState.FAILED if errno else RequestState.COMPLETED
            on_complete(request)

        if offset + length > self.size:
            finish(EINVAL if operation is Operation.READ else ENOSPC, None)
            return request
        inner = GuestRequest(operation.value, offset, length, data, fua=fua, may_unmap=may_unmap)
        self.backend.submit(inner, lambda answered: finish(answered.errno or 0, answered.data))
        self._settle()
        return request

    # What clients ask about the contents

    def describe(self, context: str, offset: int, length: int, limit: int, on_described: Described) -> None:
        """As `harness.nbd.export.StatusSource`."""
        bitmap = self._bitmaps.get(context)
        if bitmap is not None:
            on_described(0, _alternate(bitmap, offset, min(offset + length, bitmap.size_bytes), limit))
            return
        task = self._ask(offset, offset + length, limit, on_described)
        self._scheduler.start(task, f"block status of export '{self.name}'")
        self._settle()

    async def _ask(self, offset: int, end: int, limit: int, on_described: Described) -> None:
        found: list[tuple[int, int]] = []
        try:
            while offset < end:
                status = await self.backend.block_status(offset, end - offset)
                flags = (0 if status.data else STATE_HOLE) | (STATE_ZERO if status.zero else 0)
                run = status.length_bytes
                if found and found[-1][1] == flags:
                    found[-1] = (found[-1][0] + run, flags)
                elif len(found) == limit:
                    break
                else:
                    found.append((run, flags))
                offset += run
        except BlockIoError as error:
            on_described(error.errno, [])
        else:
            on_described(0, found)


def _alternate(bitmap: DirtyBitmap, start: int, end: int, limit: int) -> list[tuple[int, int]]:
    """Clean and dirty runs in turn, as (length, flags)."""
    found: list[tuple[int, int]] = []
    for offset, length in dirty_ranges(bitmap, start, end):
        if offset > start:
            found.append((offset - start, 0))
        found.append((length, DIRTY))
        start = offset + length
        if len(found) >= limit:
            return found[:limit]
    if start < end:
        found.append((end - start, 0))
    return found[:limit]
