"""The trace of one run: what happened on the bench, in order, for whoever wants to see it drawn.

A transcript holds what is the same everywhere. The trace holds everything, on one axis: lines of the transcript, guest
requests, commands, events, the disks' requests from arrival to completion, and after each line what the disks hold. It
is for people; nothing is decided by it, and a case that makes more of it than `RECORDS_MAX` keeps the beginning.

Each line of ``trace.jsonl`` is a list whose first word says what it is; docs/file-formats.md lists them. Disks are
shown as at most `CELLS_MAX` cells; a cell is "" for a hole, two hexadecimal digits for bytes that are all the same, and
else a checksum.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO

import msgspec

from harness.implementations.base import Event, GuestPort, PendingCommand, PendingRequest, Session
from harness.pages import PAGE_SIZE
from harness.storage import HeldStorage, StorageRequest
from harness.trace_file import FORMAT, Entry
from harness.transcript import Transcript

CELLS_MAX = 64
RECORDS_MAX = 4000
#: Above this a cell of mixed data is not read, only seen to hold something.
_CELL_READ_BYTES_MAX = 1 << 20


class Trace:
    """Collects entries and writes them with each line of the transcript.

    :param file: where to write, with each line of the transcript.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._entries: list[Entry] = [["trace", FORMAT]]
        self._count = 0
        self._disks: dict[str, _Cells] = {}
        self._guests: list[tuple[int, PendingRequest]] = []
        self._commands: list[tuple[int, PendingCommand]] = []
        self._request_count = 0
        self._events: list[Event] = []
        self._events_seen = 0
        self._inside: Any = None
        self._session: Session | None = None

    def follow(self, session: Session) -> None:
        """Follow a session from now on.

        Its three entries are hung over on the object itself: so it stays what it is, with whatever else it can do.
        """
        attach, open_guest, submit_command = session.attach, session.open_guest, session.submit_command

        def followed_attach(name: str, storage: HeldStorage, **options: Any) -> None:
            self.disk(storage)
            attach(name, storage, **options)

        def followed_open_guest(node_name: str) -> GuestPort:
            return _FollowedPort(open_guest(node_name), node_name, self)

        def followed_submit_command(name: str, arguments: Mapping[str, Any]) -> PendingCommand:
            command = submit_command(name, arguments)
            self.command(command)
            return command

        vars(session).update(
            attach=followed_attach, open_guest=followed_open_guest, submit_command=followed_submit_command
        )
        self._session = session
        self._events = session.events

    def add(self, *entry: Any) -> None:
        """Add an entry, unless there are too many."""
        self._count += 1
        if self._count < RECORDS_MAX:
            self._entries.append(list(entry))
        elif self._count == RECORDS_MAX:
            self._entries.append(["cut", RECORDS_MAX])

    def line(self, number: int) -> None:
        """Note that a line of the transcript was printed, and what the disks hold after it; write all that there is.

        :param number: of the line, from 1.
        """
        if self._count >= RECORDS_MAX:
            return
        self._look()
        self._look_inside()
        cells = {name: changed for name, disk in self._disks.items() if (changed := disk.changed())}
        self.add("line", number, *([cells] if cells else []))
        self._write()

    def finish(self) -> None:
        """Note what nobody has looked at since the last line, and write it."""
        if self._count < RECORDS_MAX:
            self._look()
        self._write()

    # What is followed

    def disk(self, storage: HeldStorage) -> None:
        """Follow a disk."""
        cells = self._disks[storage.name] = _Cells(storage)
        self.add("disk", storage.name, storage.size, cells.cell_bytes, list(cells.values))
        storage.on_submit.append(self._storage_begins)
        storage.on_finish.append(self._storage_ends)

    def guest(self, node_name: str, request: PendingRequest) -> None:
        """Follow a guest's request."""
        self._look()
        self._request_count += 1
        self._guests.append((self._request_count, request))
        self.add("guest", self._request_count, node_name, str(request.operation), request.offset, request.length)

    def command(self, command: PendingCommand) -> None:
        """Follow a command."""
        self._look()
        self._request_count += 1
        self._commands.append((self._request_count, command))
        self.add("command", self._request_count, command.name)

    def _storage_begins(self, request: StorageRequest) -> None:
        if self._count < RECORDS_MAX:
            self._look()
            self._look_inside()
            self.add(
                *("storage", request.storage.name, request.index, str(request.operation)),
                *(request.offset, request.length, str(request.state)),
            )

    def _storage_ends(self, request: StorageRequest) -> None:
        if self._count < RECORDS_MAX:
            self._look()
            self.add("storage-end", request.storage.name, request.index, request.errno)
            self._disks[request.storage.name].touch(request)

    def _look(self) -> None:
        """Note what has come by itself since somebody looked: answers and events."""
        if len(self._events) > self._events_seen:
            for event in self._events[self._events_seen :]:
                status = event.data.get("status") if event.name == "JOB_STATUS_CHANGE" else None
                name = event.data.get("id", event.data.get("device", ""))
                self.add("event", event.name, str(name), *([str(status)] if status else []))
            self._events_seen = len(self._events)
        if self._guests:
            for number, request in self._guests:
                if request.errno is not None:
                    self.add("guest-end", number, request.errno)
            self._guests = [pair for pair in self._guests if pair[1].errno is None]
        if self._commands:
            for number, command in self._commands:
                if command.reply is not None:
                    self.add("command-end", number, "error" not in command.reply)
            self._commands = [pair for pair in self._commands if pair[1].reply is None]

    def _look_inside(self) -> None:
        if self._session is None:
            return
        try:
            inside = self._session.inside()
        except Exception:  # a model with a bug put back may not bear to be looked at; that must not change its verdict
            self._session = None
            return
        if inside is not None and inside != self._inside:
            self._inside = inside
            self.add("inside", inside.dirty_areas, inside.operations)

    def _write(self) -> None:
        if self._entries:
            try:
                self._file.write(b"".join(msgspec.json.encode(entry) + b"\n" for entry in self._entries))
            except OSError:  # a full disk shows in the transcript, which matters; a trace only ends early
                self._count = RECORDS_MAX
            self._entries = []


