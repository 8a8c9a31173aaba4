"""A kind of implementation that is only a bitmap: any program that speaks the console protocol.

It has no disks, no guest and no commands. A case that wants them is skipped, whether or not its header says that it
needs what only a disk has.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from harness.consoles.hbitmap_client import ConsoleHBitmap, ConsoleIterator, HBitmapClient
from harness.consoles.hbitmap_protocol import GREETING
from harness.errors import CaseSkipped, ImplementationHang, UsageError
from harness.implementations.base import HANG_LIMIT_S, GuestPort, Implementation, PendingCommand, Probe, Session
from harness.storage import HeldStorage

FEATURE = "hbitmap"


class HBitmapConsoleSession(Session):
    """A console that runs."""

    def __init__(self, client: HBitmapClient) -> None:
        super().__init__()
        self._client = client

    def hbitmap(self, size: int, granularity: int) -> ConsoleHBitmap:
        return self._client.new_bitmap(size, granularity)

    def area_bitmap(self, size: int, granularity: int, feature: str) -> ConsoleHBitmap:
        return self._client.new_bitmap(size, granularity, f"new-{feature}")

    def next_area(self, bitmap: Any, iterator: ConsoleIterator, max_offset: int) -> tuple[int, int] | None:
        return iterator.next_area(max_offset)

    def attach(self, name: str, storage: HeldStorage, *, read_only: bool = False, unmap: bool = False) -> None:
        _skip("disks")

    def open_guest(self, node_name: str) -> GuestPort:
        _skip("disks")

    def submit_command(self, name: str, arguments: Mapping[str, Any]) -> PendingCommand:
        _skip(f"the command {name}")

    def settle(self) -> None:
        """Nothing happens by itself."""

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        if not condition():
            raise ImplementationHang(f"nothing can happen in a bitmap console, and {what} is waited for")

    def let_time_pass(self) -> None:
        raise ImplementationHang("nothing can happen in a bitmap console")

    def close(self) -> None:
        self._client.close()


def _skip(what: str) -> NoReturn:
    raise CaseSkipped(f"needs {what}, which a bitmap console does not offer")


class HBitmapConsole(Implementation):
    """A command line that starts a console.

    :raise UsageError: when the command line is none.
    """

    def __init__(self, spec: str, command: str) -> None:
        self.spec = spec
        try:
            self._argv = shlex.split(command)
        except ValueError as error:
            raise UsageError(f"implementation '{spec}': {str(error).lower()}") from None
        if not self._argv:
            raise UsageError(f"implementation '{spec}': it needs the command that starts the console")
        self._probe: Probe | None = None

    def probe(self) -> Probe:
        if self._probe is None:
            with HBitmapClient(self._argv) as client:
                self._probe = Probe(GREETING, client.features() | {FEATURE})
        return self._probe

    def open(self, folder: Path, hang_limit_s: float = HANG_LIMIT_S) -> Session:
        return HBitmapConsoleSession(HBitmapClient(self._argv, hang_limit_s))
