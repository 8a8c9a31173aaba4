"""The bench: what a case is handed. Disks, guests, commands, events, waiting, comparing; and all of it is printed.

A case calls the bench line by line, and each line says in the transcript what was done and what came back. After each,
the bench lets everything happen that can happen without time passing, and prints the events that came of it; so a
reply and the events around it are always in the same order, whichever of them the program sent first (real-qemu E.1).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from harness import filters, graph_view, images
from harness.bitmap_view import BitmapView
from harness.dirty_bitmaps import DirtyBitmap
from harness.disk import Disk
from harness.errors import CaseError, CaseSkipped, Disagreement
from harness.guest import Guest
from harness.implementations.base import Event, Implementation, PendingCommand, Session
from harness.storage import HeldStorage, StorageRequest
from harness.transcript import Transcript
from harness.units import format_bytes

ADMINISTRATORS_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where programs such as mke2fs are, and where not everybody's PATH leads."""

JOB_ID = "job0"
"""The id of a job that a case does not name."""


class Bench:
    """A case's workplace, on one session of one implementation.

    :ivar features: what the implementation offers.
    :ivar folder: where the case may keep files while it runs.
    :ivar implementation: what the session is one of, for cases that need further instances; None when nobody said.
    """

    def __init__(
        self,
        session: Session,
        transcript: Transcript,
        features: frozenset[str],
        folder: Path,
        implementation: Implementation | None = None,
    ) -> None:
        self.session = session
        self.implementation = implementation
        self.features = features
        self.folder = folder
        self._transcript = transcript
        self._events_printed = 0
        self._hidden_members: set[str] = set()
        self._pauses_hidden = False
        self._pauses = filters.Pauses()
        self._events_awaited: dict[str, int] = {}
        self._disks: dict[str, Disk] = {}
        self._guests: dict[str, Guest] = {}
        self._files: list[Path] = []

    # The transcript

    def say(self, text: str) -> None:
        """Print a line."""
        self._transcript.line(text)

    def note(self, text: str) -> None:
        """Print a comment: what the next lines are about."""
        self.say(f"# {text}")

    def step(self, text: str) -> None:
        """Print a line about something done, let everything happen that follows from it, and print the events."""
        self.say(text)
        self.settle()

    def settle(self) -> None:
        """Let everything happen that can without time passing, and print the events."""
        self.session.settle()
        self.print_events()

    def print_events(self) -> None:
        """Print the events that have come since the last time."""
        events = self.session.events[self._events_printed :]
        self._events_printed += len(events)
        for event in events:
            if self._pauses_hidden and self._pauses.hides(event.name, event.data):
                continue
            data = {name: value for name, value in event.data.items() if name not in self._hidden_members}
            self.say(f"event {event.name} {filters.canonical(data)}")

    def hide_event_members(self, *names: str, reason: str) -> None:
        """Leave members of events out of the transcript from now on, and print why they are left out."""
        self._hidden_members |= set(names)
        self.note(f"{' and '.join(names)} of events are not shown: {reason}")

    def skip_events(self) -> list[Event]:
        """Settle, and return the events that have come since the last time, without printing them.

        For cases that print what is left when they have taken out what depends on the program's speed.
        """
        self.session.settle()
        events = list(self.session.events[self._events_printed :])
        self._events_printed += len(events)
        return events

    def hide_pauses(self, reason: str) -> None:
        """Leave out of the transcript that jobs pause and go on, and print why.

        Every change of the graph drains what it changes, how often depends on the version (QE-19).
        """
        self._pauses_hidden = True
        self.note(f"pauses of jobs are not shown: {reason}")

    def require(self, feature: str) -> None:
        """Skip the case if the implementation does not offer a feature that only now turns out to be needed."""
        if feature not in self.features:
            raise CaseSkipped(f"needs {feature}")

    def require_tool(self, name: str) -> Path:
        """The path of a program of this machine; without it the case is skipped."""
        path = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", os.defpath), *ADMINISTRATORS_FOLDERS)))
        if path is None:
            raise CaseSkipped(f"needs {name}, which is not installed here")
        return Path(path)

    def fail(self, text: str) -> NoReturn:
        """End the case: the implementation did something wrong.

        :raise Disagreement: with the text, one line.
        """
        raise Disagreement(text)

    # Disks and guests

    def disk(
        self,
        name: str,
        size: int,
        fill: int | None = None,
        *,
        data: bytes | None = None,
        unmap: bool = False,
        read_only: bool = False,
        write_back: bool = False,
        drive: str = "",
    ) -> Disk:
        """Make a disk of held storage and a node of the same name over it.

        :param size: bytes. :param fill: what every byte is; None is a disk of which nothing is allocated.
        :param data: what the disk begins with, instead of `fill`.
        :param unmap: whether discards and deallocating zero writes reach it.
        :param write_back: whether what is not flushed may be lost in a power cut.
        :param drive: the id of a drive to make over the node, for commands about devices and for the human monitor.
        """
        if name in self._disks:
            raise CaseError(f"there is a disk '{name}' already")
        storage = HeldStorage(name, size, write_back=write_back)
        contents = "empty"
        if data is not None:
            storage.write_bytes(0, data)
            contents = f"{format_bytes(len(data))} of data"
        elif fill is not None and size:
            storage.fill(fill)
            contents = f"all 0x{fill:02x}"
        words = (("unmap", unmap), ("read-only", read_only), ("write-back", write_back))
        options = "".join(f", {word}" for word, given in words if given)
        if drive:
            self.require("drive")
            self.session.attach_drive(drive, name, storage, unmap=unmap)
            options += f", drive {drive}"
        else:
            self.session.attach(name, storage, read_only=read_only, unmap=unmap)
        disk = self._disks[name] = Disk(self, storage)
        self.say(f"disk {name}: {format_bytes(size)}, {contents}{options}")
        return disk

    def disk_named(self, name: str) -> Disk:
        """A disk that was made before.

        :raise CaseError: when there is none of that name.
        """
        if name not in self._disks:
            raise CaseError(f"there is no disk '{name}'")
        return self._disks[name]

    def file(self, name: str, size: int) -> str:
        """Make an ordinary file of zeroes and a node of that name over it; return the name.

        Its requests cannot be held or failed, but it can be resized. It goes when the case ends, however that is.

        :param size: bytes.
        """
        path = self.folder / f"{name}.img"
        with path.open("xb") as file:
            self._files.append(path)
            file.truncate(size)
        self.say(f"file {name}: {format_bytes(size)}, empty")
        options = {"driver": "file", "node-name": name, "filename": path.name}
        pending = self.session.submit_command("blockdev-add", options)
        self.session.wait(lambda: pending.done, "the reply to blockdev-add")
        assert pending.reply is not None
        if "return" not in pending.reply:
            raise Disagreement(f"blockdev-add of a file was refused: {filters.canonical(pending.reply)}")
        return name

    def overlay(
        self,
        name: str,
        size: int,
        *,
        cluster: int = images.CLUSTER_BYTES_DEFAULT,
        subclusters: bool = False,
        backing: str | None = None,
        names_backing_file: str = "",
        read_only: bool = False,
        unmap: bool = False,
    ) -> str:
        """Make an empty image of the format ``qcow2`` on held storage of its own, and a node over it; return the name.

        The storage is the disk ``NAME-file``. What is where in it is the program's own affair.

        :param size: bytes. :param cluster: bytes. :param subclusters: whether parts of clusters can be there alone.
        :param backing: the node below; None is none, even if the image says that it has one.
        :param names_backing_file: what the image says is below it.
        """
        length = images.storage_bytes(size, cluster)
        storage = HeldStorage(f"{name}-file", length)
        storage.write_bytes(0, images.empty_image(size, cluster, names_backing_file, subclusters=subclusters))
        self.session.attach(storage.name, storage, read_only=False, unmap=unmap)
        self._disks[storage.name] = Disk(self, storage)
        options = {"driver": "qcow2", "node-name": name, "file": storage.name, "backing": backing}
        self.set_up("blockdev-add", options | _given(read_only=read_only) | ({"discard": "unmap"} if unmap else {}))
        words = (("subclusters", subclusters), ("unmap", unmap), ("read-only", read_only))
        more = "".join(f", {word}" for word, given in words if given)
        more += f", names {names_backing_file}" if names_backing_file else ""
        above = f" on {backing}" if backing else ""
        self.say(f"overlay {name}{above}: {format_bytes(size)} in clusters of {format_bytes(cluster)}{more}")
        return name

    def chain(self, count: int, size: int) -> str:
        """Make so many overlays ``n0``, ``n1``, … each over the one before; return the name of the highest."""
        below = None
        for number in range(count):
            below = self.overlay(f"n{number}", size, backing=below)
        assert below is not None
        return below

    def node(self, name: str, driver: str, **options: Any) -> str:
        """Make a node with ``blockdev-add`` and print it; return its name.

        :param options: with ``_`` in place of ``-``.
        """
        given = {option.replace("_", "-"): value for option, value in options.items()}
        self.set_up("blockdev-add", {"driver": driver, "node-name": name} | given)
        self.say(f"node {name}: {driver} {filters.canonical(given)}")
        return name

    def set_up(self, command: str, arguments: Mapping[str, Any]) -> None:
        """Execute a command silently; it must succeed.

        :raise Disagreement: when it answers with an error.
        """
        pending = self.session.submit_command(command, arguments)
        self.session.wait(lambda: pending.done, f"the reply to {command}")
        assert pending.reply is not None
        if "return" not in pending.reply:
            raise Disagreement(f"{command} was refused: {filters.canonical(pending.reply)}")

    def guest(self, disk: Disk | str) -> Guest:
        """Give a guest access to a disk, or to another node by name. Before a job starts on it."""
        name = disk if isinstance(disk, str) else disk.name
        if name not in self._guests:
            self._guests[name] = Guest(self, self.session.open_guest(name))
        return self._guests[name]

    def close_guest(self, disk: Disk | str) -> None:
        """Send a guest away that has nothing under way; a disk that a guest uses cannot be resized, for example."""
        name = disk if isinstance(disk, str) else disk.name
        if self._guests.pop(name, None) is None:
            raise CaseError(f"there is no guest on '{name}'")
        self.session.close_guest(name)
        self.step(f"the guest of {name} leaves")

    def add_bitmap(self, disk: Disk | str, name: str, **options: Any) -> DirtyBitmap:
        """Execute ``block-dirty-bitmap-add`` on a disk, or on another node by name."""
        bitmap = self.dirty_bitmap(disk, name)
        self.execute("block-dirty-bitmap-add", {"node": bitmap.node_name, "name": name}, **options)
        return bitmap

    def dirty_bitmap(self, disk: Disk | str, name: str) -> DirtyBitmap:
        """A dirty bitmap of a disk, or of another node by name; nothing is done, so there need be none."""
        return DirtyBitmap(self, disk if isinstance(disk, str) else disk.name, name)

    def holding(self) -> list[str]:
        """The names of the disks that hold requests."""
        return [name for name, disk in self._disks.items() if disk.storage.held]

    def bitmap(self, size: int, granularity: int = 0, name: str = "") -> BitmapView:
        """Make a hierarchical bitmap by itself, for implementations with the feature ``hbitmap``.

        :param size: items. :param granularity: log2 of the items in a granule.
        :param name: put before its lines, to tell several bitmaps apart.
        """
        return BitmapView.make(self, size, granularity, name)

    def area_bitmap(self, size: int, granularity: int, feature: str) -> BitmapView:
        """The same with ``areas``, for implementations with ``hbitmap-`` and this feature."""
        return BitmapView.make(self, size, granularity, area_feature=feature)

    # Commands

    def execute(self, command: str, arguments: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Execute a QMP command and print it, its reply and the events; return the reply.

        :param more: further arguments, with ``_`` in place of ``-``.
        """
        pending = self.start_execute(command, arguments, **more)
        reply = self.finish(pending)
        self.settle()
        return reply

    def start_execute(self, command: str, arguments: Mapping[str, Any] | None = None, **more: Any) -> PendingCommand:
        """Send a command and print it, without waiting for the reply."""
        given = dict(arguments or {}) | {name.replace("_", "-"): value for name, value in more.items()}
        self.say(f"-> {command} {filters.canonical(given)}")
        return self.session.submit_command(command, given)

    def finish(self, pending: PendingCommand) -> dict[str, Any]:
        """Wait for the reply to a command, and print it."""
        self.session.wait(lambda: pending.done, f"the reply to {pending.name}")
        assert pending.reply is not None
        self.say(f"<- {filters.canonical(pending.reply)}")
        return pending.reply

    def quit(self) -> None:
        """Execute ``quit``, wait until the program has ended, and print the events and how it ended.

        Nothing can be asked of it afterwards.
        """
        self.say("-> quit {}")
        outcome = self.session.quit()
        self.print_events()
        self.say(f"it {outcome}")

    def query(self, command: str, arguments: Mapping[str, Any] | None = None) -> Any:
        """Execute a command silently and return what it returns.

        :raise Disagreement: when it answers with an error.
        """
        pending = self.session.submit_command(command, arguments or {})
        self.session.wait(lambda: pending.done, f"the reply to {command}")
        assert pending.reply is not None
        if "return" not in pending.reply:
            raise Disagreement(f"{command} was refused: {filters.canonical(pending.reply)}")
        return pending.reply["return"]

    def mirror(self, source: Disk | str, target: Disk | str, **options: Any) -> dict[str, Any]:
        """Start ``blockdev-mirror``: job ``job0``, sync full, unless the options say otherwise."""
        names = {
            "device": source if isinstance(source, str) else source.name,
            "target": target if isinstance(target, str) else target.name,
        }
        return self.execute("blockdev-mirror", {"job-id": JOB_ID, "sync": "full"} | names, **options)

    # The graph

    def show_graph(self) -> None:
        """Print every edge of the block graph with its permissions: what the parent needs, and what it shares.

        Nodes that nobody named are called by what they do; users that are neither nodes nor jobs are all alike.
        """
        self.say("graph:")
        for line in self.graph_lines():
            self.say(f"  {line}")

    def graph_lines(self) -> list[str]:
        """The lines of `show_graph`, silently."""
        return graph_view.describe(self.query("x-debug-query-block-graph"), self._drivers())

    def draw_graph(self) -> str:
        """The block graph in the language of Graphviz, silently."""
        return graph_view.dot(self.query("x-debug-query-block-graph"), self._drivers())

    def show_chain(self, node: str) -> None:
        """Print what lies below a node, one under the other, through filters and backing links."""
        graph = self.query("x-debug-query-block-graph")
        self.say(f"{node} is over {graph_view.chain(graph, self._drivers(), node)}")

    def _drivers(self) -> dict[str, str]:
        return {node["node-name"]: node["drv"] for node in self.query("query-named-block-nodes", {"flat": True})}

    # What a job says of itself

    def job(self, job_id: str = JOB_ID) -> dict[str, Any]:
        """The job's entry in `query-block-jobs`, silently; empty when there is none."""
        for info in self.query("query-block-jobs"):
            if info["device"] == job_id:
                return dict(info)
        return {}

    def show_job(self, job_id: str = JOB_ID) -> None:
        """Print the job's entry in `query-block-jobs`, but for what lawfully differs."""
        info = self.job(job_id)
        self.say(f"job {filters.canonical(filters.block_job_info(info))}" if info else f"no job {job_id}")

    def progress(self, job_id: str = JOB_ID) -> tuple[int, int]:
        """(what is done, the total) from `query-jobs`, in bytes, silently."""
        for info in self.query("query-jobs"):
            if info["id"] == job_id:
                return info["current-progress"], info["total-progress"]
        raise Disagreement(f"query-jobs does not list {job_id}")

    def dirty_bytes(self) -> int:
        """What the mirror's bitmap counts as dirty, silently.

        The bitmap has no name. Up to 8.1 it is a bitmap of the source, since then of the filter (QQ-4), so it is looked
        for on every node.
        """
        counts = [
            bitmap["count"]
            for node in self.query("query-named-block-nodes")
            for bitmap in node.get("dirty-bitmaps", ())
            if "name" not in bitmap
        ]
        if len(counts) != 1:
            raise Disagreement(f"there are {len(counts)} bitmaps without a name, not 1")
        return int(counts[0])

    def show_progress(self, job_id: str = JOB_ID) -> None:
        """Print what is done, the total and what is dirty, in bytes."""
        current, total = self.progress(job_id)
        self.say(f"progress {current}/{total} dirty {self.dirty_bytes()}")

    # Waiting

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Let things happen, and time pass, until a condition holds; then settle and print the events.

        :param condition: must not execute commands: for that there is `wait_until`.
        """
        self.session.wait(condition, what)
        self.settle()

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """As `wait`, for a condition that executes commands."""
        self.session.settle()
        while not condition():
            self.session.let_time_pass()
            # What has begun meanwhile comes to its end, so that a condition never holds in the middle of it.
            self.session.settle()
        self.print_events()

    def wait_event(self, name: str, **data: Any) -> Event:
        """Wait for an event, and print all that came. The second wait for the same is for the second one, and so on.

        :param data: members that the event must have, with ``_`` in place of ``-``.
        """
        wanted = {member.replace("_", "-"): value for member, value in data.items()}
        key = f"{name} {filters.canonical(wanted)}" if wanted else name
        position = self._events_awaited.get(key, 0)
        found: list[tuple[int, Event]] = []

        def arrived() -> bool:
            nonlocal position
            while position < len(self.session.events):
                event = self.session.events[position]
                position += 1
                if event.name == name and wanted.items() <= event.data.items():
                    found.append((position, event))
                    return True
            return False

        self.session.wait(arrived, f"event {key}")
        after, event = found[0]
        self._events_awaited[key] = after
        self.settle()
        return event

    # Comparing

    def compare(self, one: Disk, other: Disk) -> bool:
        """Print whether two disks hold the same; return it."""
        difference = one.storage.first_difference(other.storage)
        if difference is None:
            self.say(f"{one.name} and {other.name} are equal")
            return True
        self.say(f"{one.name} and {other.name} differ at {format_bytes(difference)}")
        return False

    def require_equal(self, one: Disk, other: Disk) -> None:
        """As `compare`; a difference ends the case.

        :raise Disagreement: naming the first byte that differs.
        """
        difference = one.storage.first_difference(other.storage)
        if not self.compare(one, other):
            assert difference is not None
            raise Disagreement(describe_difference(one.storage, other.storage, difference))

    def remove_at_end(self, path: Path) -> None:
        """Have a file, or a folder that is empty then, removed when the case ends; it need not be there yet."""
        self._files.append(path)

    def remove_files(self) -> None:
        """Remove the files that are not to stay."""
        for path in reversed(self._files):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)

    def end(self) -> None:
        """What is still to be said when a case has ended: the events that nobody has printed."""
        self.settle()


def describe_difference(one: HeldStorage, other: HeldStorage, offset: int) -> str:
    """Name the first byte in which two disks differ, and what each holds there."""
    if offset >= min(one.size, other.size):
        return f"{one.name} has {one.size} bytes and {other.name} has {other.size}"
    values = [storage.read_bytes(offset, 1)[0] for storage in (one, other)]
    return f"byte {offset} is 0x{values[0]:02x} on {one.name} and 0x{values[1]:02x} on {other.name}"


def describe_requests(requests: Sequence[StorageRequest]) -> str:
    """Requests in a row, in order of their ranges: the order of arrival is the program's own affair (real-qemu I)."""
    ordered = sorted(requests, key=lambda request: (request.offset, request.length, request.operation))
    return ", ".join(request.describe() for request in ordered) or "nothing"


def _given(**options: bool) -> dict[str, bool]:
    """Options that are true, by their names in QMP."""
    return {name.replace("_", "-"): True for name, given in options.items() if given}
