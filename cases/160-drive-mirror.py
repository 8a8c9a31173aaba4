"""160-drive-mirror: the command makes its target file itself, or takes one that is there, and mirrors to it.

The target's node lives as long as somebody uses it: the job, and after completion whoever used the source. A file that
is there keeps nothing of what it held before.

Groups: job drive quick
Needs: drive-mirror
Source: QD-01, QD-02, QD-03, QD-04, QD-06, QD-07, 041-A-complete, 041-A-cancel, 041-A-cancel_after_ready, 041-A-pause,
    041-A-small_buffer, 041-E-complete, 041-C-complete, 041-L-absolute_paths_full, 041-L-absolute_paths_top,
    041-L-existing_full, GAP-01
"""

from typing import Any

from harness.bench import Bench
from harness.disk import Disk
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1025 * KIB, 0x11)
    for name, options in (
        ("plain", {}),
        ("top", {"sync": "top"}),
        ("named", {"node_name": "the-target"}),
        ("keeps-zeroes", {"unmap": False}),
        ("small-buffer", {"buf_size": 4096}),
        ("active", {"copy_mode": "write-blocking", "granularity": 4096}),
        ("policies", {"on_source_error": "ignore", "on_target_error": "stop", "speed": 1 << 40}),
    ):
        bench.note(name)
        start(bench, source, f"{name}.img", **options)
        bench.wait_event("BLOCK_JOB_READY")
        show_nodes(bench)
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        show_nodes(bench)
        compare(bench, source, f"{name}.img")
    bench.note("a file that is there, and held something else")
    file = bench.folder / "existing.img"
    file.write_bytes(b"\x2a" * source.size)
    start(bench, source, "existing.img", mode="existing")
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("block-job-cancel", device="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    compare(bench, source, "existing.img")
    bench.note("forced out: the file stays")
    start(bench, source, "cancelled.img", speed=1, buf_size=64 * KIB)
    bench.execute("block-job-cancel", device="job0", force=True)
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.say(f"cancelled.img has {(bench.folder / 'cancelled.img').stat().st_size} bytes")
    (bench.folder / "cancelled.img").unlink()
    show_nodes(bench)
    bench.note("a disk of no bytes")
    empty = bench.disk("empty", 0)
    start(bench, empty, "empty.img")
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    compare(bench, empty, "empty.img")
    bench.note("with a guest, who is taken along")
    guest = bench.guest(source)
    start(bench, source, "moved.img", node_name="moved")
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    show_nodes(bench)
    guest.write(0, 512, 0x22)
    guest.flush()
    bench.say(f"moved.img begins with 0x{(bench.folder / 'moved.img').read_bytes()[0]:02x}")
    bench.say(f"source begins with 0x{source.storage.read_bytes(0, 1)[0]:02x}")
    (bench.folder / "moved.img").unlink()


def start(bench: Bench, source: Disk, target: str, **options: Any) -> None:
    """The command, raw and full unless told otherwise."""
    arguments = {"job-id": "job0", "device": source.name, "target": target, "sync": "full", "format": "raw"}
    bench.execute("drive-mirror", arguments, **options)


def show_nodes(bench: Bench) -> None:
    """All nodes with their drivers, the names that were made up made equal."""
    nodes = [(node["node-name"], node["drv"]) for node in bench.query("query-named-block-nodes")]
    names = sorted(f"{'(made up)' if name.startswith('#') else name}={driver}" for name, driver in nodes)
    bench.say(f"nodes: {', '.join(names)}")


def compare(bench: Bench, source: Disk, name: str) -> None:
    """Say whether the file holds what the disk holds, and take it away."""
    file = bench.folder / name
    same = file.read_bytes() == source.storage.read_bytes(0, source.size)
    bench.say(f"{name} {'is equal to' if same else 'differs from'} {source.name}")
    file.unlink()
