"""Guest devices and drives, as cases put them over nodes, and what the queries about them say.

A model has devices as it is. A real emulator needs a machine with a bus for them, which is there from the start or not
at all: so a case makes its `Devices` before it does anything else.

Source: 041-x-implicit_node and 041-x-medium_not_found, 155, TP-08, TP-11.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.bench import Bench

DISK = "scsi-hd"


class Devices:
    """The devices of a case, for implementations with the feature ``device_add``."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        bench.session.provide_bus()
        bench.say("a bus for disks")

    def plug(self, name: str, node: str, **options: Any) -> None:
        """Put a disk over a node, or over a drive, and print that.

        :param options: of the device, with ``_`` in place of ``-``.
        """
        given = {option.replace("_", "-"): value for option, value in options.items()}
        self._bench.set_up("device_add", {"driver": DISK, "id": name, "drive": node} | given)
        words = "".join(f", {option} {str(value).lower()}" for option, value in given.items())
        self._bench.step(f"device {name} over {node}{words}")

    def add_empty_drive(self, drive: str) -> None:
        """Make a drive without a medium, and print that; for implementations with the feature ``drive``."""
        self._bench.session.add_empty_drive(drive)
        self._bench.say(f"drive {drive} without a medium")

    def unplug(self, name: str) -> None:
        """Take a device away, and wait until it is gone: the program does that after it has replied."""
        self._bench.execute("device_del", id=name)
        self._bench.wait_event("DEVICE_DELETED", device=name)

    def show(self) -> None:
        """Print for every device and drive which node `query-block` and `query-blockstats` show for it.

        Filters that nobody named are not among them. Files are named where they are named simply.
        """
        statistics = {name_of(each): each for each in self._bench.query("query-blockstats")}
        for each in self._bench.query("query-block"):
            name = name_of(each)
            self._bench.say(f"{name}: {describe(each.get('inserted'))}")
            if "inserted" in each:
                self._bench.say(f"  statistics of {' over '.join(_nodes(statistics[name]))}")


def name_of(entry: Mapping[str, Any]) -> str:
    """The drive's id and the device's."""
    return " ".join(filter(None, (entry.get("device") and f"drive {entry['device']}", _device_of(entry))))


def _device_of(entry: Mapping[str, Any]) -> str:
    return f"device {entry['qdev']}" if "qdev" in entry else ""


def describe(inserted: Mapping[str, Any] | None) -> str:
    """What `query-block` says of a medium, in one line; None is none."""
    if inserted is None:
        return "no medium"
    backing = inserted.get("backing_file", "")
    words = [
        f"{inserted['node-name'] if not inserted['node-name'].startswith('#') else 'a node without a name'}",
        f"{inserted['drv']} {_simple(inserted['file'])}".strip(),
        f"backing file {_simple(backing) or 'somewhere'}" if backing else "no backing file",
        f"depth {inserted['backing_file_depth']}",
        f"images {' over '.join(_images(inserted['image']))}",
    ]
    return ", ".join([*words, *(["read-only"] if inserted["ro"] else [])])


def _images(image: Mapping[str, Any]) -> Iterator[str]:
    yield f"{image['format']} {_simple(image['filename'])}".strip()
    if "backing-image" in image:
        yield from _images(image["backing-image"])


def _nodes(statistics: Mapping[str, Any]) -> Iterator[str]:
    name = statistics["node-name"]
    yield "a node without a name" if name.startswith("#") else name
    if "backing" in statistics:
        yield from _nodes(statistics["backing"])


def _simple(filename: str) -> str:
    # What has options that no name can hold is told in JSON, with members that depend on the version; and the name of
    # held storage has the folder of the run in it.
    return "" if filename.startswith(("json:", "nbd")) else filename
