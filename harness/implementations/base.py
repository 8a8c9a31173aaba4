"""What a case and an implementation have to do with each other: this interface and nothing else.

An `Implementation` can be probed and opened; each opening is a `Session`, a fresh instance with no disks. A session
takes commands, guest requests and storage, and lists the events that it sent. Nothing in it returns before it is told
to wait: `settle` lets everything happen that can happen without time passing, `let_time_pass` lets a little time pass,
and `wait` does so until a condition holds.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.errors import CaseError
from harness.storage import HeldStorage, Operation

if TYPE_CHECKING:
    from harness.consoles.console import Console

HANG_LIMIT_S = 30.0
"""How long a wait on a real program may last. It only catches hangs: nothing that works needs a tenth of it."""


class Event(NamedTuple):
    """An event as it was sent, without its time."""

    name: str
    data: dict[str, Any]


class Probe(NamedTuple):
    """What an implementation says of itself."""

    version: str
    features: frozenset[str]


class Inside(NamedTuple):
    """What only a model can show of itself while it runs.

    :ivar dirty_areas: of the mirror's bitmap, as (offset, length) in bytes. :ivar operations: in flight, in words.
    """

    dirty_areas: list[tuple[int, int]]
    operations: list[str]


class PendingCommand:
    """A command on its way.

    :ivar reply: ``{"return": …}`` or ``{"error": {"class": …, "desc": …}}`` once it is there.
    """

    __slots__ = ("arguments", "name", "reply")

    def __init__(self, name: str, arguments: Mapping[str, Any]) -> None:
        self.name = name
        self.arguments = arguments
        self.reply: dict[str, Any] | None = None

    @property
    def done(self) -> bool:
        """Whether it was answered."""
        return self.reply is not None


class PendingRequest:
    """A guest's request on its way.

    :ivar errno: None while it is under way, 0 when it succeeded, else what it failed with.
    :ivar data: what a read returned.
    """

    __slots__ = ("data", "errno", "fua", "length", "may_unmap", "offset", "operation", "payload")

    def __init__(
        self,
        operation: Operation,
        offset: int,
        length: int,
        payload: bytes | None = None,
        *,
        fua: bool = False,
        may_unmap: bool = False,
    ) -> None:
        self.operation = operation
        self.offset = offset
        self.length = length
        self.payload = payload
        self.fua = fua
        self.may_unmap = may_unmap
        self.errno: int | None = None
        self.data: bytes | None = None

    @property
    def done(self) -> bool:
        """Whether it was answered."""
        return self.errno is not None


class GuestPort(abc.ABC):
    """A guest's access to a node."""

    @abc.abstractmethod
    def submit(self, request: PendingRequest) -> None:
        """Send a request; many may be under way."""


class BitmapPort(abc.ABC):
    """A client's view of a dirty bitmap, over an export. The bitmap is busy until it is closed."""

    @abc.abstractmethod
    def ranges(self) -> list[tuple[int, int]]:
        """The dirty ranges now, as (offset, length) in bytes: ascending, not adjacent, within the disk."""

    @abc.abstractmethod
    def close(self) -> None:
        """End the export. May be called twice."""


