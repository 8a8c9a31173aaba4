"""263-sparse-targets: a sparse source makes a sparse target, unless that was allocated in full and may not be unmapped.

Of 20 MiB the source has 2. The target is a file that was there, or one that the program made with or without space.

Groups: sparse
Needs: blockdev-create blockdev-mirror.target-is-zero driver=file detect-zeroes=unmap
Source: SPARSE-1, SPARSE-2, SPARSE-3, SPARSE-4, SPARSE-5, SPARSE-6, SPARSE-7, SPARSE-8, SPARSE-9
"""

from harness.bench import Bench
from harness.image_files import ImageFiles
from harness.units import MIB

SIZE = 20 * MIB
NO_DATA_BYTES_MAX = 4 * MIB
ALL_DATA_BYTES_MIN = 19 * MIB


def run(bench: Bench) -> None:
    files = ImageFiles(bench)
    bench.hide_event_members("len", "offset", reason="whether zeroes count depends on the version")
    source = bench.disk("source", SIZE)
    source.storage.write_bytes(8 * MIB, b"\x11" * 2 * MIB)
    for creation in ("external", "off", "full"):
        for discard, detect_zeroes in (("ignore", "off"), ("unmap", "off"), ("unmap", "unmap")):
            name = f"{creation}-{discard}-{detect_zeroes}"
            bench.note(name)
            path = files.expect(f"{name}.img")
            if creation == "external":
                with path.open("xb") as file:
                    file.truncate(SIZE)
            else:
                options = {"driver": "file", "filename": path.name, "size": SIZE, "preallocation": creation}
                path.touch()
                bench.execute("blockdev-create", job_id="make", options=options)
                bench.wait_event("JOB_STATUS_CHANGE", id="make", status="concluded")
                bench.execute("job-dismiss", id="make")
            bench.node(name, "file", filename=path.name, discard=discard, detect_zeroes=detect_zeroes)
            bench.mirror(source, name)
            bench.wait_event("BLOCK_JOB_READY")
            bench.execute("block-job-cancel", device="job0")
            bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
            bench.execute("blockdev-del", node_name=name)
            allocated = path.stat().st_blocks * 512
            sparse = (
                "sparse" if allocated < NO_DATA_BYTES_MAX else "full" if allocated > ALL_DATA_BYTES_MIN else "mixed"
            )
            same = path.read_bytes() == source.storage.read_bytes(0, SIZE)
            bench.say(f"{path.name} is {sparse} and {'as the source' if same else 'different'}")
