"""208-speed-in-virtual-time: a job takes as long as its speed says, to the slice of 100 ms, whatever wakes it.

The clock is the model's own. 1 MiB in copies of 64 KiB at several speeds. Then at 256 KiB a second, while the speed is
set again and again, or the job is paused and resumed, a hundred times in each slice: it is not done any earlier. A
higher speed counts from when it is set, and no limit lets the job go on at once.

Groups: background quick
Needs: virtual-time
Source: QA-06, A18, A19, C30, C31, C36, C37, 219-1, TP-44
"""

from collections.abc import Callable

from harness.bench import Bench
from harness.job_course import GRANULE
from harness.units import KIB, MIB, format_bytes

TIMES = 100


def run(bench: Bench) -> None:
    for speed in (64 * KIB, 256 * KIB, 1 * MIB, 10 * MIB, 100 * MIB):
        copy_at(bench, speed, format_bytes(speed), lambda step: None)
    bench.hide_pauses("the job is paused and resumed a hundred times a slice")
    copy_at(bench, 256 * KIB, "set-often", lambda step: set_often(bench))
    copy_at(bench, 256 * KIB, "paused-often", lambda step: pause_often(bench))
    copy_at(bench, 256 * KIB, "raised", lambda step: set_speed(bench, 1 * MIB) if step == 4 else None)
    copy_at(bench, 1 * MIB, "lowered", lambda step: set_speed(bench, 256 * KIB) if step == 4 else None)
    copy_at(bench, 256 * KIB, "lifted", lambda step: set_speed(bench, 0) if step == 4 else None)


def copy_at(bench: Bench, speed: int, name: str, disturb: Callable[[int], None]) -> None:
    """Mirror 1 MiB, and print how far it has come when each timer has fired.

    :param disturb: called with how often the clock was waited for.
    """
    source = bench.disk(f"source-{name}", 1 * MIB, 0x11)
    target = bench.disk(f"target-{name}", 1 * MIB)
    bench.mirror(source, target, speed=speed, buf_size=GRANULE)
    begin_ms = bench.session.virtual_time_ms()
    steps = 0
    course = [f"{format_bytes(bench.progress()[0])} at 0"]
    while not bench.job()["ready"]:
        bench.session.let_time_pass()
        steps += 1
        disturb(steps)
        course.append(f"{format_bytes(bench.progress()[0])} at {bench.session.virtual_time_ms() - begin_ms}")
    bench.settle()
    bench.say(f"bytes copied, at milliseconds: {', '.join(course)}")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)


def set_speed(bench: Bench, speed: int) -> None:
    """Set the speed, silently."""
    bench.query("block-job-set-speed", {"device": "job0", "speed": speed})


def set_often(bench: Bench) -> None:
    """Set the speed a little higher each time, which wakes a job that sleeps, and back."""
    if bench.job()["ready"]:
        return
    for number in range(TIMES):
        set_speed(bench, 256 * KIB + number)
    set_speed(bench, 256 * KIB)


def pause_often(bench: Bench) -> None:
    """Pause and resume."""
    if bench.job()["ready"]:
        return
    for _ in range(TIMES):
        bench.query("job-pause", {"id": "job0"})
        bench.query("job-resume", {"id": "job0"})
