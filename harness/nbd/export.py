"""An export: a held storage under the name and with the terms that NBD clients see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from harness.errors import CaseError
from harness.nbd.protocol import BASE_ALLOCATION, MAX_NAME_LENGTH, MAX_PAYLOAD, TransmissionFlag
from harness.storage import HeldStorage

Described = Callable[[int, list[tuple[int, int]]], None]
"""Takes an errno, and when that is 0 the extents as (length, status flags) in order of offset."""


class StatusSource(Protocol):
    """Who knows what an export holds, when that is not the memory of its storage."""

    def describe(self, context: str, offset: int, length: int, limit: int, on_described: Described) -> None:
        """Describe a range in a metadata context.

        :param limit: how many extents at most; fewer bytes than asked for may be described, but some must be.
        :param on_described: called once, now or later.
        """


@dataclass(frozen=True)
class Export:
    """What the server offers under one name.

    :ivar name: what clients ask for; at most 4096 bytes of UTF-8; "" is the default export.
    :ivar read_only: whether changes are refused with EPERM.
    :ivar minimum_block: bytes, a power of two from 1 to 64 KiB; requests that are not aligned to it get EINVAL.
    :ivar preferred_block: bytes, a power of two from max(512, minimum_block) to the maximum payload of 32 MiB.
    :ivar hole_chunks: whether structured replies to reads send holes as holes; else as zeroes.
    :ivar multi_conn: whether to promise that a flush covers the writes of all connections, which held storage does.
    :ivar description: for people; "" is none.
    :ivar contexts: the metadata contexts that clients may select; their ids are their positions, counted from 1.
    :ivar status: who answers for the contexts; None when it is the storage's memory, which has the first one only.
    :ivar lenient: whether requests of no bytes are carried out, about which the protocol says nothing and which QEMU
        answers, and whether commands that only hint (CACHE, the flag FAST_ZERO) are offered.
    """

    name: str
    storage: HeldStorage
    read_only: bool = False
    minimum_block: int = 1
    preferred_block: int = 4096
    hole_chunks: bool = False
    multi_conn: bool = True
    description: str = ""
    contexts: tuple[str, ...] = (BASE_ALLOCATION,)
    status: StatusSource | None = None
    lenient: bool = False

    def __post_init__(self) -> None:
        """Check the terms.

        :raise CaseError: naming the first that the protocol does not allow ("Block size constraints").
        """
        if len(self.name.encode("utf-8")) > MAX_NAME_LENGTH:
            raise CaseError(f"export name {self.name[:32]!r}... is longer than {MAX_NAME_LENGTH} bytes")
        for value, least, most, what in (
            (self.minimum_block, 1, 64 << 10, "minimum block size"),
            (self.preferred_block, max(512, self.minimum_block), MAX_PAYLOAD, "preferred block size"),
        ):
            if not least <= value <= most or value & (value - 1):
                raise CaseError(f"{what} {value} is not a power of two from {least} to {most}")
        if self.storage.size % self.minimum_block:
            raise CaseError(
                f"size {self.storage.size} is not a multiple of the minimum block size {self.minimum_block}"
            )

    def flags(self, *, structured: bool) -> TransmissionFlag:
        """The transmission flags for a client that has or has not negotiated structured replies."""
        flags = (
            TransmissionFlag.HAS_FLAGS
            | TransmissionFlag.SEND_FLUSH
            | TransmissionFlag.SEND_FUA
            | TransmissionFlag.SEND_TRIM
            | TransmissionFlag.SEND_WRITE_ZEROES
        )
        if self.read_only:
            flags |= TransmissionFlag.READ_ONLY
        if structured:
            flags |= TransmissionFlag.SEND_DF
        if self.multi_conn:
            flags |= TransmissionFlag.CAN_MULTI_CONN
        if self.lenient:
            flags |= TransmissionFlag.SEND_CACHE
            if not self.read_only:
                flags |= TransmissionFlag.SEND_FAST_ZERO
        return flags
