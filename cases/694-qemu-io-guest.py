"""694-qemu-io-guest: a second guest on the source, which is qemu-io, is mirrored as the first one is.

Groups: graph console active quick
Needs: qemu-io-console copy-mode=write-blocking
Source: real-qemu G, real-qemu D6, 151-1
"""

from harness.bench import Bench
from harness.consoles.conversation import Conversation
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    guest = bench.guest(source)
    talk = Conversation(bench, bench.session.open_qemu_io("source"))
    bench.mirror(source, target, copy_mode="write-blocking", speed=1, buf_size=GRANULE)
    bench.wait_until(lambda: bench.progress()[0] == GRANULE, "the first granule")
    bench.show_progress()
    for line in ("write -P 0x22 512k 64k", "write -P 0x33 768k 512", "write -z 256k 64k", "discard 0 64k"):
        talk.say(line)
        bench.show_progress()
    guest.read(512 * KIB, GRANULE)
    guest.write(640 * KIB, GRANULE, 0x44)
    talk.say("read -q -P 0x44 640k 64k")
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    bench.require_equal(source, target)
    bench.note("its write waits for the target")
    target.hold("write")
    talk.start("write -P 0x55 0 64k")
    (held,) = target.wait_held()
    bench.say("answered" if talk.answered else "not answered")
    target.release(held)
    talk.finish()
    target.let_everything_pass()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.note("both guests are on the target now")
    talk.say("write -q -P 0x66 0 64k")
    guest.read(0, GRANULE)
    bench.compare(source, target)
    talk.quit()