class _Cells:
    """What a disk holds, in few words."""

    def __init__(self, storage: HeldStorage) -> None:
        self._storage = storage
        pages = -(-storage.size // PAGE_SIZE)
        self.cell_bytes = max(1, -(-pages // CELLS_MAX)) * PAGE_SIZE
        self.values = [self._describe(index) for index in range(-(-storage.size // self.cell_bytes))]
        self._touched: set[int] = set()

    def touch(self, request: StorageRequest) -> None:
        if not request.errno and request.length and request.operation not in ("read", "flush"):
            first = request.offset // self.cell_bytes
            self._touched.update(range(first, (request.offset + request.length - 1) // self.cell_bytes + 1))

    def changed(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for index in sorted(self._touched):
            value = self._describe(index)
            if index >= len(self.values):  # the disk grew
                self.values += [""] * (index + 1 - len(self.values))
            if value != self.values[index]:
                self.values[index] = found[str(index)] = value
        self._touched.clear()
        return found

    def _describe(self, index: int) -> str:
        offset = index * self.cell_bytes
        length = min(self.cell_bytes, self._storage.size - offset)
        if length <= 0:
            return ""
        if length > _CELL_READ_BYTES_MAX:
            extents = self._storage.extents(offset, length, 2)
            return "" if len(extents) == 1 and extents[0].is_hole else "data"
        get = self._storage.memory.pages.get
        first = offset // PAGE_SIZE
        held = [get(number) for number in range(first, first - (-length // PAGE_SIZE))]
        page = held[0]
        if held.count(page) == len(held):  # by far the most frequent, and known without reading the cell
            if page is None:
                return ""
            if page.count(page[0]) == len(page):
                return f"{page[0]:02x}"
        data = self._storage.read_bytes(offset, length)
        if data.count(data[0]) == length:
            return f"{data[0]:02x}"
        return f"{zlib.crc32(data):08x}"


class TracedTranscript(Transcript):
    """A transcript that tells a trace of each line."""

    def __init__(self, file: BinaryIO | None, trace: Trace) -> None:
        super().__init__(file)
        self._trace = trace

    def line(self, text: str = "") -> None:
        super().line(text)
        self._trace.line(len(self.lines))


class _FollowedPort(GuestPort):
    def __init__(self, port: GuestPort, node_name: str, trace: Trace) -> None:
        self._port = port
        self._node_name = node_name
        self._trace = trace

    def submit(self, request: PendingRequest) -> None:
        self._trace.guest(self._node_name, request)
        self._port.submit(request)
