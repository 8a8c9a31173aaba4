"""The scenarios: what is raced against what. Each has a number, which is that of its case."""

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
    job_pause,
    job_resume,
    mirror,
    read,
    set_speed,
    write,
    zero,
)
from harness.explore.mode_scenarios import MODE_SCENARIOS
from harness.explore.scenario import (
    READY,
    SOURCE_FILL,
    STARTED,
    TARGET_FILL,
    Action,
    ActionKind,
    Disk,
    Fault,
    Hold,
    Scenario,
)

_OF_QEMUS_MODES: tuple[tuple[int, Scenario], ...] = (
    (
        700,
        Scenario(
            name="one-writer",
            claim="one active write against the background copy and the end",
            disks=disks(),
            setup=(mirror(buf_size=G),),
            actions=(write("writer", 0, G, 0xA1), complete()),
        ),
    ),
    (
        702,
        Scenario(
            name="background-writer",
            claim="one write in background mode against the copy and the end",
            disks=disks(),
            setup=(mirror(copy_mode=BACKGROUND),),
            actions=(write("writer", 0, G, 0xA1), complete()),
        ),
    ),
    (
        704,
        Scenario(
            name="unaligned-writer",
            claim="an active write that begins and ends within granules, against the copy of both",
            disks=disks(4),
            setup=(mirror(buf_size=G),),
            actions=(write("writer", G + G // 2, 2 * G, 0xA1), complete()),
        ),
    ),
    (
        703,
        Scenario(
            name="short-writer",
            claim="an active write of less than a granule, within one",
            disks=disks(1),
            setup=(mirror(),),
            actions=(write("writer", 512, 512, 0xA1), complete()),
        ),
    ),
    (
        705,
        Scenario(
            name="overlapping-writers",
            claim="two active writes of overlapping ranges, one of them not of whole granules",
            disks=disks(),
            setup=(mirror(),),
            actions=(write("first", 0, G + G // 2, 0xA1), write("second", G, G, 0xB2), complete()),
        ),
    ),
    (
        706,
        Scenario(
            name="crossing-writers",
            claim="four active writes, two of which wait for the first and then for the fourth",
            disks=disks(3),
            setup=(mirror(),),
            actions=(
                write("first", 0, G, 0xA1, READY),
                write("second", 0, 2 * G, 0xB2, READY),
                write("third", 0, 2 * G, 0xC3, READY),
                write("fourth", G, 2 * G, 0xD4, READY),
                cancel("fourth"),
            ),
        ),
    ),
    (
        707,
        Scenario(
            name="runs-and-writer",
            claim="runs of two granules against an active write: a run ends before what a write has claimed",
            disks=disks(4),
            setup=(mirror(buf_size=2 * G),),
            actions=(write("writer", 3 * G, G, 0xA1), complete()),
        ),
    ),
    (
        708,
        Scenario(
            name="reader",
            claim="a read against a write that overlaps it and against the switch to the target",
            disks=disks(),
            setup=(mirror(),),
            actions=(write("writer", 0, G, 0xA1, READY), read("reader", 0, 2 * G, READY), complete()),
        ),
    ),
    (
        710,
        Scenario(
            name="pause",
            claim="pause and resume against the copy and an active write",
            disks=disks(),
            setup=(mirror(buf_size=G),),
            actions=(write("writer", G, G, 0xA1), job_pause(), job_resume("pause"), complete()),
        ),
    ),
    (
        712,
        Scenario(
            name="complete-paused",
            claim="complete while the job is paused: it waits until it is resumed",
            disks=disks(1),
            setup=(mirror(),),
            actions=(job_pause(after=READY), complete("pause"), job_resume("complete")),
        ),
    ),
    (
        715,
        Scenario(
            name="soft-cancel",
            claim="a soft cancel against the copy and an active write: before READY it ends the job, then completes it",
            disks=disks(),
            setup=(mirror(buf_size=G),),
            actions=(write("writer", 0, G, 0xA1), cancel()),
        ),
    ),
    (
        716,
        Scenario(
            name="force-cancel",
            claim="a forced cancel against an active write and the copy: later writes go to the source alone",
            disks=disks(),
            setup=(mirror(buf_size=G),),
            actions=(
                write("writer", 0, G, 0xA1),
                cancel(force=True),
                write("later", G, G, 0xB2, "cancel"),
            ),
        ),
    ),
    (
        717,
        Scenario(
            name="cancel-paused",
            claim="a forced cancel of a job that is paused, or about to be",
            disks=disks(1),
            setup=(mirror(),),
            actions=(job_pause(), cancel("pause", force=True)),
        ),
    ),
    (
        718,
        Scenario(
            name="cancel-pending",
            claim="a soft cancel of a job that waits to be finalized: it is no longer ready, so that it is cancelled",
            disks=disks(1),
            setup=(mirror(auto_finalize=False),),
            actions=(complete(), cancel("event BLOCK_JOB_PENDING")),
        ),
    ),
    (
        720,
        Scenario(
            name="complete-twice",
            claim="complete and complete once more, with the node to replace named",
            disks=disks(1),
            setup=(mirror(replaces="source"),),
            actions=(
                job_pause(after=READY),
                complete("pause"),
                complete("complete", name="again"),
                job_resume("again"),
            ),
        ),
    ),
    (
        722,
        Scenario(
            name="complete-under-writes",
            claim="complete against a write in background mode that may come after the last look at the bitmap",
            disks=disks(1),
            setup=(mirror(copy_mode=BACKGROUND),),
            actions=(write("writer", 0, G, 0xA1, READY), write("second", 0, G, 0xB2, READY), complete()),
        ),
    ),
    (
        725,
        Scenario(
            name="set-speed",
            claim="a limit that is changed while the job sleeps because of it, and then lifted",
            disks=disks(3),
            setup=(mirror(buf_size=G, speed=G),),
            actions=(set_speed(2 * G), set_speed(0, "lift", "set-speed"), complete()),
        ),
    ),
    (
        726,
        Scenario(
            name="limited",
            claim="a limit that is kept, however often the job is woken",
            disks=disks(4),
            setup=(mirror(buf_size=G, speed=G),),
            actions=(set_speed(G + G // 4), job_pause(after="set-speed"), job_resume("pause"), complete()),
        ),
    ),
    (
        730,
        Scenario(
            name="change-copy-mode",
            claim="the switch from background to write-blocking against a write and the copy",
            disks=disks(),
            setup=(mirror(copy_mode=BACKGROUND),),
            actions=(
                write("writer", 0, G, 0xA1),
                command("change", "block-job-change", id="job0", type="mirror", copy_mode=ACTIVE),
                complete(),
            ),
        ),
    ),
    (
        735,
        Scenario(
            name="write-error",
            claim="one write to the target fails, the background copy's or the guest's, and the job ends",
            disks=disks(),
            setup=(mirror(buf_size=G),),
            actions=(write("writer", G // 2, G, 0xA1), replace(complete(), optional=True)),
            faults=(Fault("target", "write"),),
        ),
    ),
    (
        736,
        Scenario(
            name="write-error-ignored",
            claim="one write to the target fails, the error is ignored: it is copied again, and READY comes once",
            disks=disks(),
            setup=(mirror(on_target_error="ignore"),),
            actions=(write("writer", 0, G, 0xA1), complete()),
            faults=(Fault("target", "write"),),
        ),
    ),
    (
        737,
        Scenario(
            name="errors-stop",
            claim="two requests in flight fail, each stops the job, and one resume lets it go on",
            disks=disks(3),
            setup=(mirror(buf_size=2 * G, on_target_error="enospc", copy_mode=BACKGROUND),),
            actions=(
                command_error("job-resume", id="job0"),
                write("first", 0, G, 0xA1, READY),
                write("second", 2 * G, G, 0xB2, READY),
                complete("second"),
            ),
            faults=(Fault("target", "write", "ENOSPC"), Fault("target", "write", "ENOSPC")),
        ),
    ),
    (
        738,
        Scenario(
            name="failing-flush",
            claim="the target's flush fails for ever and is ignored: a forced cancel still ends the job",
            disks=disks(1),
            setup=(mirror(on_target_error="ignore"),),
            actions=(cancel(force=True),),
            faults=(Fault("target", "flush", always=True),),
        ),
    ),
    (
        739,
        Scenario(
            name="flush-error",
            claim="one flush of the target fails: before READY, or before the end",
            disks=disks(1),
            setup=(mirror(on_target_error="ignore"),),
            actions=(complete(),),
            faults=(Fault("target", "flush"),),
        ),
    ),
    (
        740,
        Scenario(
            name="drain-source",
            claim="a drained section on the source against the copy and an active write",
            disks=disks(),
            setup=(mirror(buf_size=G),),
            actions=(
                write("writer", 0, G, 0xA1),
                Action(name="drain", kind=ActionKind.DRAIN),
                Action(name="undrain", kind=ActionKind.UNDRAIN, after="drain"),
                complete(),
            ),
        ),
    ),
    (
        741,
        Scenario(
            name="drain-target",
            claim="a drained section on the target against the copy",
            disks=disks(),
            setup=(mirror(buf_size=G, copy_mode=BACKGROUND),),
            actions=(
                write("writer", 0, G, 0xA1),
                Action(name="drain", kind=ActionKind.DRAIN, disk="target"),
                Action(name="undrain", kind=ActionKind.UNDRAIN, disk="target", after="drain"),
                complete(),
            ),
        ),
    ),
    (
        745,
        Scenario(
            name="resize",
            claim="the target is cut while it is copied to: the job fails",
            disks=disks(),
            setup=(mirror(buf_size=G),),
            actions=(
                Action(name="cut", kind=ActionKind.RESIZE, disk="target", length=G),
                replace(complete(), optional=True),
            ),
        ),
    ),
    (
        746,
        Scenario(
            name="other-size",
            claim="a target that is larger than the source: the job fails at its start",
            disks=(
                Disk(name="source", size_bytes=G, fill=SOURCE_FILL),
                Disk(name="target", size_bytes=2 * G, fill=TARGET_FILL),
            ),
            actions=(mirror(),),
        ),
    ),
    (
        748,
        Scenario(
            name="odd-size",
            claim="a disk whose last granule is not full, against a write of its end",
            disks=(
                Disk(name="source", size_bytes=G + 512, fill=SOURCE_FILL),
                Disk(name="target", size_bytes=G + 512, fill=TARGET_FILL),
            ),
            setup=(mirror(buf_size=G),),
            actions=(write("writer", G, 512, 0xA1), complete()),
        ),
    ),
    (
        749,
        Scenario(
            name="empty-disk",
            claim="a disk of no bytes is ready, and has an end like any other",
            disks=(Disk(name="source", size_bytes=0), Disk(name="target", size_bytes=0)),
            setup=(mirror(),),
            actions=(complete(),),
        ),
    ),
    (
        750,
        Scenario(
            name="two-jobs",
            claim="two mirrors of two disks at once, with a write to each",
            disks=(*disks(1), *disks(1, source="other", target="other-target")),
            setup=(mirror(), mirror(pair=("other", "other-target"), job="job1", name="other-mirror")),
            actions=(
                write("writer", 0, G, 0xA1, READY),
                write("other-writer", 0, G, 0xB2, READY, disk="other"),
                complete(),
                complete(job="job1", name="other-complete"),
            ),
        ),
    ),
    (
        755,
        Scenario(
            name="start",
            claim="a mirror of two equal disks starts amid writes: what is written from then on is copied",
            disks=(
                Disk(name="source", size_bytes=G, fill=SOURCE_FILL),
                Disk(name="target", size_bytes=G, fill=SOURCE_FILL),
            ),
            actions=(
                mirror(sync="none"),
                read("reader", 0, 512),
                write("writer", 0, G, 0xA1, STARTED + "mirror"),
                complete(),
            ),
        ),
    ),
    (
        760,
        Scenario(
            name="small-buffer",
            claim="copies of several granules wait for buffers that others hold",
            disks=disks(9),
            setup=(mirror(buf_size=3 * G, copy_mode=BACKGROUND),),
            actions=(
                write("first", 0, G, 0xA1, READY),
                write("second", 2 * G, G, 0xB2, "first"),
                write("third", 4 * G, 3 * G, 0xC3, "second"),
                write("fourth", 8 * G, G, 0xD4, "third"),
                complete("fourth"),
            ),
        ),
    ),
    (
        761,
        Scenario(
            name="tiny-buffer",
            claim="a buffer of less than a granule is rounded up",
            disks=disks(1),
            setup=(mirror(buf_size=512),),
            actions=(complete(),),
        ),
    ),
    (
        762,
        Scenario(
            name="many-pieces",
            claim="20 pieces, of which 16 may be in flight at once, since every other granule is a hole",
            disks=(
                Disk(name="source", size_bytes=20 * G, fill=SOURCE_FILL, holes=tuple(range(1, 20, 2))),
                Disk(name="target", size_bytes=20 * G, fill=TARGET_FILL),
            ),
            setup=(mirror(buf_size=64 * G, copy_mode=BACKGROUND),),
            actions=(complete(),),
        ),
    ),
    (
        764,
        Scenario(
            name="holes",
            claim="holes of the source become holes of a target that can unmap, and zeroes win over what was there",
            disks=(
                Disk(name="source", size_bytes=2 * G, fill=SOURCE_FILL, holes=(1,)),
                Disk(name="target", size_bytes=2 * G, fill=TARGET_FILL, unmap=True),
            ),
            setup=(mirror(),),
            actions=(zero("eraser", 0, G // 2, READY), complete()),
        ),
    ),
    (
        766,
        Scenario(
            name="discard",
            claim="a discard amid the copy changes nothing that is dirty",
            disks=tuple(replace(disk, unmap=True) for disk in disks()),
            setup=(mirror(buf_size=G),),
            actions=(Action(name="discarder", kind=ActionKind.DISCARD, length=G), complete()),
        ),
    ),
    (
        768,
        Scenario(
            name="endless-write",
            claim="an active write that does not end until the job is ready does not keep it from becoming so",
            disks=disks(3),
            setup=(mirror(buf_size=G),),
            actions=(write("first", 2 * G, G, 0xA1), write("endless", 2 * G, G, 0xB2, "first"), complete()),
            holds=(Hold("target", "write", READY, 0xB2),),
        ),
    ),
    (
        770,
        Scenario(
            name="three-writers",
            claim="three active writes over four granules",
            disks=disks(4),
            setup=(mirror(),),
            actions=(
                write("first", 0, 2 * G, 0xA1, READY),
                write("second", G, 2 * G, 0xB2, READY),
                write("third", 3 * G, G, 0xC3, READY),
                complete("third"),
            ),
        ),
    ),
)

_ALL = (*_OF_QEMUS_MODES, *MODE_SCENARIOS)

SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for _, scenario in sorted(_ALL, key=lambda entry: entry[0])}
"""By name, in the order of their numbers."""

NUMBERS: dict[str, int] = {scenario.name: number for number, scenario in _ALL}
"""The number of each scenario's case."""
