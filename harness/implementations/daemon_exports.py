"""The NBD exports of a real program: those that guests use, and those that show a dirty bitmap.

Each has one client, ours, and goes with it. That an export was removed is told by an event; for those that came by this
module it is no affair of a case, so such events are taken out here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from harness.errors import CaseError, ProtocolViolation
from harness.implementations.base import BitmapPort, GuestPort, PendingRequest
from harness.nbd.client import NbdClient
from harness.nbd.client_request import ClientRequest
from harness.nbd.protocol import BASE_ALLOCATION

DIRTY = 1
"""The status flag of a dirty range in the metadata context of a bitmap (NBD's namespace ``qemu``)."""

Result = TypeVar("Result")


class Host(Protocol):
    """What exports need of the session whose program they are on."""

    def run(self, awaitable: Awaitable[Result]) -> Result:
        """Let the loop turn until there is a result."""

    def run_command(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Execute a command that is no case's.

        :raise ImplementationError: when it is refused.
        """

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """As `Session.wait`."""


class DaemonExports:
    """All exports of one program.

    :param path: where the program's NBD server is to listen; it is started with the first export.
    :param changed: called whenever a guest's request was answered.
    :ivar guests: the clients of guests.
    """

    def __init__(self, host: Host, path: Path, changed: Callable[[], None]) -> None:
        self.guests: list[NbdClient] = []
        self._host = host
        self._path = path
        self._changed = changed
        self._bitmaps: list[NbdClient] = []
        self._bitmap_count = 0
        self._server_started = False
        self._server_is_theirs = False
        self._removed: set[str] = set()

    @property
    def started_server(self) -> bool:
        """Whether it was us who started the program's NBD server."""
        return self._server_started and not self._server_is_theirs

    def use_server(self, path: Path) -> None:
        """Use a server that listens there already instead of starting one."""
        self._path = path
        self._server_started = self._server_is_theirs = True

    def open_guest(self, node_name: str) -> GuestPort:
        """Export a node for a guest, under the node's own name."""
        client = self._add(f"guest-{node_name}", node_name, {"name": node_name, "writable": True}, BASE_ALLOCATION)
        self.guests.append(client)
        return _Guest(client, self._changed)

    def close_guest(self, node_name: str) -> None:
        """Remove the export that a guest uses.

        :raise CaseError: when there is none.
        """
        for client in self.guests:
            if client.export == node_name:
                self.guests.remove(client)
                self._remove(f"guest-{node_name}", client)
                return
        raise CaseError(f"there is no guest on '{node_name}'")

    def open_bitmap(self, node_name: str, bitmap_name: str) -> BitmapPort:
        """Export a node with one of its bitmaps.

        :raise ImplementationError: when that is refused.
        :raise ProtocolViolation: when the export does not offer the bitmap.
        """
        nodes = self._host.run_command("query-named-block-nodes", {})
        read_only = any(node["ro"] for node in nodes if node["node-name"] == node_name)
        self._bitmap_count += 1
        name = f"bitmap-{self._bitmap_count}"
        context = f"qemu:dirty-bitmap:{bitmap_name}"
        # A read-only export refuses a bitmap that may change under it, so this one is as writable as the node.
        client = self._add(
            name, node_name, {"name": name, "writable": not read_only, "bitmaps": [bitmap_name]}, context
        )
        self._bitmaps.append(client)
        if context not in client.contexts:
            raise ProtocolViolation(f"the export of bitmap '{bitmap_name}' does not offer {context}")

        def close() -> None:
            self._bitmaps.remove(client)
            self._remove(name, client)

        return _Bitmap(self._host, client, context, close)

    def takes(self, event: str, data: Mapping[str, Any]) -> bool:
        """Whether an event is about an export that was removed here; it is then done with."""
        if event != "BLOCK_EXPORT_DELETED" or data.get("id") not in self._removed:
            return False
        self._removed.remove(data["id"])
        return True

    def abort(self) -> None:
        """Cut all connections."""
        for client in (*self.guests, *self._bitmaps):
            client.abort()

    def _add(self, export_id: str, node_name: str, options: Mapping[str, Any], context: str) -> NbdClient:
        """Add an export and enter it."""
        if not self._server_started:
            address = {"type": "unix", "data": {"path": str(self._path)}}
            self._host.run_command("nbd-server-start", {"addr": address})
            self._server_started = True
        self._host.run_command("block-export-add", {"type": "nbd", "id": export_id, "node-name": node_name, **options})
        return self._host.run(NbdClient.connect(self._path, options["name"], meta_contexts=(context,)))

    def _remove(self, export_id: str, client: NbdClient) -> None:
        """Leave an export and remove it."""
        self._host.run(client.disconnect())
        self._removed.add(export_id)
        # The program may not have noticed yet that its only client is gone, hence not the safe way.
        self._host.run_command("block-export-del", {"id": export_id, "mode": "hard"})
        self._host.wait(lambda: export_id not in self._removed, f"the end of export {export_id}")


class _Guest(GuestPort):
    def __init__(self, client: NbdClient, changed: Callable[[], None]) -> None:
        self._client = client
        self._changed = changed

    def submit(self, request: PendingRequest) -> None:
        def on_complete(answered: ClientRequest) -> None:
            request.data = answered.data
            request.errno = answered.errno
            self._changed()

        self._client.submit(
            request.operation,
            request.offset,
            request.length,
            request.payload,
            fua=request.fua,
            may_unmap=request.may_unmap,
            on_complete=on_complete,
        )


class _Bitmap(BitmapPort):
    def __init__(self, host: Host, client: NbdClient, context: str, close: Callable[[], None]) -> None:
        self._host = host
        self._client = client
        self._context = context
        self._close: Callable[[], None] | None = close

    def ranges(self) -> list[tuple[int, int]]:
        extents = self._host.run(self._client.block_status(0, self._client.size, self._context))
        for extent in extents:
            if extent.flags not in (0, DIRTY):
                raise ProtocolViolation(f"{self._context} has flags {extent.flags} at {extent.offset}")
        return [(extent.offset, extent.length) for extent in extents if extent.flags == DIRTY]

    def close(self) -> None:
        if self._close is not None:
            close, self._close = self._close, None
            close()
