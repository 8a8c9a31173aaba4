"""What a mirror is asked to do, and the limits that nobody can ask to be otherwise."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from reference_impl.job import ErrorPolicy

OPERATION_BYTES_MAX = 1024 * 1024
"""What one copy moves at most, unless a sixteenth of the buffer is more."""

BUFFER_BYTES_DEFAULT = 16 * 1024 * 1024

BUFFER_BYTES_ALLOCATABLE_MAX = 1 << 47
"""No address space holds a larger buffer: the job fails when it asks for one (real-qemu F)."""

VECTOR_ELEMENTS_MAX = 1024
"""A copy uses one vector element a granule, and a request takes no more than this many (C45)."""


class CopyMode(enum.StrEnum):
    """Who copies what a guest writes: the background copy, later, or the write itself.

    The first two are QEMU's. The others are specified in ``docs/modes.md`` and marked unstable in the schema.
    """

    BACKGROUND = "background"
    WRITE_BLOCKING = "write-blocking"
    WRITE_ASYNC = "write-async"
    READ_WRITE_BLOCKING = "read-write-blocking"


class SyncMode(enum.StrEnum):
    """What is copied besides what the guest writes from now on."""

    FULL = "full"
    TOP = "top"
    NONE = "none"


class CopyMethod(enum.Enum):
    """How a range gets to the target."""

    COPY = "copy"
    ZERO = "zero"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorOptions:
    """What a mirror was asked to do, after all defaults.

    :ivar granularity_bytes: a power of two from 512 to 64 MiB.
    :ivar buffer_bytes: 0 or less was refused or replaced before; rounded up to the granularity here.
    :ivar unmap: whether zeroes may be written by deallocating.
    :ivar zero_target: whether the target may hold anything, so that zeroes and holes have to be brought to it too.
    """

    sync: SyncMode
    granularity_bytes: int
    buffer_bytes: int = BUFFER_BYTES_DEFAULT
    on_source_error: ErrorPolicy = ErrorPolicy.REPORT
    on_target_error: ErrorPolicy = ErrorPolicy.REPORT
    copy_mode: CopyMode = CopyMode.BACKGROUND
    unmap: bool = True
    zero_target: bool = True
