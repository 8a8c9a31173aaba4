"""668-file-is-locked: during a mirror another program is kept from the source's file as it was before.

The device above lets nobody else write, and the filter that comes between must not let go of that. The target's file
is out of bounds for everybody until the job is over.

Groups: graph device
Needs: device_add qemu-io-console
Source: MTP-1, A21, BF-31, TP-16, TP-17
"""

from collections.abc import Mapping
from typing import Any

from harness.bench import Bench
from harness.devices import Devices
from harness.image_files import ImageFiles
from harness.implementations.base import Session
from harness.units import KIB


def run(bench: Bench) -> None:
    devices = Devices(bench)
    files = ImageFiles(bench)
    for name in ("source", "target"):
        bench.node(name, "file", filename=files.raw(name, 256 * KIB, 0x11))
    devices.plug("disk", "source")
    assert bench.implementation is not None
    folder = bench.folder / "other"
    folder.mkdir()
    other = bench.implementation.open(folder)
    try:
        other.provide_bus()
        try_to_use(bench, other, "before the job")
        bench.mirror("source", "target")
        bench.wait_event("BLOCK_JOB_READY")
        try_to_use(bench, other, "during the job")
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        try_to_use(bench, other, "after the job")
    finally:
        other.close()
        folder.rmdir()


def try_to_use(bench: Bench, other: Session, when: str) -> None:
    """Have another program put a disk over either file, which it may share, and take it away if that worked."""
    for name in ("source", "target"):
        file = {"driver": "file", "node-name": name, "filename": str(bench.folder / f"{name}.img")}
        ask(other, "blockdev-add", file)
        refusal = ask(other, "device_add", {"driver": "scsi-hd", "id": "disk", "drive": name, "share-rw": True})
        bench.say(f"{when} another program gets {name}.img: {refusal or 'yes'}")
        if not refusal:
            unplug(other)
        ask(other, "blockdev-del", {"node-name": name})


def ask(other: Session, command: str, arguments: Mapping[str, Any]) -> str:
    """Execute a command there; return why it was refused, if it was."""
    pending = other.submit_command(command, arguments)
    other.wait(lambda: pending.done, f"the reply to {command}")
    assert pending.reply is not None
    return str(pending.reply.get("error", {}).get("desc", ""))


def unplug(other: Session) -> None:
    seen = len(other.events)
    ask(other, "device_del", {"id": "disk"})
    other.wait(lambda: len(other.events) > seen, "the device to be gone")
