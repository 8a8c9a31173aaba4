"""262-probed-target: a target whose format nobody told must not come to look like an image, and one that is raw may.

A guest could have its disk taken for an image that names any file of the host. So a write to the first sector of a file
that was raw to begin with is refused if it looks like the beginning of an image; the job ends as its policy says.

Groups: drive errors
Needs: drive-mirror driver=raw
Source: 109-1, 109-2, 109-3, 109-4, 109-5, 109-6, 109-7, 109-8, 109-10, 109-11, QD-02
"""

from struct import pack

from harness.bench import Bench
from harness.image_files import ImageFiles
from harness.units import KIB

SIZE = 64 * KIB
BEGINNINGS = {
    "qcow": b"QFI\xfb" + pack(">I", 1),
    "qcow2": b"QFI\xfb" + pack(">I", 3),
    "qed": b"QED\0",
    "vdi": bytes(64) + pack("<I", 0xBEDA107F),
    "vmdk": b"KDMV" + pack("<I", 1),
    "vpc": b"conectix",
    "bochs": pack("32s16s16sI", b"Bochs Virtual HD Image", b"Redolog", b"Growing", 0x20000),
    "vhdx": b"vhdxfile",
    "cloop": b"#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n",
    "boot loader": b"\xeb\x63\x90" + bytes(507) + b"\x55\xaa",
}


def run(bench: Bench) -> None:
    files = ImageFiles(bench)
    target = files.raw("target", SIZE)
    for image_format, beginning in BEGINNINGS.items():
        name = image_format.replace(" ", "-")
        bench.note(f"the beginning of {image_format}")
        bench.disk(name, SIZE, data=beginning + b"\x11" * (SIZE - len(beginning)))
        source = bench.node(f"raw-{name}", "raw", file=name)
        for given in ({}, {"format": "raw"}):
            options = {"job-id": "job0", "device": source, "sync": "full", "mode": "existing", "target": target}
            seen = len(bench.session.events)
            bench.execute("drive-mirror", options | given)
            if becomes_ready(bench, seen):
                bench.execute("job-cancel", id="job0")
                bench.wait_event("JOB_STATUS_CHANGE", status="null")
            data = (bench.folder / target).read_bytes()
            bench.say(f"{target} begins {'as the source' if data.startswith(beginning) else 'with zeroes'}")
            (bench.folder / target).write_bytes(bytes(SIZE))
        bench.execute("blockdev-del", node_name=source)


def becomes_ready(bench: Bench, seen: int) -> bool:
    """Whether the job of which `seen` events came before becomes ready, and does not end."""

    def names() -> list[str]:
        return [event.name for event in bench.session.events[seen:]]

    bench.wait(lambda: bool({"BLOCK_JOB_READY", "BLOCK_JOB_COMPLETED"} & set(names())), "READY or an end")
    return "BLOCK_JOB_READY" in names()
