"""The scenarios of the copy modes that only a model has so far: docs/modes.md says what each of them promises.

Most begin their requests when the job is ready: before that the modes promise no more than the background copy does.
The promises are looked at by `harness.explore.mode_checks`, everything else by the checks that all scenarios have.
"""

from __future__ import annotations

from dataclasses import replace

from harness.explore.building import (
    ACTIVE,
    BACKGROUND,
    G,
    cancel,
    command,
    command_error,
    complete,
    disks,
    flush,
    job_pause,
    job_resume,
    mirror,
    read,
    write,
)
from harness.explore.scenario import READY, STARTED, Action, ActionKind, Fault, Scenario

ASYNC = "write-async"
READS = "read-write-blocking"


def change(copy_mode: str, name: str = "change", after: str = READY) -> Action:
    """Switch the copy mode."""
    return command(name, "job-change", after, id="job0", type="mirror", copy_mode=copy_mode)


MODE_SCENARIOS: tuple[tuple[int, Scenario], ...] = (
    (
        870,
        Scenario(
            name="async-writer",
            claim="an asynchronous write that is not of whole granules, against the background copy and the end",
            disks=disks(),
            setup=(mirror(buf_size=G, copy_mode=ASYNC),),
            actions=(write("writer", G // 2, G, 0xA1), complete()),
        ),
    ),
    (
        871,
        Scenario(
            name="async-overlapping-writers",
            claim="two asynchronous writes that overlap reach both disks in the same order",
            disks=disks(),
            setup=(mirror(copy_mode=ASYNC),),
            actions=(write("first", 0, G + G // 2, 0xA1, READY), write("second", G, G, 0xB2, READY), complete()),
        ),
    ),
    (
        872,
        Scenario(
            name="async-flush",
            claim="a flush while one write is on its way and another one comes: it waits for what was acknowledged",
            disks=disks(),
            setup=(mirror(copy_mode=ASYNC),),
            actions=(
                write("first", 0, G, 0xA1, READY),
                flush("flush", "first"),
                write("second", G, G, 0xB2, "first"),
                complete("flush"),
            ),
        ),
    ),
    (
        873,
        Scenario(
            name="async-full-buffer",
            claim="three asynchronous writes, of which two have room: the third waits before it reaches the source",
            disks=disks(3),
            setup=(mirror(buf_size=2 * G, copy_mode=ASYNC),),
            actions=(
                write("first", 0, G, 0xA1, READY),
                write("second", G, G, 0xB2, "first"),
                write("third", 2 * G, G, 0xC3, "second"),
                complete("second"),
            ),
        ),
    ),
    (
        874,
        Scenario(
            name="async-large-write",
            claim="an asynchronous write that is larger than the buffer goes alone, and keeps the next one waiting",
            disks=disks(3),
            setup=(mirror(buf_size=G, copy_mode=ASYNC),),
            actions=(
                write("small", 2 * G, 512, 0xA1, READY),
                write("large", 0, 2 * G, 0xB2, "small"),
                write("other", 2 * G + 512, 512, 0xC3, "small"),
                complete("small"),
            ),
        ),
    ),
    (
        875,
        Scenario(
            name="async-pause",
            claim="asynchronous writes go on while the job is paused, and its end waits for them",
            disks=disks(),
            setup=(mirror(copy_mode=ASYNC),),
            actions=(
                job_pause(after=READY),
                write("writer", 0, G, 0xA1, READY),
                write("second", G // 2, G, 0xB2, "pause"),
                job_resume("pause"),
                complete("resume"),
            ),
        ),
    ),
    (
        876,
        Scenario(
            name="async-soft-cancel",
            claim="a soft cancel waits for what is on its way, although no guest does",
            disks=disks(),
            setup=(mirror(copy_mode=ASYNC),),
            actions=(write("writer", 0, G, 0xA1, READY), write("second", G // 2, G, 0xB2, READY), cancel("writer")),
        ),
    ),
    (
        877,
        Scenario(
            name="async-force-cancel",
            claim="a forced cancel ends what is on its way first; later writes go to the source alone",
            disks=disks(),
            setup=(mirror(copy_mode=ASYNC),),
            actions=(
                write("writer", 0, G, 0xA1, READY),
                cancel(READY, force=True),
                write("later", G // 2, G, 0xB2, "cancel"),
            ),
        ),
    ),
    (
        878,
        Scenario(
            name="async-source-error",
            claim="an asynchronous write fails on the source, when the target may have it: it is dirty, and copied",
            disks=disks(),
            setup=(mirror(copy_mode=ASYNC),),
            actions=(write("first", G // 2, G, 0xA1, READY), write("second", G, G, 0xB2, READY), complete("first")),
            faults=(Fault("source", "write"),),
        ),
    ),
    (
        879,
        Scenario(
            name="async-target-error",
            claim="the target's half of an asynchronous write fails and is ignored: dirty, and no guest is told",
            disks=disks(),
            setup=(mirror(copy_mode=ASYNC, on_target_error="ignore"),),
            actions=(
                write("first", G // 2, G, 0xA1, READY),
                write("second", 0, G, 0xB2, "first"),
                flush("flush", "first"),
                complete("second"),
            ),
            faults=(Fault("target", "write"),),
        ),
    ),
    (
        880,
        Scenario(
            name="async-target-error-stops",
            claim="the target's half of an asynchronous write fails and stops the job: later writes are mirrored",
            disks=disks(),
            setup=(mirror(copy_mode=ASYNC, on_target_error="stop"),),
            actions=(
                command_error("job-resume", id="job0"),
                write("first", 0, G, 0xA1, READY),
                write("second", G // 2, G, 0xB2, "first"),
                complete("second"),
            ),
            faults=(Fault("target", "write"),),
        ),
    ),
    (
        881,
        Scenario(
            name="async-both-errors",
            claim="both halves of an asynchronous write fail, or either, and the target's error is reported",
            disks=disks(),
            setup=(mirror(copy_mode=ASYNC),),
            actions=(
                replace(write("first", 0, G + G // 2, 0xA1, READY), optional=True),
                replace(write("second", G, G, 0xB2, "first"), optional=True),
                replace(complete(), optional=True),
            ),
            faults=(Fault("source", "write"), Fault("target", "write")),
        ),
    ),
    (
        882,
        Scenario(
            name="async-drain",
            claim="a drained section waits for what is on its way, although the guest has its answer",
            disks=disks(),
            setup=(mirror(copy_mode=ASYNC),),
            actions=(
                write("writer", 0, G, 0xA1, READY),
                Action(name="drain", kind=ActionKind.DRAIN, after=READY),
                write("second", G, G, 0xB2, "drain"),
                Action(name="undrain", kind=ActionKind.UNDRAIN, after="drain"),
                complete("undrain"),
            ),
        ),
    ),
    (
        883,
        Scenario(
            name="switch-both-ways",
            claim="from asynchronous to background and on to write-blocking, with writes of all kinds under way",
            disks=disks(),
            setup=(mirror(copy_mode=ASYNC),),
            actions=(
                write("first", 0, G, 0xA1, READY),
                change(BACKGROUND),
                write("second", G // 2, G, 0xB2, "change"),
                change(ACTIVE, "back", "change"),
                complete("back"),
            ),
        ),
    ),
    (
        884,
        Scenario(
            name="switch-active-modes",
            claim="from write-blocking to asynchronous with two writes that overlap, and a flush",
            disks=disks(),
            setup=(mirror(),),
            actions=(
                write("first", 0, G, 0xA1, READY),
                change(ASYNC),
                write("second", G // 2, G, 0xB2, "change"),
                flush("flush", "second"),
                complete("second"),
            ),
        ),
    ),
    (
        885,
        Scenario(
            name="mirrored-reader",
            claim="a mirrored read against a write of the same granules, the background copy and the end",
            disks=disks(),
            setup=(mirror(buf_size=G, copy_mode=READS),),
            actions=(read("reader", 0, 2 * G), write("writer", G // 2, G, 0xA1), complete()),
        ),
    ),
    (
        886,
        Scenario(
            name="mirrored-part-reader",
            claim="a mirrored read that covers granules in part leaves those alone",
            disks=disks(3),
            setup=(mirror(buf_size=G, copy_mode=READS),),
            actions=(read("reader", G // 2, 2 * G), complete()),
        ),
    ),
    (
        887,
        Scenario(
            name="mirrored-reader-target-error",
            claim="what a mirrored read sends fails on the target: the read does not, and the granule is dirty",
            disks=disks(),
            setup=(mirror(buf_size=G, copy_mode=READS, on_target_error="ignore"),),
            actions=(read("reader", G, G), complete()),
            faults=(Fault("target", "write"),),
        ),
    ),
    (
        888,
        Scenario(
            name="mirrored-reader-source-error",
            claim="a mirrored read fails on the source: the guest is told, the job is not, and the granule is dirty",
            disks=disks(),
            setup=(mirror(buf_size=G, copy_mode=READS, on_source_error="ignore"),),
            actions=(read("reader", G, G), complete()),
            faults=(Fault("source", "read"),),
        ),
    ),
    (
        889,
        Scenario(
            name="mirrored-reader-cancel",
            claim="a forced cancel against a mirrored read: later reads are not mirrored",
            disks=disks(),
            setup=(mirror(buf_size=G, copy_mode=READS),),
            actions=(read("reader", 0, G), cancel(force=True), read("later", G, G, "cancel")),
        ),
    ),
    (
        890,
        Scenario(
            name="switch-to-reads",
            claim="a switch to read-write-blocking: what a background write dirties amid a mirrored read stays dirty",
            disks=disks(),
            setup=(mirror(buf_size=G, copy_mode=BACKGROUND),),
            actions=(
                write("writer", G, G, 0xA1),
                change(READS, after=STARTED + "writer"),
                read("reader", G, G, "change"),
                complete(),
            ),
        ),
    ),
    (
        891,
        Scenario(
            name="drain-target-writer",
            claim="a drained section on the target against an active write and the end",
            disks=disks(),
            setup=(mirror(),),
            actions=(
                write("writer", 0, G, 0xA1, READY),
                Action(name="drain", kind=ActionKind.DRAIN, disk="target", after=READY),
                write("second", G // 2, G, 0xB2, "drain"),
                Action(name="undrain", kind=ActionKind.UNDRAIN, disk="target", after="drain"),
                complete("undrain"),
            ),
        ),
    ),
)
"""Each with the number of its case."""
