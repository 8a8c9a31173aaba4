"""Guest devices and drives: users of nodes that `query-block` lists, with the permissions that a device has.

A *device* is what a guest sees; `device_add` puts it over a node or over a drive. A *drive* is a user of a node that
has a name of its own, which commands take in place of the node's, and jobs are called after it. Both can be without a
medium. A device of the reference does nothing of its own accord: what counts is that it uses a node.

Source: 041-x-medium_not_found, 041-x-implicit_node, TP-08, TP-11, TP-49; the texts are QEMU 7.2's to 11.1's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from reference_impl.edges import Edge, Parent
from reference_impl.graph import Graph, Node
from reference_impl.job import Job
from reference_impl.node_making import IDENTIFIER
from reference_impl.node_queries import backing_below, node_info, skip_implicit
from reference_impl.permissions import ALL, CONSISTENT_READ, NO_ACCESS, RESIZE, WRITE, WRITE_UNCHANGED, Access
from reference_impl.qmp_errors import QmpError, parameter_expects

DISK, CD_ROM = "scsi-hd", "scsi-cd"


class BlockDevice(Parent):
    """A drive, a device, or a device over a drive.

    :ivar drive: the drive's id, empty if it is none. :ivar device: the device's id, empty as long as there is none.
    :ivar edge: to its node; None without a medium.
    """

    def __init__(self, graph: Graph, *, drive: str = "", device: str = "", removable: bool = False) -> None:
        self._graph = graph
        self.drive = drive
        self.device = device
        self.removable = removable
        self.edge: Edge | None = None

    @property
    def name(self) -> str:
        """What it is called in messages and in the graph."""
        return self.drive or self.device

    def describe_parent(self) -> str:
        return f"block device '{self.name}'"

    def insert(self, node: Node, access: Access) -> None:
        """Take a node for a medium.

        :raise QmpError: when its other users forbid that.
        """
        # It is there before it needs anything, and then asks for all at once: that decides who is named.
        edge = Edge(self, node, "root", NO_ACCESS)
        try:
            edge.change_access(access)
        except QmpError:
            edge.remove()
            raise
        self.edge = edge

    def remove(self) -> None:
        """Let go of the medium."""
        if self.edge is not None:
            self.edge.remove()
            self.edge = None


class BlockDevices:
    """All drives and devices in the order in which they came, and the commands for them.

    :param emit: sends an event. :param end_job: cancels a job, softly, and returns when it has ended.
    """

    def __init__(
        self,
        graph: Graph,
        emit: Callable[[str, Mapping[str, Any]], None],
        end_job: Callable[[Job], Awaitable[None]],
    ) -> None:
        self._graph = graph
        self._emit = emit
        self._end_job = end_job
        self._all: list[BlockDevice] = []

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """By the name of the command."""
        return {
            "device_add": self.device_add,
            "device_del": self.device_del,
            "query-block": lambda arguments: [self._info(each) for each in self._all],
            "query-blockstats": lambda arguments: [self._statistics(each) for each in self._all],
        }

    def add_drive(self, drive: str, node: Node | None) -> None:
        """Make a drive over a node, which goes with it, or without a medium.

        :raise QmpError: when the name is taken, or the other users of the node forbid it.
        """
        if drive in self._graph.drives or drive in self._graph.nodes:
            raise QmpError(f"Device with id '{drive}' already exists")
        each = BlockDevice(self._graph, drive=drive, removable=node is None)
        if node is not None:
            each.insert(node, Access(CONSISTENT_READ, ALL))
            node.owned_by_monitor = False
        self._graph.drives[drive] = each
        self._all.append(each)

    def device_add(self, options: dict[str, Any]) -> dict[str, Any]:
        """Plug a device in."""
        device, model = options.get("id", ""), options["driver"]
        if "id" in options and not IDENTIFIER.fullmatch(device):
            raise parameter_expects("id", "an identifier")
        if model not in (DISK, CD_ROM):
            raise QmpError(f"'{model}' is not a valid device model name")
        if device and any(each.device == device for each in self._all):
            raise QmpError(f"Duplicate device ID '{device}'")
        each = self._find_backend(options, device)
        shared = CONSISTENT_READ | WRITE_UNCHANGED | (WRITE if options.get("share-rw", False) else 0)
        if each.drive:
            if each.edge is not None:
                each.edge.change_access(self._access(each.edge.node, model, shared))
            each.device, each.removable = device, model == CD_ROM
        elif "drive" in options:
            node = self._graph.nodes[options["drive"]]
            each.insert(node, self._access(node, model, shared))
        if each not in self._all:
            self._all.append(each)
        return {}

    def _find_backend(self, options: dict[str, Any], device: str) -> BlockDevice:
        """The drive that a new device is to be over, or what it is without one.

        :raise QmpError: when there is no such drive or node, or it serves another device.
        """
        drive, model = options.get("drive"), options["driver"]
        if drive is None and model == DISK:
            raise QmpError("drive property not set")
        if drive in self._graph.drives:
            each = self._graph.drives[drive]
            assert isinstance(each, BlockDevice)
            if each.device:
                raise QmpError(f"Drive '{drive}' is already in use by another device")
            if each.edge is None and model == DISK:
                raise QmpError("Device needs media, but drive is empty")
            return each
        if drive is not None and drive not in self._graph.nodes:
            raise QmpError(f"Property '{model}.drive' can't find value '{drive}'")
        return BlockDevice(self._graph, device=device, removable=model == CD_ROM)

    @staticmethod
    def _access(node: Node, model: str, shared: int) -> Access:
        if model == CD_ROM:
            return Access(CONSISTENT_READ, shared)
        return Access(CONSISTENT_READ | (0 if node.read_only else WRITE), shared | RESIZE)

    async def device_del(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Unplug a device; its drive goes with it, and so do the jobs on the drive."""
        name = arguments["id"]
        each = next((each for each in self._all if each.device == name), None)
        if each is None:
            raise QmpError(f"Device '{name}' not found", "DeviceNotFound")
        if each.drive and each.edge is not None:
            users = [edge.parent for edge in each.edge.node.parents]
            for job in [user for user in users if isinstance(user, Job)]:
                await self._end_job(job)
        self._all.remove(each)
        self._graph.drives.pop(each.drive, None)
        each.remove()
        self._graph.remove_unused()
        self._emit("DEVICE_DELETED", {"device": name, "path": f"/machine/peripheral/{name}"})
        return {}

    # Queries

    def _info(self, each: BlockDevice) -> dict[str, Any]:
        info: dict[str, Any] = {
            "device": each.drive,
            "type": "unknown",
            "removable": each.removable,
            "locked": False,
        }
        if each.device:
            info |= {"qdev": each.device, "io-status": "ok"}
            if each.removable:
                info["tray_open"] = False
        if each.edge is not None:
            info["inserted"] = node_info(skip_implicit(each.edge.node))
        return info

    def _statistics(self, each: BlockDevice) -> dict[str, Any]:
        info: dict[str, Any] = {"device": each.drive}
        if each.device:
            info["qdev"] = each.device
        return info if each.edge is None else info | node_statistics(skip_implicit(each.edge.node))


def node_statistics(node: Node) -> dict[str, Any]:
    """What `query-blockstats` says of a node: which it is, and what is below it. The reference counts no requests."""
    info: dict[str, Any] = {"node-name": node.name}
    file, backing = node.children.get("file"), backing_below(node)
    if file is not None:
        info["parent"] = node_statistics(skip_implicit(file.node))
    if backing is not None:
        info["backing"] = node_statistics(backing)
    return info
