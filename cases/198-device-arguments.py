"""198-device-arguments: what making and taking away a device refuses, each in its own words.

Which ids a device may have is left out: that has changed twice between 7.2 and 11.1. (Up to 6.0 a used id is told in
other words.)

Groups: qmp device quick
Needs: drive device_add blockdev-reopen
Source: QD-10, TP-11, QA-01, QA-11
"""

from typing import Any

from harness.bench import Bench
from harness.devices import DISK, Devices
from harness.units import KIB


def run(bench: Bench) -> None:
    devices = Devices(bench)
    bench.hide_pauses("every change of the graph drains what it changes")
    devices.add_empty_drive("empty")
    bench.disk("disk", 64 * KIB, 0x11)
    bench.disk("driven", 64 * KIB, 0x22, drive="drive0")

    def refuse(**options: Any) -> None:
        given = {"driver": DISK, "id": "new", "drive": "disk"} | options
        bench.execute("device_add", {name: value for name, value in given.items() if value is not ...})

    refuse(driver=...)
    refuse(driver="no-such-model")
    refuse(drive=...)
    refuse(drive="nonexistent")
    refuse(drive="empty")
    devices.plug("first", "drive0")
    refuse(id="first")
    refuse(drive="drive0")
    bench.note("a node cannot be called as a drive is")
    bench.execute("blockdev-add", driver="null-co", node_name="drive0")
    bench.mirror("drive0", "disk", filter_node_name="drive0")
    bench.execute("device_del", id="nonexistent")
    bench.execute("device_del")
    devices.show()
    devices.unplug("first")
    devices.show()
