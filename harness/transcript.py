"""What a case prints, line by line, as it happens.

A transcript is text, one event a line, without times, paths or anything else that lawfully differs between two runs;
`harness.filters` takes such things out before they get here. It is written as it grows, so that it can be followed,
and so that it survives the death of whoever writes it.
"""

from __future__ import annotations

from typing import BinaryIO

from harness.errors import CaseError, UsageError

TRANSCRIPT_BYTES_MAX = 16 * 1024 * 1024
"""A transcript that grows beyond this is a case gone wild, not something that a person will read."""


class Transcript:
    """Lines of text, kept and written to a file as they come.

    :param file: where to write UTF-8, or None to keep the lines only.
    """

    def __init__(self, file: BinaryIO | None = None) -> None:
        self.lines: list[str] = []
        self._file = file
        self._length_bytes = 0

    def line(self, text: str = "") -> None:
        """Add a line; text of several lines becomes several lines. Control characters and lone surrogates are escaped.

        :raise CaseError: when the transcript becomes longer than 16 MiB.
        :raise UsageError: when it cannot be written, as on a full disk.
        """
        for part in text.split("\n"):
            clean = printable(part.rstrip())
            encoded = clean.encode() + b"\n"
            self._length_bytes += len(encoded)
            if self._length_bytes > TRANSCRIPT_BYTES_MAX:
                raise CaseError(f"the transcript is longer than {TRANSCRIPT_BYTES_MAX} bytes")
            self.lines.append(clean)
            if self._file is not None:
                self._write(self._file, encoded)

    @staticmethod
    def _write(file: BinaryIO, encoded: bytes) -> None:
        try:
            # An unbuffered file may take less than all of it, and says only with the rest that the disk is full.
            while encoded:
                encoded = encoded[file.write(encoded) :]
            file.flush()
        except OSError as error:
            raise UsageError(f"cannot write the transcript: {error.strerror}") from error

    def text(self) -> str:
        """All of it, each line ended."""
        return "".join(f"{line}\n" for line in self.lines)


def printable(text: str) -> str:
    """The text with what would disturb a terminal or is no character written as an escape, such as ``\\x1b``."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )
