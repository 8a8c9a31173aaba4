"""An export through which clients see a bitmap: the dirty ranges, as NBD's block status tells them.

While the export lasts it has the bitmap for itself: it goes on recording, but no command may change it. The node keeps
its size, as under every other user.

Source: QEMU's NBD server and the metadata context ``qemu:dirty-bitmap:NAME``; B1, B10 and B17 for what went wrong in
finding ranges, B21 for the busy state.
"""

from __future__ import annotations

from reference_impl.dirty_bitmap import DirtyBitmap
from reference_impl.errors import BitmapError
from reference_impl.graph import Edge, Node, Parent
from reference_impl.permissions import READER, WRITER
from reference_impl.qmp_errors import QmpError


class BitmapExport(Parent):
    """An export of a node that shows one bitmap.

    :ivar bitmap: what it shows.
    """

    def __init__(self, node: Node, bitmap_name: str) -> None:
        """Take a bitmap of the node, or of the first node below that has one of the name.

        :raise QmpError: when there is none, or it is busy.
        """
        self.bitmap = bitmap = find_exported(node, bitmap_name, export_is_writable=not node.read_only)
        self._edge: Edge | None = Edge(self, node, "root", READER if node.read_only else WRITER)
        bitmap.busy = True

    def describe_parent(self) -> str:
        return "an unnamed block device"

    def ranges(self) -> list[tuple[int, int]]:
        """The dirty ranges as (offset, length) in bytes, ascending, not adjacent; the last is cut at the disk's end."""
        return dirty_ranges(self.bitmap, 0, self.bitmap.size_bytes)

    def close(self) -> None:
        """End the export; the bitmap is free again. Harmless when it has ended."""
        if self._edge is not None:
            self._edge.remove()
            self._edge = None
            self.bitmap.busy = False


def dirty_ranges(bitmap: DirtyBitmap, start: int, end: int) -> list[tuple[int, int]]:
    """The dirty ranges from `start` to `end`, as (offset, length) in bytes: ascending, not adjacent, cut at both."""
    found = []
    while start < end and (area := bitmap.next_dirty_area(start, end)):
        found.append(area)
        start = sum(area)
    return found


def find_exported(node: Node, name: str, *, export_is_writable: bool) -> DirtyBitmap:
    """The bitmap that an export of the node shows under a name.

    :raise QmpError: when there is none, it is busy, or it would change under an export that says nothing does.
    """
    found = _find_downward(node, name)
    if found is None:
        raise QmpError(f"Bitmap '{name}' is not found")
    owner, bitmap = found
    try:
        bitmap.check(allow_readonly=True)
    except BitmapError as error:
        raise QmpError(str(error)) from error
    if not export_is_writable and not owner.read_only and bitmap.enabled:
        raise QmpError(f"Enabled bitmap '{name}' incompatible with readonly export")
    return bitmap


def _find_downward(node: Node, name: str) -> tuple[Node, DirtyBitmap] | None:
    """A bitmap by name on the node, or below it where the same data, or what lies under an overlay, is."""
    current: Node | None = node
    while current is not None:
        for bitmap in current.bitmaps:
            if bitmap.name == name:
                return current, bitmap
        role = "backing" if "backing" in current.children else "file" if current.is_filter else None
        edge = current.children.get(role) if role else None
        current = edge.node if edge is not None else None
    return None
