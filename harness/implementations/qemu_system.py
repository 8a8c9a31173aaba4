"""A real ``qemu-system-x86_64``, as a rule without a machine: the emulator's block layer, driven as the daemon is.

It differs from the daemon in what only the emulator has: the human monitor, by command and as a console, drives, which
need no device, and devices, for which there is a machine if a case asks for one.

Source: real-qemu A, C, D3 and H.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import processes
from harness.consoles import hmp
from harness.consoles.console import Console
from harness.errors import CaseError, ImplementationError
from harness.implementations.storage_daemon import START_LIMIT_S, DaemonSession, StorageDaemon, program_words
from harness.storage import HeldStorage

NO_MACHINE = ("-machine", "none", "-accel", "tcg", "-S", "-nodefaults", "-display", "none")
"""Every build has this accelerator, and a machine with nothing in it starts in 20 ms (real-qemu A, C)."""

WITH_A_BUS = ("-machine", "q35", "-accel", "tcg", "-S", "-nodefaults", "-display", "none", "-device", "virtio-scsi-pci")
"""On this bus disks can be plugged in and out without a guest that takes part; 12 ms more (real-qemu C)."""


class SystemSession(DaemonSession):
    """One emulator.

    What it prints goes into memory: HMP's ``qemu-io`` writes there and not into its reply (real-qemu D3).
    """

    KIND = "qemu-system-x86_64"

    def __init__(self, program: str, folder: Path, hang_limit_s: float, *, late_replies: bool = False) -> None:
        self._output_fd = os.memfd_create("stdout", os.MFD_CLOEXEC)
        self._output_taken = 0
        self._terminal_fd: int | None = None
        self._machine: tuple[str, ...] = NO_MACHINE
        self._monitor_arguments: list[str] = []
        try:
            super().__init__(program, folder, hang_limit_s, late_replies=late_replies)
        except BaseException:
            self._close_output()
            raise

    def _start_child(self, program: str, control_fd: int) -> processes.Child:
        argv = [*program_words(program), *self._machine, "-chardev", f"socket,id=control,fd={control_fd}"]
        argv += ["-mon", "chardev=control,mode=control"]
        argv += self._monitor_arguments
        terminal = self._terminal_fd
        output = self._output_fd if terminal is None else terminal
        return processes.start(argv, pass_fds=[control_fd], stdin=terminal, stdout=output, cwd=self._folder)

    def _take_event(self, name: str, data: dict[str, Any]) -> None:
        # The daemon says nothing of the kind when it quits, and goldens are for both.
        if name != "SHUTDOWN":
            super()._take_event(name, data)

    def _prepare_another_start(self, what: str) -> None:
        """End the program, in which nothing has happened yet: what it is to have can only be had from the start."""
        if self._qmp.activity:
            raise CaseError(f"{what} before anything else is done")
        self._child.close()
        self._run(self._qmp.close(), START_LIMIT_S)

    def provide_bus(self) -> None:
        self._prepare_another_start("the bus is to be provided")
        self._machine = WITH_A_BUS
        self._launch()

    def open_monitor(self, *, terminal: bool = False) -> Console:
        self._prepare_another_start("the monitor's console is to be opened")
        self._monitor_arguments = ["-chardev", f"{'pty' if terminal else 'stdio'},id=human"]
        self._monitor_arguments += ["-mon", "chardev=human,mode=readline"]
        if terminal:
            self._launch()
            devices = self.run_command("query-chardev", {})
            console = hmp.on_pty(self, next(each["filename"] for each in devices if each["label"] == "human"))
        else:
            ours, self._terminal_fd = os.openpty()
            try:
                self._launch()
            except BaseException:
                os.close(ours)
                raise
            finally:
                os.close(self._terminal_fd)
                self._terminal_fd = None
            console = hmp.on_stdio(self, ours)
        self._consoles.append(console)
        return console

    def attach_drive(self, drive: str, name: str, storage: HeldStorage, *, unmap: bool = False) -> None:
        self._serve(name, storage, False)
        options = {
            "if": "none",
            "id": drive,
            "driver": "nbd",
            "node-name": name,
            "server.type": "unix",
            "server.path": str(self._storage_path).replace(",", ",,"),
            "export": name,
            "discard": "unmap" if unmap else "ignore",
        }
        self._add_drive(options)

    def add_empty_drive(self, drive: str) -> None:
        self._add_drive({"if": "none", "id": drive, "media": "cdrom"})

    def _add_drive(self, options: Mapping[str, str]) -> None:
        given = ",".join(f"{option}={value}" for option, value in options.items())
        said = self.run_command("human-monitor-command", {"command-line": f'drive_add 0 "{given}"'})
        if said.split() != ["OK"]:
            raise ImplementationError(f"drive_add was refused: {' '.join(said.split())}")

    def take_output(self) -> str:
        data = b""
        while piece := os.pread(self._output_fd, 65536, self._output_taken):
            data += piece
            self._output_taken += len(piece)
        return data.decode("utf-8", "backslashreplace")

    def close(self) -> None:
        super().close()
        self._close_output()

    def _close_output(self) -> None:
        if self._output_fd >= 0:
            os.close(self._output_fd)
            self._output_fd = -1


class QemuSystem(StorageDaemon):
    """A ``qemu-system-x86_64`` by name or path."""

    SESSION = SystemSession
