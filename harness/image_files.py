"""Images in files, for commands that take names of files, and for images that name what is below them.

Their requests cannot be held or failed; a case that needs that has overlays on held storage. Names lead from the folder
of the case, which is where the program runs.

Source: 155, 041-A, QD-01 to QD-09.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import images
from harness.units import format_bytes

if TYPE_CHECKING:
    from harness.bench import Bench


class ImageFiles:
    """The image files of a case; they go when it ends, however that is."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def make(
        self,
        name: str,
        size: int,
        *,
        cluster: int = images.CLUSTER_BYTES_DEFAULT,
        backing: str = "",
        backing_format: str = "qcow2",
    ) -> str:
        """Make an empty image of the format ``qcow2`` in the file NAME.img and print that; return the file's name.

        :param size: bytes. :param cluster: bytes. :param backing: what the image says is below it.
        """
        data = images.empty_image(size, cluster, backing, backing_format)
        words = [f"{format_bytes(size)} in clusters of {format_bytes(cluster)}"]
        words += [f"names {backing} ({backing_format})"] if backing else []
        return self._write(name, data, "image " + ", ".join(words))

    def raw(self, name: str, size: int, fill: int = 0) -> str:
        """Make a file of bytes that are all alike, and print that; return the file's name."""
        return self._write(name, bytes([fill]) * size, f"file of {format_bytes(size)}, all 0x{fill:02x}")

    def _write(self, name: str, data: bytes, words: str) -> str:
        path = self.expect(f"{name}.img")
        path.write_bytes(data)
        self._bench.say(f"{path.name}: {words}")
        return path.name

    def expect(self, name: str) -> Path:
        """The path of a file that the program is going to make; it goes with the others."""
        path = self._bench.folder / name
        self._bench.remove_at_end(path)
        return path

    def folder(self, name: str) -> str:
        """Make a folder below the case's, for files whose names begin with its own; return its name."""
        path = self._bench.folder / name
        path.mkdir()
        self._bench.remove_at_end(path)
        return name

    def open(self, name: str, file: str, **options: Any) -> str:
        """Make a node over an image, and print that; return the node's name.

        :param options: of the node, with ``_`` in place of ``-``. Without ``backing`` what the image names is opened.
        """
        return self._bench.node(name, "qcow2", file={"driver": "file", "filename": file}, **options)

    def show_header(self, name: str) -> None:
        """Print what an image file says of itself."""
        header = images.describe_header((self._bench.folder / name).read_bytes())
        # A program that runs elsewhere was given the names of the case's files with their folder.
        self._bench.say(f"{name} says: {header.replace(f'{self._bench.folder}/', '')}")


def attach_backing(bench: Bench, overlay: str, backing: str, command: str) -> None:
    """Put a node below an overlay of the bench that has none, by ``blockdev-reopen`` or ``blockdev-snapshot``."""
    if command == "blockdev-reopen":
        options = {"driver": "qcow2", "node-name": overlay, "file": f"{overlay}-file", "backing": backing}
        bench.execute(command, options=[options])
    else:
        bench.execute(command, node=backing, overlay=overlay)
