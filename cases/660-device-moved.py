"""660-device-moved: a completed mirror leaves the device on the target, whatever its length and the command.

Also with a buffer smaller than a granule, and after a pause in which nothing is copied.

Groups: chains device drive
Needs: drive-mirror device_add driver=qcow2
Source: 041-A-complete, 041-B-complete, 041-C-complete, 041-D-complete, 041-E-complete, 041-F-complete,
    041-A-small_buffer, 041-B-small_buffer, 041-C-small_buffer, 041-D-small_buffer, 041-E-small_buffer,
    041-F-small_buffer, 041-A-pause, 041-B-pause, 041-C-pause, 041-D-pause, 041-E-pause, 041-F-pause, TP-49
"""

from harness.bench import Bench
from harness.mirror_families import DeviceMirrors
from harness.units import KIB


def run(bench: Bench) -> None:
    mirrors = DeviceMirrors(bench)
    for family in mirrors.each():
        bench.note("small buffer")
        target = mirrors.start(buf_size=4096)
        bench.wait_event("BLOCK_JOB_READY")
        bench.execute("job-complete", id="job0")
        mirrors.end()
        mirrors.read()
        bench.note("pause")
        mirrors.source = target
        mirrors.start()
        bench.wait_event("BLOCK_JOB_READY")
        bench.execute("job-pause", id="job0")
        if family.size:
            mirrors.guest.write(64 * KIB, 512, 0x22)
            bench.say(f"progress {bench.progress()[0]} of the disk")
        bench.execute("job-resume", id="job0")
        bench.execute("job-complete", id="job0")
        mirrors.end()
        mirrors.read()
