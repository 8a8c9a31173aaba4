"""Images in files: makes them, opens them by name, and opens what they say is below them.

A file is opened as what it is said to be or, where nobody says, as what its first bytes look like. Then it is ``raw``
to begin with, and must not begin to look like something else: a guest could have its disk taken for an image that
names any file of the host (109).

Source: rows QD-01, QD-02 and QD-09, 155, 109; the texts are QEMU 7.2's and 11.1's.
"""

from __future__ import annotations

import os

from reference_impl.drivers.image_header import (
    CLUSTER_BYTES_DEFAULT,
    HEAD_BYTES,
    ImageHeader,
    encode_header,
    parse_header,
    probe,
)
from reference_impl.drivers.overlay import OverlayNode
from reference_impl.file_nodes import FileError, FileNode, FileSystem, NullNode, PassThroughNode
from reference_impl.graph import Graph, Node
from reference_impl.qmp_errors import QmpError

FORMATS = ("raw", "file", "qcow2")
NULL_NAME = "null-co://"
NULL_SIZE_BYTES_DEFAULT = 1 << 30


class ImageFiles:
    """Opens files of a machine as nodes of its graph.

    A node that is made here goes when nobody uses it.
    """

    def __init__(self, graph: Graph, files: FileSystem) -> None:
        self._graph = graph
        self._files = files

    def create(self, path: str, image_format: str, size_bytes: int, backing: Node | None) -> None:
        """Make an empty image, or make the file that is there such a one.

        :param backing: what the image is to say is below it.
        :raise QmpError: when the format is none, knows no backing files, or the file cannot be made or is in use.
        """
        if image_format == "nbd":
            raise QmpError(
                "Protocol driver 'nbd' does not support image creation, and opening the image failed: "
                "File name string for NBD must start with 'nbd:'"
            )
        if image_format not in FORMATS:
            raise QmpError(f"Unknown file format '{image_format}'")
        head = b""
        if image_format == "qcow2":
            name, driver = ("", "") if backing is None else (backing.filename, backing.driver)
            head = encode_header(ImageHeader(size_bytes, CLUSTER_BYTES_DEFAULT, name, driver))
        elif backing is not None:
            raise QmpError(f"Backing file not supported for file format '{image_format}'")
        if self.is_open(path):
            # An image is written when it is made, of anything else only the length is set.
            raise QmpError(f'Failed to get "{"write" if head else "resize"}" lock')
        try:
            self._files.create(path, max(len(head), 0 if head else size_bytes), head)
        except FileError as error:
            raise QmpError(f"Could not create '{path}': {error}") from error

    def is_open(self, path: str) -> bool:
        """Whether some node is over that file."""
        # A node that nobody needs anything of holds no lock.
        return any(
            isinstance(node, FileNode)
            and self._files.same(node.path, path)
            and any(edge.access.needed for edge in node.parents)
            for node in self._graph.nodes.values()
        )

    def open(
        self,
        path: str,
        image_format: str,
        *,
        name: str = "",
        read_only: bool = False,
        unmap: bool = False,
        with_backing: bool = True,
    ) -> Node:
        """Open a file, and what it says is below it unless that is not wanted.

        :param image_format: empty to find it out. :param name: of the node; empty for a generated one.
        :raise QmpError: when that cannot be; whatever was made of it is unused.
        """
        probed = not image_format
        if probed:
            image_format = probe(self._head(path))
        if image_format not in (*FORMATS, "null-co"):
            raise QmpError(f"Unknown driver '{image_format}'")
        flags = {"read_only": read_only, "unmap": unmap}
        is_protocol = image_format in ("file", "null-co")
        locked = self.is_open(path)
        below = self._open_protocol(path, (is_protocol and name) or self._graph.generate_name(), **flags)
        below.locked_by_others = locked and not read_only
        if is_protocol:
            return below
        name = name or self._graph.generate_name()
        node: Node
        if image_format == "raw":
            node = PassThroughNode(self._graph, name, below, **flags)
            node.probed = probed
        else:
            node = self._open_image(name, below, self._head(path), with_backing=with_backing, **flags)
        return self._enter(node)

    def _open_image(self, name: str, below: Node, head: bytes, *, with_backing: bool, **flags: bool) -> OverlayNode:
        header = parse_header(head)
        node = OverlayNode(self._graph, name, below, **flags)
        try:
            node.open(header, None)
            if with_backing and header.backing_file:
                self._graph.attach(node, "backing", self.open_backing_of(node))
        except QmpError:
            self._graph.detach(node, "file")
            raise
        return node

    def open_backing_of(self, image: OverlayNode) -> Node:
        """Open what an image says is below it; who asked for it puts it there.

        :raise QmpError: when that cannot be.
        """
        path = image.backing_file
        if not path.startswith((NULL_NAME, "/")):
            path = os.path.join(os.path.dirname(image.filename), path)
        try:
            return self.open(path, image.backing_format, read_only=True)
        except QmpError as error:
            raise QmpError(f"Could not open backing file: {error}") from error

    def attach_backing_of(self, image: Node) -> None:
        """Open what an image says is below it and put it there; an image that says nothing has nothing below it.

        :raise QmpError: when that cannot be; then nothing is changed.
        """
        if not isinstance(image, OverlayNode) or not image.backing_file:
            return
        try:
            self._graph.attach(image, "backing", self.open_backing_of(image))
        except QmpError:
            self._graph.remove_unused()
            raise

    def _open_protocol(self, path: str, name: str, **flags: bool) -> Node:
        if path.startswith(NULL_NAME):
            read_only = flags["read_only"]
            null = NullNode(self._graph, name, NULL_SIZE_BYTES_DEFAULT, read_only=read_only, read_zeroes=False)
            return self._enter(null)
        return self._enter(FileNode(self._graph, name, self._files, path, **flags))

    def _head(self, path: str) -> bytes:
        if path.startswith(NULL_NAME):
            return b""
        try:
            return self._files.head(path, HEAD_BYTES)
        except FileError as error:
            raise QmpError(f"Could not open '{path}': {error}") from error

    def _enter(self, node: Node) -> Node:
        node.owned_by_monitor = False
        self._graph.add(node)
        return node