class Session(abc.ABC):
    """One instance of an implementation.

    :ivar events: every event so far, in the order in which they were sent. Only the session appends.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []

    @abc.abstractmethod
    def attach(self, name: str, storage: HeldStorage, *, read_only: bool = False, unmap: bool = False) -> None:
        """Make a node called `name` over the storage; `unmap` lets discards reach it."""

    def attach_drive(self, drive: str, name: str, storage: HeldStorage, *, unmap: bool = False) -> None:
        """As `attach`, with a drive over the node, for implementations with the feature ``drive``.

        :param drive: what commands about devices, and the human monitor, call it.
        """
        raise CaseError("this implementation has no drives")

    def add_empty_drive(self, drive: str) -> None:
        """Make a drive without a medium, with the same feature."""
        raise CaseError("this implementation has no drives")

    def provide_bus(self) -> None:
        """Have a bus that ``device_add`` can put disks on, before anything else is done.

        A model needs none.
        """
        return

    def take_output(self) -> str:
        """What the program has printed on its standard output since the last time.

        For implementations with the feature ``human-monitor-command``.
        """
        raise CaseError("this implementation has no standard output")

    @abc.abstractmethod
    def open_guest(self, node_name: str) -> GuestPort:
        """Give a guest access to a node. Do it before a job starts on the node."""

    def open_qemu_io(self, node_name: str, *, below: bool = False, terminal: bool = False) -> Console:
        """Start a ``qemu-io`` on a node, for implementations with the feature ``qemu-io-console``.

        It is a further guest of the node, which has one already; or, `below`, it is on the node's storage itself, past
        the implementation.

        :param terminal: whether it sits on a terminal.
        """
        raise CaseError("this implementation has no qemu-io")

    def open_monitor(self, *, terminal: bool = False) -> Console:
        """Open the human monitor as a console, before anything else, with the feature ``hmp-console``.

        :param terminal: on one that the program makes, instead of its standard input and output.
        """
        raise CaseError("this implementation has no human monitor")

    def close_guest(self, node_name: str) -> None:
        """End a guest's access to a node; nothing of it is under way."""
        raise CaseError("this implementation cannot send a guest away")

    def open_bitmap(self, node_name: str, bitmap_name: str) -> BitmapPort:
        """Show a dirty bitmap to a client, for implementations with the feature ``bitmap-export``.

        :raise ImplementationError: when it refuses.
        """
        raise CaseError("this implementation does not export bitmaps")

    def quit(self) -> str:
        """Tell the program to quit and wait until it has, with the feature ``quit``; return how it ended, in words.

        Its events are all that is left of it then.
        """
        raise CaseError("this implementation cannot be told to quit")

    @abc.abstractmethod
    def submit_command(self, name: str, arguments: Mapping[str, Any]) -> PendingCommand:
        """Send a QMP command."""

    @abc.abstractmethod
    def settle(self) -> None:
        """Return once nothing can happen any more without time passing or a held request being released."""

    @abc.abstractmethod
    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Let things happen, and time pass, until the condition holds.

        :param what: what is waited for, in words, for the report of a hang.
        :raise ImplementationHang: when it does not come to hold.
        """

    @abc.abstractmethod
    def let_time_pass(self) -> None:
        """Let a little time pass: on a model until the next timer, on a real program until it does something.

        :raise ImplementationHang: when nothing can ever happen again.
        """

    def virtual_time_ms(self) -> int:
        """How much time has passed, in milliseconds, for implementations with the feature ``virtual-time``."""
        raise CaseError("this implementation has no clock of its own")

    @abc.abstractmethod
    def close(self) -> None:
        """End the instance; nothing of it stays behind. May be called twice."""

    def inside(self) -> Inside | None:
        """What the implementation can show of its mirror, for a person to look at; None when it cannot."""
        return None

    def hbitmap(self, size: int, granularity: int) -> Any:
        """A hierarchical bitmap, for implementations with the feature ``hbitmap``."""
        raise CaseError("this implementation has no bitmap of its own to show")

    def area_bitmap(self, size: int, granularity: int, feature: str) -> Any:
        """A bitmap of which ``next_area`` can be asked, for implementations with ``hbitmap-`` and this feature.

        :param feature: ``area``, or ``area-2018`` for the function as it was then.
        """
        raise CaseError("this implementation has no bitmap of its own to show")

    def job_states(self) -> tuple[Mapping[str, Sequence[str]], Mapping[str, Sequence[str]]]:
        """(which states may follow each state, in which states each verb is allowed), for implementations with the
        feature ``job-states``.
        """
        raise CaseError("this implementation has no table of job states to show")

    def next_area(self, bitmap: Any, iterator: Any, max_offset: int) -> tuple[int, int] | None:
        """What ``next_area`` of such a bitmap gives."""
        area: tuple[int, int] | None = bitmap.next_area(iterator, max_offset)
        return area

    @contextmanager
    def bitmap_calls(self) -> Iterator[None]:
        """Within this, whatever a bitmap of this session refuses is a ``ConsoleRefusal``, and what else goes wrong in
        it is an error of the implementation.
        """
        yield


class Implementation(abc.ABC):
    """Something to be tested, named by a spec such as ``reference`` or ``qemu-storage-daemon:/usr/bin/…``."""

    spec: str

    restartable: bool = True
    """Whether each opening is a fresh instance; else what ends it, ends it for all cases that follow."""

    @abc.abstractmethod
    def probe(self) -> Probe:
        """Say version and features.

        :raise ImplementationUnavailable: when it cannot be started.
        """

    @abc.abstractmethod
    def open(self, folder: Path, hang_limit_s: float = HANG_LIMIT_S) -> Session:
        """Make an instance that keeps its sockets and files in `folder`.

        :raise ImplementationUnavailable: when it cannot be started.
        """
