"""A guest's backend as the NBD server sees storage: the other way round of an attachment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from harness.pages import Extent, SparseMemory
from harness.storage import HeldStorage, Operation, RequestState, StorageRequest
from reference_impl.backend import Backend, GuestRequest


class _Contents:
    """What an export says of its contents: that all of it is data, which is never wrong."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def size(self) -> int:
        return self._backend.edge.node.size_bytes

    def extents(self, offset: int, length: int, limit: int | None = None) -> list[Extent]:
        """One run."""
        return [Extent(offset, length, is_hole=False, is_zero=False)]


class ExportedBackend(HeldStorage):
    """Requests of NBD clients become requests of a guest.

    :param settle: lets the machine go on after a request was handed in.
    """

    def __init__(self, name: str, backend: Backend, settle: Callable[[], None]) -> None:
        super().__init__(name, 0)
        self.memory = cast(SparseMemory, _Contents(backend))
        self.backend = backend
        self._settle = settle

    def submit(
        self,
        operation: Operation,
        offset: int,
        length: int,
        data: bytes | None = None,
        *,
        fua: bool = False,
        may_unmap: bool = False,
        on_complete: Callable[[StorageRequest], Any],
    ) -> StorageRequest:
        request = StorageRequest(self, 0, operation, offset, length, data, fua, may_unmap, on_complete)

        def on_done(answered: GuestRequest) -> None:
            request.errno = answered.errno or 0
            request.result = answered.data
            request.state = RequestState.FAILED if request.errno else RequestState.COMPLETED
            on_complete(request)

        inner = GuestRequest(operation.value, offset, length, data, fua=fua, may_unmap=may_unmap)
        self.backend.submit(inner, on_done)
        self._settle()
        return request
