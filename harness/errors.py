"""Every error that the harness raises on purpose, and whose fault each one is.

::

    MirrorcheckError
    ├── UsageError                   the person at the command line, or a file they wrote           exit 254
    ├── CaseError                    the case file: bad header, misuse of the bench                  exit 255
    ├── CaseSkipped                  nobody: the implementation does not offer what the case needs
    ├── ImplementationError          the implementation under test                                   exit 1
    │   ├── ImplementationHang       it stopped answering, or nothing can happen any more
    │   ├── ImplementationCrash      its process ended, or the reference raised
    │   ├── ProtocolViolation        it sent what the protocol does not allow
    │   └── Disagreement             a check of the case or of the oracle found wrong data
    ├── ImplementationUnavailable    it could not be started at all                                  exit 125
    ├── Undecided                    nothing selected, time ran out                                  exit 2
    └── HarnessBug                   us                                                              exit 255

A ``MirrorcheckError``'s text is one lower-case line that names the value and the rule; it is shown without a
traceback. Everything else that escapes is a bug of ours and is shown with one.
"""

from __future__ import annotations

from collections.abc import Sequence

EXIT_PASSED = 0
EXIT_NOT_CONFORMING = 1
EXIT_UNDECIDED = 2
EXIT_UNAVAILABLE = 125
EXIT_USAGE = 254
EXIT_BROKEN = 255


class MirrorcheckError(Exception):
    """Base of all errors raised on purpose; the text is one line."""

    exit_status = EXIT_BROKEN


class UsageError(MirrorcheckError):
    """The command line, a configuration file or an environment variable asks for what cannot be."""

    exit_status = EXIT_USAGE


class CaseError(MirrorcheckError):
    """A case file is wrong: its header does not parse, or it uses the bench against its rules."""

    exit_status = EXIT_BROKEN


class CaseSkipped(MirrorcheckError):
    """The implementation lacks a feature that the case needs; the text names the feature."""

    exit_status = EXIT_UNDECIDED


class ImplementationError(MirrorcheckError):
    """The implementation under test did something wrong."""

    exit_status = EXIT_NOT_CONFORMING


class ImplementationHang(ImplementationError):
    """The implementation stopped answering, or everything in it waits for something that cannot come.

    :ivar waits: one line for each thing that waits, saying for what; may be empty when nobody can tell.
    :ivar last_messages: the last QMP messages exchanged, oldest first.
    """

    def __init__(self, message: str, waits: Sequence[str] = (), last_messages: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.waits = tuple(waits)
        self.last_messages = tuple(last_messages)


class ImplementationCrash(ImplementationError):
    """The implementation's process ended, or the in-process reference raised.

    :ivar detail: what it left: the tail of its stderr, or a traceback.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class ProtocolViolation(ImplementationError):
    """The implementation sent a message that QMP or NBD does not allow."""


class Disagreement(ImplementationError):
    """A check found data, a field or an order that must not be."""


class ImplementationUnavailable(MirrorcheckError):
    """The implementation under test could not be started; `git bisect run` skips on this exit status."""

    exit_status = EXIT_UNAVAILABLE


class Undecided(MirrorcheckError):
    """Neither passed nor failed: nothing was selected, or the time ran out."""

    exit_status = EXIT_UNDECIDED


class HarnessBug(MirrorcheckError):
    """The harness contradicts itself. Shown with a traceback and a request to report it."""

    exit_status = EXIT_BROKEN
