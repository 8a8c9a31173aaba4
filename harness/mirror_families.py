"""The six ways to start a mirror that QEMU's own test of mirroring, 041, takes most of its methods through.

Two commands, `drive-mirror` to a file and `blockdev-mirror` to a node, and three lengths: 1 MiB, nothing, and one that
is no multiple of the granularity. Below a device there is always an image on a raw backing file, which holds the data.

Source: 041, classes A to F.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.devices import Devices
from harness.image_files import ImageFiles
from harness.units import KIB, MIB, format_bytes

if TYPE_CHECKING:
    from harness.bench import Bench
    from harness.guest import Guest

DEVICE = "disk"


class Family(NamedTuple):
    """One of them: the letter of its class in 041, the command, the length in bytes."""

    letter: str
    command: str
    size: int


FAMILIES = (
    Family("A", "drive-mirror", 1 * MIB),
    Family("B", "blockdev-mirror", 1 * MIB),
    Family("C", "drive-mirror", 0),
    Family("D", "blockdev-mirror", 0),
    Family("E", "drive-mirror", 1025 * KIB),
    Family("F", "blockdev-mirror", 1025 * KIB),
)


class DeviceMirrors:
    """Mirrors of a device over an image, in every family.

    :ivar family: the one that is tried. :ivar source: what is mirrored: the node below the device.
    :ivar guest: of that node, besides the device.
    """

    family: Family
    source: str
    guest: Guest

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.devices = Devices(bench)
        bench.hide_pauses("every change of the graph drains what it changes")
        self._files = ImageFiles(bench)

    def each(self) -> Iterator[Family]:
        """Go through the families: before each there are new disks and a device, afterwards they are gone."""
        for family in FAMILIES:
            self._bench.note(f"{family.letter}: {family.command} of {format_bytes(family.size)}")
            self.family = family
            self._open()
            yield family
            self._close()

    def _open(self) -> None:
        bench, size, letter = self._bench, self.family.size, self.family.letter
        self._base = bench.node(
            f"base-{letter}", "file", filename=self._files.raw(f"base-{letter}", size, 0x11), read_only=True
        )
        self.source = f"top-{letter}"
        image = self._files.make(self.source, size, backing=f"base-{letter}.img", backing_format="raw")
        self._files.open(self.source, image, backing=self._base)
        self.devices.plug(DEVICE, self.source, share_rw=True)
        self.guest = bench.guest(self.source)
        self._guest_name = self.source
        self._count = 0

    def _close(self) -> None:
        self.devices.unplug(DEVICE)
        self._bench.close_guest(self._guest_name)

    def start(self, **options: Any) -> str:
        """Start a mirror of the source to a new image; return the name of the target's node."""
        bench, family = self._bench, self.family
        self._count += 1
        target = f"target-{family.letter}{self._count}"
        given = {"job-id": "job0", "device": self.source, "sync": "full"}
        if family.command == "drive-mirror":
            self._files.expect(f"{target}.img")
            given |= {"target": f"{target}.img", "format": "qcow2", "node-name": target}
        else:
            self._files.open(target, self._files.make(target, family.size))
            given |= {"target": target}
        bench.execute(family.command, given, **options)
        return target

    def read(self) -> None:
        """Print what the guest reads, all of it; of nothing it reads nothing."""
        if self.family.size:
            self.guest.read(0, self.family.size)

    def end(self) -> None:
        """Wait until the job is over, and print what the device is over."""
        self._bench.wait_event("JOB_STATUS_CHANGE", status="null")
        self.devices.show()
