"""348-drive-mirror: an active mirror to a file that `drive-mirror` makes: what is acknowledged is in the file at once.

The job is frozen after its first granule. A dirty granule that is written whole is in the file then, and part of one is
not. After READY everything is, whether the job is completed, which moves the guest to the file, or cancelled, softly
or by force. With granules of 4 KiB and of 64 KiB.

Groups: active drive quick
Needs: drive-mirror copy-mode=write-blocking
Source: GAP-01, QD-01, QE-01, QE-02, QE-03, QE-18, BF-18
"""

from harness.bench import Bench
from harness.guest import describe_data
from harness.units import KIB, MIB, format_bytes

LENGTH = 1 * MIB
BUFFER = 64 * KIB


def run(bench: Bench) -> None:
    for ending in ("complete", "soft", "force"):
        for granularity in (4 * KIB, 64 * KIB):
            mirror(bench, ending, granularity)


def mirror(bench: Bench, ending: str, granularity: int) -> None:
    bench.note(f"{ending}, granules of {format_bytes(granularity)}")
    name = f"{ending}-{granularity}"
    source = bench.disk(f"source-{name}", LENGTH, 0x11)
    guest = bench.guest(source)
    file = bench.folder / f"{name}.img"

    def in_file(offset: int) -> None:
        with file.open("rb") as stream:
            stream.seek(offset)
            data = stream.read(1024)
        bench.say(f"the file has {describe_data(data)} at {format_bytes(offset)}")

    def compare() -> None:
        same = file.read_bytes() == source.storage.read_bytes(0, LENGTH)
        bench.say(f"the file {'is equal to' if same else 'differs from'} {source.name}")

    arguments = {"job-id": "job0", "device": source.name, "target": file.name, "sync": "full", "format": "raw"}
    arguments |= {"copy-mode": "write-blocking", "granularity": granularity, "buf-size": BUFFER, "speed": 1}
    bench.execute("drive-mirror", arguments)
    bench.show_progress()
    guest.write(256 * KIB, granularity, 0x22)
    in_file(256 * KIB)
    guest.write(512 * KIB + 512, 512, 0x33)
    in_file(512 * KIB)
    guest.zero(768 * KIB, granularity)
    guest.discard(256 * KIB, granularity)
    bench.show_progress()
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY", device="job0")
    compare()
    guest.write(512, 512, 0x44)
    in_file(0)
    guest.write(LENGTH - 700, 700, 0x55)
    guest.zero(100, 100)
    bench.show_progress()
    compare()
    if ending == "complete":
        bench.execute("job-complete", id="job0")
    else:
        bench.execute("block-job-cancel", device="job0", force=ending == "force")
    bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
    compare()
    bench.note("afterwards the guest writes to one of the two")
    guest.write(128 * KIB, 512, 0x66)
    guest.flush()
    source.show_byte(128 * KIB)
    in_file(128 * KIB)
    bench.close_guest(source)
    file.unlink()
