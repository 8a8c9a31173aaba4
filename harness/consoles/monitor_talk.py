"""A whole talk with a human monitor, wherever it is: queries, mistakes, and the life of a mirror as it tells it.

Source: real-qemu H.
"""

from __future__ import annotations

from harness.bench import Bench
from harness.consoles.console import Console
from harness.consoles.conversation import Conversation
from harness.units import KIB, MIB


def talk_about_a_mirror(bench: Bench, monitor: Console) -> None:
    """Ask and tell a monitor what people do, while a mirror of a drive is started, set free, and completed.

    For implementations with the feature ``drive``.
    """
    talk = Conversation(bench, monitor)
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
