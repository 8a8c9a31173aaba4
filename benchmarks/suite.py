"""What the suite costs, beside the way in which the same would be scripted by hand.

- *the fourteen*: the cases with which the suite began, whole command, two workers, best of three.
- *everything*: all cases.
- *by hand*: writes like those of case 310 as people script them: qemu-storage-daemon over raw files in memory, a
  ``qemu-io`` for each write, ``qemu-img compare`` at the end. It sees neither the order of requests nor what is dirty.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.units import KIB, MIB

FOURTEEN = ("010", "110", "120", "130", "140", "210", "220", "230", "310", "320", "330", "340", "410", "420")
ROUNDS = 3


def whole_command_s(implementation: str, cases: tuple[str, ...]) -> float:
    """Best wall time of a run, in seconds.

    :raise RuntimeError: when it does not pass: a figure of a broken run is worth nothing.
    """
    best = float("inf")
    for _ in range(ROUNDS):
        command = [sys.executable, "-m", "harness.cli", "run", "--quiet", "-j", "2", "--impl", implementation, *cases]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        best = min(best, time.perf_counter() - start)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
    return best


class ByHand:
    """Case 310's requests, driven with QEMU's own tools over files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._requests = [(1 * MIB, 64), (2 * MIB, 32), (2080 * KIB, 1), (2128 * KIB, 96), (0, 64), (1 * MIB, 64)] * 3

    def run_s(self) -> float:
        """Wall time in seconds."""
        start = time.perf_counter()
        for name, value in (("source", 0x11), ("target", 0)):
            (self._folder / name).write_bytes(bytes([value]) * 4 * MIB)
        monitor, export = self._folder / "qmp", self._folder / "nbd"
        daemon = subprocess.Popen(
            [
                "qemu-storage-daemon",
                *("--chardev", f"socket,id=m,path={monitor},server=on,wait=off", "--monitor", "chardev=m"),
                *("--blockdev", f"driver=file,node-name=source,filename={self._folder}/source"),
                *("--blockdev", f"driver=file,node-name=target,filename={self._folder}/target"),
                *("--nbd-server", f"addr.type=unix,addr.path={export}"),
                *("--export", "type=nbd,id=e,node-name=source,name=source,writable=on"),
            ]
        )
        try:
            with self._connect(monitor) as connection:
                self._drive(connection, export)
        finally:
            daemon.kill()
            daemon.wait()
        subprocess.run(
            ["qemu-img", "compare", "-f", "raw", "-F", "raw", self._folder / "source", self._folder / "target"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return time.perf_counter() - start

    @staticmethod
    def _connect(path: Path) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        while True:  # there is nothing to wait for but the socket itself
            try:
                connection.connect(str(path))
            except OSError:
                time.sleep(0.001)
            else:
                return connection

    def _drive(self, connection: socket.socket, export: Path) -> None:
        with connection.makefile("r", encoding="utf-8") as lines:

            def execute(command: str, **arguments: Any) -> None:
                connection.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
                while "return" not in json.loads(lines.readline()):
                    pass

            lines.readline()  # the greeting
            execute("qmp_capabilities")
            options = {"job-id": "j", "device": "source", "target": "target", "sync": "full", "speed": 1}
            execute("blockdev-mirror", **options, **{"copy-mode": "write-blocking", "buf-size": 65536})
            for offset, kib in self._requests:
                command = f"write -q -P 34 {offset} {kib}k"
                url = f"nbd+unix:///source?socket={export}"
                subprocess.run(["qemu-io", "-f", "raw", "-c", command, url], check=True)
            execute("block-job-set-speed", device="j", speed=0)
            while "BLOCK_JOB_READY" not in lines.readline():
                pass
            execute("job-complete", id="j")
            while "BLOCK_JOB_COMPLETED" not in lines.readline():
                pass


def main() -> int:
    """Print the figures."""
    implementations = ["reference"]
    if shutil.which("qemu-storage-daemon"):
        implementations.append("qemu-storage-daemon")
    for implementation in implementations:
        for what, cases in (("the fourteen", FOURTEEN), ("case 310", ("310",)), ("everything", ())):
            print(f"{what:14} on {implementation:20} {whole_command_s(implementation, cases):7.2f} s")
    if shutil.which("qemu-io") and shutil.which("qemu-storage-daemon"):
        with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
            best = min(ByHand(Path(folder)).run_s() for _ in range(ROUNDS))
        print(f"{'by hand':14} on {'qemu-storage-daemon':20} {best:7.2f} s  (18 writes, blind to order and bitmap)")
    print("published: QEMU's own runner needs 33 s for the 6 tests of iotest 151 and 32.5 s for the 107 of 041 on 7.2")
    return 0


if __name__ == "__main__":
    sys.exit(main())
