"""`drive-mirror`: as `blockdev-mirror`, to a file that the command makes or opens itself.

The file is there before most arguments are looked at, and stays when they are refused. It is opened without what it
says is below it, and gets that when the job ends well: what the source is over, if the command made the image, else
what the image names. Not before, since it may not be there yet (156), and not at all when the job fails (C52).

Source: facts 5b, rows QD-01 to QD-10; 155-AP, 155-EN, 155-EB; BF-11 and C53.
"""

from __future__ import annotations

import errno as errno_numbers
from collections.abc import Callable
from functools import partial
from typing import Any

from reference_impl.graph import Graph, Node
from reference_impl.image_files import FORMATS, ImageFiles
from reference_impl.job import JobFailed
from reference_impl.mirror_commands import MirrorCommands
from reference_impl.node_commands import check_node_name, find_node, require_not_busy
from reference_impl.qmp_errors import QmpError


class DriveMirror:
    """Makes the target, then does what `blockdev-mirror` does."""

    def __init__(self, graph: Graph, images: ImageFiles, mirrors: MirrorCommands) -> None:
        self._graph = graph
        self._images = images
        self._mirrors = mirrors

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """By the name of the command."""
        return {"drive-mirror": self.drive_mirror}

    async def drive_mirror(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Start a mirror of a root node to a file."""
        source = find_node(self._graph, arguments["device"])
        if not self._graph.is_root(source):
            raise QmpError("Need a root block node")
        require_not_busy(source)
        if "replaces" in arguments and "node-name" not in arguments:
            raise QmpError("a node-name must be provided when replacing a named node of the graph")
        creates = arguments.get("mode", "absolute-paths") != "existing"
        image_format = arguments.get("format", source.driver if creates else "")
        backing = self._below_new_image(source, arguments["sync"])
        if creates:
            self._images.create(arguments["target"], image_format, source.size_bytes, backing)
        try:
            target = self._open(arguments, image_format, source)
            finish = partial(self._put_below, target, backing if creates else None, opens=not creates)
            await self._mirrors.start(arguments, source, target, may_hold_data=not creates, give_backing=finish)
        finally:
            self._graph.remove_unused()  # the target, if nobody came to use it
        return {}

    def _below_new_image(self, source: Node, sync: str) -> Node | None:
        """What is to show through a new image: what its mirror leaves out (QD-09)."""
        match sync:
            case "none":
                return self._graph.skip_filters(source)
            case "top":
                return self._graph.backing_chain_next(source)
        return None

    def _open(self, arguments: dict[str, Any], image_format: str, source: Node) -> Node:
        path = arguments["target"]
        if image_format and image_format not in FORMATS:
            raise QmpError(f"Unknown driver '{image_format}'")
        given = arguments.get("node-name")
        name = self._graph.generate_name() if given is None else check_node_name(self._graph, given)
        if not image_format and source.is_protocol:
            # Without a format the target is opened as the source was: as a protocol, without probing.
            image_format = "file"
        return self._images.open(path, image_format, name=name, unmap=source.unmap, with_backing=False)

    def _put_below(self, target: Node, backing: Node | None, *, opens: bool) -> None:
        """Give the target its backing file.

        :raise JobFailed: when that cannot be; then the target has none.
        """
        image = self._graph.skip_filters(target)
        try:
            if opens:
                self._images.attach_backing_of(image)
            elif backing is not None:
                self._graph.attach(image, "backing", backing)
        except QmpError as error:
            raise JobFailed(errno_numbers.EINVAL if opens else errno_numbers.EPERM) from error
