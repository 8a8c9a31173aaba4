"""634-end-of-a-job-with-requests-in-flight: a filter goes when nothing is in flight through it, and not before.

A guest's read is held in the storage of an image that is committed or streamed away. The job is to be finalized: it
waits for the read, and later requests wait until the chain is as it will be.

Groups: commit stream graph quick
Needs: block-commit block-stream.bottom blockdev-reopen driver=qcow2
Source: UD-1, UD-2, D1, D5
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    for command in ("block-commit", "block-stream"):
        bench.note(command)
        name = command.removeprefix("block-")
        base = bench.overlay(f"base-{name}", 1 * MIB)
        bench.guest(base).write(0, 1 * MIB, 0x11)
        bench.close_guest(base)
        middle = bench.overlay(f"middle-{name}", 1 * MIB, backing=base)
        bench.guest(middle).write(0, 512 * KIB, 0x22)
        bench.close_guest(middle)
        top = bench.overlay(f"top-{name}", 1 * MIB, backing=middle)
        guest = bench.guest(top)
        options = {"top-node": middle} if name == "commit" else {}
        bench.execute(command, {"job-id": "job0", "device": top, "auto-finalize": False} | options)
        bench.wait_event("BLOCK_JOB_PENDING")
        # What is read of a stream is in the uppermost image by now.
        disk = bench.disk_named(f"{middle if name == 'commit' else top}-file")
        rule = disk.hold("read")
        first = guest.start_read(0, 64 * KIB)
        bench.wait(lambda disk=disk: bool(disk.storage.held), f"a held read of {disk.name}")
        pending = bench.start_execute("job-finalize", id="job0")
        bench.settle()
        second = guest.start_read(64 * KIB, 64 * KIB)
        bench.settle()
        bench.say(f"job-finalize {'has' if pending.done else 'has not'} been answered")
        second.show()
        # Where in the file it is read from is the program's own affair.
        disk.let_go(rule)
        for request in list(disk.storage.held):
            request.release()
        first.wait()
        bench.finish(pending)
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        second.wait()
        bench.show_chain(top)
        guest.read(0, 1 * MIB)
