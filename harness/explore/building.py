"""How scenarios are put together: one function for each kind of action, and a bench of two disks."""

from __future__ import annotations

from typing import Any

from harness.explore.scenario import GRANULE_BYTES, READY, SOURCE_FILL, STOPPED, TARGET_FILL, Action, ActionKind, Disk

G = GRANULE_BYTES


def write(name: str, offset: int, length: int, value: int, after: str = "", disk: str = "source") -> Action:
    """A guest's write."""
    return Action(name=name, kind=ActionKind.WRITE, offset=offset, length=length, value=value, after=after, disk=disk)


def zero(name: str, offset: int, length: int, after: str = "") -> Action:
    """A guest's write of zeroes."""
    return Action(name=name, kind=ActionKind.ZERO, offset=offset, length=length, after=after)


def read(name: str, offset: int, length: int, after: str = "") -> Action:
    """A guest's read."""
    return Action(name=name, kind=ActionKind.READ, offset=offset, length=length, after=after)


def flush(name: str, after: str = "") -> Action:
    """A guest's flush."""
    return Action(name=name, kind=ActionKind.FLUSH, after=after)


def command(name: str, qmp: str, after: str = "", **arguments: Any) -> Action:
    """A command; ``_`` in the names of arguments stands for ``-``."""
    given = {key.replace("_", "-"): value for key, value in arguments.items()}
    return Action(name=name, kind=ActionKind.COMMAND, command=qmp, arguments=given, after=after)


def mirror(
    *, pair: tuple[str, str] = ("source", "target"), job: str = "job0", name: str = "mirror", **more: Any
) -> Action:
    """A command that starts a mirror: active, one granule at a time, unless told otherwise."""
    arguments: dict[str, Any] = {"sync": "full", "granularity": G, "buf-size": 2 * G, "copy-mode": "write-blocking"}
    arguments |= {key.replace("_", "-"): value for key, value in more.items()}
    return command(name, "blockdev-mirror", job_id=job, device=pair[0], target=pair[1], **arguments)


def complete(after: str = READY, job: str = "job0", name: str = "complete") -> Action:
    """Ask a job to end, with the target in the source's place."""
    return command(name, "job-complete", after, id=job)


def cancel(after: str = "", job: str = "job0", *, force: bool = False, name: str = "cancel") -> Action:
    """Cancel a job."""
    return command(name, "block-job-cancel", after, device=job, force=force)


def disks(
    granules: int = 2, *, source: str = "source", target: str = "target", unmap: bool = False
) -> tuple[Disk, ...]:
    """A source full of one byte, and a target full of another, so that nothing that is not copied looks right."""
    size = granules * G
    return (
        Disk(name=source, size_bytes=size, fill=SOURCE_FILL),
        Disk(name=target, size_bytes=size, fill=TARGET_FILL, unmap=unmap),
    )


def command_error(command_name: str, **arguments: Any) -> Action:
    """What a user does about an error that stopped the job, as often as one does."""
    return Action(
        name="resume", kind=ActionKind.COMMAND, command=command_name, arguments=arguments, after=STOPPED, repeats=True
    )


def job_pause(name: str = "pause", after: str = "") -> Action:
    """Pause the job."""
    return command(name, "job-pause", after, id="job0")


def job_resume(after: str, name: str = "resume") -> Action:
    """Resume it."""
    return command(name, "job-resume", after, id="job0")


def set_speed(speed: int, name: str = "set-speed", after: str = "") -> Action:
    """Change the speed."""
    return command(name, "block-job-set-speed", after, device="job0", speed=speed)


ACTIVE = "write-blocking"
BACKGROUND = "background"
