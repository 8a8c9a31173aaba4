"""Turns a trace into what a page draws: bars in lanes on one axis, and what the disks hold after each step.

The axis is the order of things, not time: a position is the number of an entry in the trace. A trace may come from
anywhere, so nothing in it is believed to be of the right type; what is not is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from harness.side_by_side import shown
from harness.trace_file import Entry
from harness.units import format_bytes

#: A page is for looking at; more bars than this nobody can tell apart.
BARS_MAX = 1500
TEXT_LENGTH_MAX = 120

#: From top to bottom.
LANES = ("commands", "guest", "mirror", "source", "target", "other disks", "events", "job")


class Bar(msgspec.Struct, array_like=True):
    """Something that lasted from one position to another; ``end`` is -1 while it is not over."""

    start: int
    end: int
    text: str
    style: str = ""


class DiskStrip(msgspec.Struct):
    """A disk as cells: what they hold at the start, and what changes with the lines after that."""

    name: str
    cell_bytes: int
    cells: list[str]
    changes: list[tuple[int, dict[str, str]]] = []


class Timeline(msgspec.Struct):
    """A trace, ready to be drawn.

    :ivar lines: position of each line of the transcript, in order of their numbers.
    :ivar dirty: (position, cells) of the mirror's bitmap, "1" for a cell with something dirty in it; only models tell.
    """

    length: int
    lanes: dict[str, list[Bar]]
    lines: list[int]
    disks: list[DiskStrip]
    dirty: list[tuple[int, str]] = []
    is_cut: bool = False


class _Builder:
    def __init__(self, entries: Sequence[Entry]) -> None:
        self.guest_nodes = {entry[2] for entry in entries if _fits(entry, "guest", (int, str))}
        self.timeline = Timeline(length=len(entries), lanes={name: [] for name in LANES}, lines=[], disks=[])
        self._open: dict[tuple[Any, ...], Bar] = {}
        self._disks: dict[str, tuple[DiskStrip, int]] = {}
        self._operations: dict[str, Bar] = {}
        self._jobs: dict[str, Bar] = {}
        self._has_inside = any(entry[:1] == ["inside"] for entry in entries)
        self._bar_count = 0

    def add(self, position: int, entry: Entry) -> None:
        match entry:
            case ["line", int(number), *rest] if number == len(self.timeline.lines) + 1:
                self.timeline.lines.append(position)
                if rest:
                    self._changes(rest[0], number)
            case ["disk", str(name), int(size), int(cell_bytes), list(cells)] if cell_bytes > 0 and size >= 0:
                strip = DiskStrip(_text(name), cell_bytes, [_text(cell) for cell in cells])
                self._disks[name] = (strip, size)
                self.timeline.disks.append(strip)
            case ["guest", int(number), str(node), str(operation), int(offset), int(length)]:
                text = f"{_request(operation, offset, length)} on {node}"
                self._begin("guest", ("guest", number), position, text, operation)
            case ["command", int(number), str(name)]:
                self._begin("commands", ("command", number), position, name)
            case ["storage", str(disk), int(index), str(operation), int(offset), int(length), str(state)]:
                style = f"{operation} held" if state == "held" else operation
                text = _request(operation, offset, length)
                self._begin(self._lane(disk), ("storage", disk, index), position, text, style)
                if not self._has_inside and self._lane(disk) == "target":
                    self._begin("mirror", ("mirror", disk, index), position, text, style)
            case ["storage-end", str(disk), int(index), int(errno)]:
                self._end(("storage", disk, index), position, failed=errno != 0)
                self._end(("mirror", disk, index), position, failed=errno != 0)
            case ["guest-end", int(number), int(errno)]:
                self._end(("guest", number), position, failed=errno != 0)
            case ["command-end", int(number), bool(is_good)]:
                self._end(("command", number), position, failed=not is_good)
            case ["event", str(name), str(subject), *rest]:
                self._bar("events", Bar(position, position, _text(f"{name} {subject} {' '.join(map(str, rest))}")))
                if name == "JOB_STATUS_CHANGE" and rest:
                    self._state(position, subject, str(rest[0]))
            case ["inside", list(areas), list(operations)]:
                self._inside(position, areas, [str(operation) for operation in operations])
            case ["cut", *_]:
                self.timeline.is_cut = True

    def _lane(self, disk: str) -> str:
        if disk in self.guest_nodes or disk == "source":
            return "source"
        return "target" if disk == "target" or (len(self._disks) == 2 and self.guest_nodes) else "other disks"

    def _bar(self, lane: str, bar: Bar) -> bool:
        self._bar_count += 1
        if self._bar_count > BARS_MAX:
            self.timeline.is_cut = True
            return False
        self.timeline.lanes[lane].append(bar)
        return True

    def _begin(self, lane: str, key: tuple[Any, ...], position: int, text: str, style: str = "") -> None:
        bar = Bar(position, -1, _text(text), _text(style))
        if self._bar(lane, bar):
            self._open[key] = bar

    def _end(self, key: tuple[Any, ...], position: int, *, failed: bool) -> None:
        bar = self._open.pop(key, None)
        if bar is not None:
            bar.end = position
            if failed:
                bar.style = f"{bar.style} failed".strip()

    def _state(self, position: int, job: str, state: str) -> None:
        before = self._jobs.pop(job, None)
        if before is not None:
            before.end = position
        if state != "null":
            bar = Bar(position, -1, _text(f"{job} {state}"), _text(state))
            if self._bar("job", bar):
                self._jobs[job] = bar

    def _inside(self, position: int, areas: list[Any], operations: list[str]) -> None:
        for name in [name for name in self._operations if name not in operations]:
            self._operations.pop(name).end = position
        for name in operations:
            if name not in self._operations:
                bar = Bar(position, -1, _text(name), "write" if name.startswith("active") else "read")
                if self._bar("mirror", bar):
                    self._operations[name] = bar
        source = next((pair for name, pair in self._disks.items() if self._lane(name) == "source"), None)
        if source is None:
            return
        strip = source[0]
        marks = ["0"] * len(strip.cells)
        for area in areas:
            match area:
                case [int(offset), int(length)] if offset >= 0 and length > 0:
                    first = offset // strip.cell_bytes
                    last = min((offset + length - 1) // strip.cell_bytes, len(marks) - 1)
                    marks[first : last + 1] = ["1"] * max(0, last + 1 - first)
        cells = "".join(marks)
        if not self.timeline.dirty or self.timeline.dirty[-1][1] != cells:
            self.timeline.dirty.append((position, cells))

    def _changes(self, changes: Any, number: int) -> None:
        if not isinstance(changes, dict):
            return
        for name, cells in changes.items():
            if name in self._disks and isinstance(cells, dict):
                clean = {key: _text(value) for key, value in cells.items() if str(key).isdecimal() and len(key) < 4}
                self._disks[name][0].changes.append((number, clean))


def timeline(entries: Sequence[Entry]) -> Timeline:
    """Return a trace as it is drawn."""
    builder = _Builder(entries)
    for position, entry in enumerate(entries):
        builder.add(position, entry)
    return builder.timeline


def _fits(entry: Entry, kind: str, types: tuple[type, ...]) -> bool:
    return entry[0] == kind and len(entry) > len(types) and all(map(isinstance, entry[1:], types))


def _request(operation: str, offset: int, length: int) -> str:
    if operation == "flush" or offset < 0 or length < 0:
        return operation
    return f"{operation} {format_bytes(offset)}+{format_bytes(length)}"


def _text(value: Any) -> str:
    return shown(str(value), TEXT_LENGTH_MAX)
