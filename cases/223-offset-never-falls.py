"""223-offset-never-falls: while guests write, what is done never becomes less, and is never more than the total.

The total grows, since what was written is to be copied again. Looked at after every write, before READY and after it,
in background and in active mode.

Groups: background active quick
Source: TP-50, TP-32, QQ-3, C42, C44
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 4 * MIB


def run(bench: Bench) -> None:
    for copy_mode in ("background", "write-blocking"):
        source = bench.disk(f"source-{copy_mode}", SIZE, 0x11)
        target = bench.disk(f"target-{copy_mode}", SIZE)
        guest = bench.guest(source)
        bench.mirror(source, target, copy_mode=copy_mode, speed=1, buf_size=64 * KIB)
        looks = [bench.progress()]
        for number in range(60):
            guest.write_data(number * 69 * KIB % SIZE, bytes([number + 1]) * 700, silent=True)
            looks.append(bench.progress())
            if number == 20:
                bench.hide_event_members(
                    "len", "offset", reason="how much the copy has to do again depends on its speed"
                )
                bench.execute("block-job-set-speed", device="job0", speed=0)
        bench.wait_until(lambda: bench.job()["ready"] and bench.dirty_bytes() == 0, "READY, and nothing to be dirty")
        for number in range(60):
            guest.write_data(number * 131 * KIB % SIZE, bytes([number + 101]) * 3000, silent=True)
            looks.append(bench.progress())
        # The job sees what has become dirty only when it wakes up, and counts it then.
        bench.wait_until(lambda: bench.dirty_bytes() == 0, "nothing to be dirty")
        bench.wait_until(lambda: bench.progress()[0] == bench.progress()[1], "the copies to be counted")
        looks.append(bench.progress())
        done = [current for current, _ in looks]
        bench.say(f"looks: {len(looks)}, in none of them less was done than before: {done == sorted(done)}")
        bench.say(f"in none of them more was done than there is: {all(current <= total for current, total in looks)}")
        bench.say(f"in the end all is done, and more than the disk is long: {looks[-1][0] == looks[-1][1] > SIZE}")
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.require_equal(source, target)
