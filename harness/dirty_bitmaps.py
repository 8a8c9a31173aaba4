"""A case's view of a dirty bitmap of a node: what QMP says of it, and the dirty ranges as an NBD client sees them.

The two come by different ways: the count out of the bitmap's books, the ranges from its iterators. They must agree,
and whenever ranges are shown that is checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.errors import CaseError, Disagreement
from harness.units import format_bytes

if TYPE_CHECKING:
    from harness.bench import Bench
    from harness.implementations.base import BitmapPort

RANGES_SHOWN_MAX = 12
"""Of more ranges than this only the first and the last ones are spelt out."""


class DirtyBitmap:
    """A dirty bitmap on the bench.

    :ivar node_name: the node that it is looked for on. :ivar name: its own name.
    """

    def __init__(self, bench: Bench, node_name: str, name: str) -> None:
        self.node_name = node_name
        self.name = name
        self._bench = bench
        self._port: BitmapPort | None = None

    # Commands

    def clear(self) -> dict[str, Any]:
        """Make everything clean."""
        return self._execute("clear")

    def enable(self) -> dict[str, Any]:
        """Record guest writes from now on."""
        return self._execute("enable")

    def disable(self) -> dict[str, Any]:
        """Record guest writes no longer."""
        return self._execute("disable")

    def remove(self) -> dict[str, Any]:
        """Forget the bitmap."""
        return self._execute("remove")

    def merge(self, *sources: DirtyBitmap | str | dict[str, Any]) -> dict[str, Any]:
        """Merge bitmaps of the same node, by name or of another, in the order given."""
        bitmaps = [
            source.reference(self.node_name) if isinstance(source, DirtyBitmap) else source for source in sources
        ]
        arguments = {"node": self.node_name, "target": self.name, "bitmaps": bitmaps}
        return self._bench.execute("block-dirty-bitmap-merge", arguments)

    def reference(self, node_name: str) -> str | dict[str, Any]:
        """How a command on a node names this bitmap."""
        return self.name if node_name == self.node_name else {"node": self.node_name, "name": self.name}

    def _execute(self, verb: str) -> dict[str, Any]:
        return self._bench.execute(f"block-dirty-bitmap-{verb}", node=self.node_name, name=self.name)

    # Questions

    def info(self) -> dict[str, Any]:
        """Its entry in `query-named-block-nodes`, silently; empty when there is none."""
        for node in self._bench.query("query-named-block-nodes"):
            if node["node-name"] == self.node_name:
                for bitmap in node.get("dirty-bitmaps", ()):
                    if bitmap.get("name") == self.name:
                        return dict(bitmap)
        return {}

    def ranges(self) -> list[tuple[int, int]]:
        """The dirty ranges as (offset, length) in bytes, silently. The bitmap is busy while they are read.

        :raise CaseError: when a disk holds requests, unless the bitmap is exported already.
        """
        if self._port is not None:
            return self._port.ranges()
        port = self._open_port()
        try:
            return port.ranges()
        finally:
            port.close()

    def show_count(self) -> None:
        """Print what QMP says of it, without a look at the ranges: nothing is exported for that."""
        info = self.info()
        self._bench.say(f"{self._title()}: {describe_info(info)}" if info else f"{self._title()}: there is none")

    def show(self) -> None:
        """Print what QMP says of it, and the dirty ranges.

        :raise CaseError: as `ranges`.
        :raise Disagreement: when there is no such bitmap, or count and ranges contradict each other.
        """
        info = self.info()
        if not info:
            raise Disagreement(f"there is no {self._title()}")
        ranges = self.ranges()
        self._bench.say(f"{self._title()}: {describe_info(info)}: {describe_ranges(ranges)}")
        granularity = info["granularity"]
        covered = granularity * sum(
            -(-(offset + length) // granularity) - offset // granularity for offset, length in ranges
        )
        if covered != info["count"]:
            raise Disagreement(
                f"{self._title()} counts {info['count']} bytes, and its ranges cover granules of {covered} bytes"
            )

    def _open_port(self) -> BitmapPort:
        holding = self._bench.holding()
        if holding:
            # An export drains the node when it comes and when it goes: it would wait for what nobody releases.
            raise CaseError(f"{self._title()} cannot be exported while {holding[0]} holds requests")
        return self._bench.session.open_bitmap(self.node_name, self.name)

    def _title(self) -> str:
        return f"bitmap {self.name} of {self.node_name}"

    # An export that lasts

    def open(self) -> None:
        """Export the bitmap until it is closed, and print that.

        :raise CaseError: when it is exported already, or a disk holds requests.
        """
        if self._port is not None:
            raise CaseError(f"{self._title()} is exported already")
        self._port = self._open_port()
        self._bench.step(f"{self._title()} is exported")

    def close(self) -> None:
        """End the export, and print that."""
        if self._port is None:
            raise CaseError(f"{self._title()} is not exported")
        self._port.close()
        self._port = None
        self._bench.step(f"{self._title()} is exported no longer")


def describe_info(info: dict[str, Any]) -> str:
    """What `query-named-block-nodes` says of a bitmap: ``recording, 12k dirty in granules of 4k``."""
    words = ["recording" if info["recording"] else "not recording"]
    words += [word for word in ("busy", "persistent", "inconsistent") if info.get(word)]
    dirty = format_bytes(info["count"]) if info["count"] else "nothing"
    return f"{', '.join(words)}, {dirty} dirty in granules of {format_bytes(info['granularity'])}"


def describe_ranges(ranges: list[tuple[int, int]]) -> str:
    """Ranges in a row: ``0+8k 1020k+4k``; of many, how many there are and both ends."""
    words = [f"{format_bytes(offset)}+{format_bytes(length)}" for offset, length in ranges]
    if len(words) > RANGES_SHOWN_MAX:
        half = RANGES_SHOWN_MAX // 2
        words = [f"{len(words)} ranges,", *words[:half], "...", *words[-half:]]
    return " ".join(words) or "nowhere"
