"""What a file takes on its disk: zeroes and holes without writing them.

Which way a file system knows differs; a program for disks tries one after the other, and so block status tells the same
of a file whoever zeroed it.

Source: fallocate(2); the order of the attempts is that of QEMU's driver ``file``.
"""

from __future__ import annotations

import ctypes
import errno
import os

_KEEP_SIZE = 0x01
_PUNCH_HOLE = 0x02
_ZERO_RANGE = 0x10

PIECE_BYTES = 1 << 20

_fallocate = ctypes.CDLL(None, use_errno=True).fallocate
_fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)

_NOT_HERE = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.ENODEV})
"""How a file system says that it does not know a way."""


def punch(descriptor: int, offset: int, length: int) -> bool:
    """Make a hole; say whether the file system can.

    :raise OSError: when it fails otherwise.
    """
    return _allocate(descriptor, _PUNCH_HOLE | _KEEP_SIZE, offset, length)


def zero(descriptor: int, offset: int, length: int, *, may_punch: bool) -> None:
    """Make a range read as zeroes; it keeps its space, unless it may become a hole.

    :raise OSError: when that fails.
    """
    if not length:
        return
    if may_punch and punch(descriptor, offset, length):
        return
    if _allocate(descriptor, _ZERO_RANGE, offset, length):
        return
    if punch(descriptor, offset, length) and _allocate(descriptor, 0, offset, length):
        return
    for start in range(offset, offset + length, PIECE_BYTES):
        os.pwrite(descriptor, bytes(min(PIECE_BYTES, offset + length - start)), start)


def _allocate(descriptor: int, mode: int, offset: int, length: int) -> bool:
    if not _fallocate(descriptor, mode, offset, length):
        return True
    number = ctypes.get_errno()
    if number in _NOT_HERE:
        return False
    raise OSError(number, os.strerror(number))
