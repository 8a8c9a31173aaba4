"""213-methods-of-041-with-files: what QEMU's own test of mirroring asks of drive-mirror, on any length.

Letters and methods are those of that test: A is a disk of 1 MiB, C one of no length, E one of 1049600 bytes, which is
no multiple of the granularity. Before READY the job is cancelled in each of the three ways. Who used the source uses
the file after completion, and the source after any cancel.

Groups: job drive quick
Needs: drive-mirror
Source: 041-A-complete, 041-A-cancel, 041-A-cancel_after_ready, 041-A-pause, 041-A-small_buffer, 041-A-image_not_found,
    041-A-device_not_found, 041-C-complete, 041-C-cancel, 041-C-cancel_after_ready, 041-C-pause, 041-C-small_buffer,
    041-C-image_not_found, 041-C-device_not_found, 041-E-complete, 041-E-cancel, 041-E-cancel_after_ready, 041-E-pause,
    041-E-small_buffer, 041-E-image_not_found, 041-E-device_not_found, TP-43, TP-47
"""

from typing import Any

from harness.bench import Bench
from harness.disk import Disk
from harness.job_course import GRANULE, VERB_COMMANDS, pause_at_a_read
from harness.units import MIB

LENGTHS = {"A": 1 * MIB, "C": 0, "E": 1049600}


def run(bench: Bench) -> None:
    for letter, size in LENGTHS.items():
        bench.note(f"{letter}: refusals")
        source = bench.disk(f"source-{letter}", size, 0x11)
        start(bench, "nonexistent", "t.img")
        start(bench, source.name, "missing.img", mode="existing")
        bench.say(
            f"jobs: {bench.query('query-jobs')}, files: {sorted(path.name for path in bench.folder.glob('*.img'))}"
        )
        for command, arguments in VERB_COMMANDS["cancel"]:
            bench.note(f"{letter}: cancel")
            cancel(bench, source, command, arguments)
        for method in ("complete", "cancel_after_ready", "pause", "small_buffer"):
            bench.note(f"{letter}: {method}")
            use(bench, method, bench.disk(f"source-{letter}-{method}", size, 0x11))


def start(bench: Bench, device: str, target: str, **options: Any) -> None:
    """The command, full and raw."""
    arguments = {"job-id": "job0", "device": device, "target": target, "sync": "full", "format": "raw"}
    bench.execute("drive-mirror", arguments, **options)


def cancel(bench: Bench, source: Disk, command: str, arguments: dict[str, Any]) -> None:
    """Cancel at once; a disk of no length is READY by then, where a soft cancel completes."""
    start(bench, source.name, "t.img", buf_size=GRANULE, speed=1)
    if source.size:
        bench.wait_until(lambda: bench.progress()[0] == GRANULE, "the first granule to be counted")
    else:
        bench.wait_event("BLOCK_JOB_READY")
    bench.execute(command, arguments)
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.say(f"jobs: {bench.query('query-jobs')}")
    (bench.folder / "t.img").unlink()


def use(bench: Bench, method: str, source: Disk) -> None:
    """One method of the test, and then a write of who used the source."""
    guest = bench.guest(source)
    if method == "pause":
        source.hold("read")
    options: dict[str, Any] = {"pause": {"buf_size": GRANULE}, "small_buffer": {"buf_size": 4096}}.get(method, {})
    file = bench.folder / f"{source.name}.img"
    start(bench, source.name, file.name, **options)
    if method == "pause" and source.size:
        pause_at_a_read(bench, source)
    if method == "pause":
        source.let_everything_pass()
    bench.wait_event("BLOCK_JOB_READY")
    if method == "pause" and not source.size:
        bench.execute("block-job-pause", device="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="standby")
        bench.execute("block-job-resume", device="job0")
    command = "block-job-cancel" if method == "cancel_after_ready" else "block-job-complete"
    bench.execute(command, device="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.say(
        f"{file.name} is equal to {source.name}: {file.read_bytes() == source.storage.read_bytes(0, source.size)}"
    )
    bench.say(f"jobs: {bench.query('query-jobs')}")
    if source.size:
        guest.write(source.size - 512, 512, 0x33)
        guest.flush()
        written = bytes([0x33]) * 512
        bench.say(f"{file.name} {'has' if file.read_bytes()[-512:] == written else 'has not'} the write")
        in_source = source.storage.read_bytes(source.size - 512, 512) == written
        bench.say(f"{source.name} {'has' if in_source else 'has not'} the write")
    file.unlink()
