"""Files for the reference in process: real ones, below the session's folder, read and written at once."""

from __future__ import annotations

import contextlib
import errno as errno_numbers
import os
from collections.abc import Callable
from pathlib import Path

from harness.implementations import file_space
from reference_impl.file_nodes import FileError
from reference_impl.storage_node import Completion

Post = Callable[[Callable[[], None]], None]
"""Calls something from the reference's main loop."""


class FilePort:
    """An open file as a storage port; completions are posted, never given at once."""

    def __init__(self, descriptor: int, post: Post) -> None:
        self._descriptor = descriptor
        self._post = post

    @property
    def size_bytes(self) -> int:
        return os.fstat(self._descriptor).st_size

    def submit(
        self,
        operation: str,
        offset: int,
        length: int,
        data: bytes | None,
        fua: bool,
        may_unmap: bool,
        completion: Completion,
    ) -> None:
        result: bytes | None = None
        errno = 0
        try:
            match operation:
                case "read":
                    read = os.pread(self._descriptor, length, offset)
                    result = read + bytes(length - len(read))
                case "write":
                    os.pwrite(self._descriptor, data or b"", offset)
                case "zero":
                    file_space.zero(self._descriptor, offset, length, may_punch=may_unmap)
                case "discard":
                    # A hint: where holes cannot be made, nothing is.
                    file_space.punch(self._descriptor, offset, length)
                case "flush":
                    os.fsync(self._descriptor)
            if fua and operation in ("write", "zero"):
                os.fdatasync(self._descriptor)
        except OSError as error:
            errno = error.errno or errno_numbers.EIO
        self._post(lambda: completion(errno, result))

    def truncate(self, size_bytes: int) -> None:
        """Change the length of the file.

        :raise FileError: when that cannot be.
        """
        try:
            os.ftruncate(self._descriptor, size_bytes)
        except OSError as error:
            raise FileError(error.errno or errno_numbers.EIO) from error

    def block_status(self, offset: int, length: int) -> tuple[int, bool, bool]:
        """(length of the first run that is alike, whether it is a hole, whether it reads as zeroes)."""
        try:
            data = os.lseek(self._descriptor, offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno_numbers.ENXIO:
                return length, False, False
            return length, True, True  # nothing but a hole up to the end
        if data > offset:
            return min(data - offset, length), True, True
        return min(os.lseek(self._descriptor, offset, os.SEEK_HOLE) - offset, length), False, False


class Files:
    """The files below a folder; absolute paths lead elsewhere, as they do for a program started there.

    :param post: see `Post`.
    """

    def __init__(self, folder: Path, post: Post) -> None:
        self._folder = folder
        self._post = post
        self._descriptors: list[int] = []

    def create(self, path: str, size_bytes: int, head: bytes = b"") -> None:
        """Make a file of zeroes but for what it begins with.

        :raise FileError: when that cannot be.
        """
        descriptor = self._open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        try:
            os.pwrite(descriptor, head, 0)
            os.ftruncate(descriptor, size_bytes)
        except OSError as error:
            raise FileError(error.errno or errno_numbers.EIO) from error
        finally:
            os.close(descriptor)

    def head(self, path: str, length: int) -> bytes:
        """The first bytes of a file.

        :raise FileError: when it cannot be read.
        """
        descriptor = self._open(path, os.O_RDONLY)
        try:
            return os.pread(descriptor, length, 0)
        except OSError as error:
            raise FileError(error.errno or errno_numbers.EIO) from error
        finally:
            os.close(descriptor)

    def open(self, path: str, *, read_only: bool) -> FilePort:
        """Open a file; it is closed with all others.

        :raise FileError: when that cannot be.
        """
        descriptor = self._open(path, os.O_RDONLY if read_only else os.O_RDWR)
        self._descriptors.append(descriptor)
        return FilePort(descriptor, self._post)

    def same(self, one: str, other: str) -> bool:
        """Whether two paths lead to one file."""
        try:
            return os.path.samefile(self._folder / one, self._folder / other)
        except OSError:
            return False

    def _open(self, path: str, flags: int) -> int:
        try:
            if not path:
                raise FileNotFoundError(errno_numbers.ENOENT, "")
            return os.open(self._folder / path, flags | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise FileError(error.errno or errno_numbers.EIO) from error

    def close(self) -> None:
        """Close every file."""
        for descriptor in self._descriptors:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._descriptors.clear()
