"""230-file-system: while an ext4 image is mirrored actively, the guest turns it, block by block, into another one.

Both images are made by mke2fs from a folder of files. Half of the blocks in which they differ are written while the
background copy is frozen near the beginning, the other half after READY. In the end the target is the second image, and
e2fsck finds nothing wrong with it.

Groups: active image
Needs: copy-mode=write-blocking
Source: 151-2, TP-01, real-qemu D7
"""

import os
import subprocess
from pathlib import Path

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 8 * MIB
BLOCK = 1 * KIB
GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    first = make_image(bench, "first", {f"file-{number}": b"first %d\n" % number * 400 for number in range(40)})
    second = make_image(bench, "second", {f"other-{number}": b"second %d\n" % number * 900 for number in range(60)})
    source = bench.disk("source", SIZE, data=first)
    target = bench.disk("target", SIZE, 0xFF)
    guest = bench.guest(source)
    changed = [
        offset for offset in range(0, SIZE, BLOCK) if first[offset : offset + BLOCK] != second[offset : offset + BLOCK]
    ]
    before_ready, after_ready = changed[::2], changed[1::2]
    bench.say(f"the images differ in more than 100 blocks: {len(changed) > 100}")

    bench.hide_event_members("len", "offset", reason="how many blocks differ is up to mke2fs")
    bench.mirror(source, target, copy_mode="write-blocking", speed=1, buf_size=GRANULE)
    for offset in before_ready:
        guest.write_data(offset, second[offset : offset + BLOCK], silent=True)
    bench.step("guest writes every other block that differs")
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("JOB_STATUS_CHANGE", status="ready")
    bench.require_equal(source, target)
    for offset in after_ready:
        guest.write_data(offset, second[offset : offset + BLOCK], silent=True)
    bench.step("guest writes the others")
    bench.say(f"dirty {bench.dirty_bytes()}")
    bench.require_equal(source, target)
    bench.execute("job-cancel", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")

    bench.require_equal(source, target)
    contents = target.storage.read_bytes(0, SIZE)
    bench.say(f"the target is the second image: {contents == second}")
    check(bench, contents)


def make_image(bench: Bench, name: str, files: dict[str, bytes]) -> bytes:
    """An ext4 image that holds the files, at always the same time and with always the same identity."""
    folder = bench.folder / name
    folder.mkdir()
    for file_name, contents in files.items():
        (folder / file_name).write_bytes(contents)
    image = bench.folder / f"{name}.img"
    identity = "00000000-0000-4000-8000-" + name.encode().hex().rjust(12, "0")[:12]
    run_tool(
        bench,
        "mke2fs",
        *("-q", "-F", "-t", "ext4", "-b", str(BLOCK), "-U", identity),
        *("-E", f"hash_seed={identity},root_owner=0:0", "-d", str(folder), str(image), f"{SIZE // KIB}k"),
    )
    contents = image.read_bytes()
    image.unlink()
    for file_name in files:
        (folder / file_name).unlink()
    folder.rmdir()
    return contents


def check(bench: Bench, contents: bytes) -> None:
    """Have e2fsck look at an image without changing it."""
    image = bench.folder / "checked.img"
    image.write_bytes(contents)
    try:
        run_tool(bench, "e2fsck", "-f", "-n", str(image))
        bench.say("e2fsck -fn finds nothing wrong with it")
    finally:
        image.unlink()


def run_tool(bench: Bench, tool: str, *arguments: str) -> None:
    """Run a program of e2fsprogs; the case is skipped where it is not installed, and ends when it fails."""
    program: Path = bench.require_tool(tool)
    environment = os.environ | {"E2FSPROGS_FAKE_TIME": "1500000000", "LC_ALL": "C", "MKE2FS_CONFIG": "/dev/null"}
    done = subprocess.run([program, *arguments], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        bench.fail(f"{tool} says {done.returncode}: {(done.stdout + done.stderr).strip()}")
