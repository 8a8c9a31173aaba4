"""698-hmp-terminal: the human monitor says the same on a terminal that the program makes.

What ``qemu-io`` prints does not come there: that is standard output (real-qemu D3).

Groups: graph console quick
Needs: hmp-console
Source: real-qemu H
"""

from harness.bench import Bench
from harness.consoles.conversation import Conversation
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    talk = Conversation(bench, bench.session.open_monitor(terminal=True))
    source = bench.disk("source", 1 * MIB, 0x11, drive="drive0")
    target = bench.disk("target", 1 * MIB)
    for line in ("info status", "info block-jobs", "bogus", "block_job_cancel nope", "help block_job_pause"):
        talk.say(line)
    bench.note("a job, as the monitor tells it")
    bench.mirror("drive0", target, speed=1, buf_size=64 * KIB)
    bench.wait_until(lambda: bench.progress()[0] == 64 * KIB, "the first granule")
    talk.say("info block-jobs")
    talk.say("block_job_set_speed job0 0")
    bench.wait_event("BLOCK_JOB_READY")
    talk.say("info block-jobs")
    talk.say('qemu-io drive0 "read -P 0x11 0 64k"')
    talk.say('qemu-io nope "read 0 64k"')
    talk.say("block_job_complete job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    talk.say("info block-jobs")
    bench.require_equal(source, target)
