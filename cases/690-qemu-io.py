"""690-qemu-io: a whole talk with qemu-io, without a terminal, about the harness's own storage.

Nothing of the implementation is between the two: qemu-io is a client of the storage, so this is also what the storage
looks like to somebody else. It neither echoes nor draws; its prompt and its answers are exact.

Groups: graph console quick
Needs: qemu-io-console
Source: real-qemu H
"""

from harness.bench import Bench
from harness.consoles.conversation import Conversation
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    disk = bench.disk("disk", 1 * MIB, 0x11)
    talk = Conversation(bench, bench.session.open_qemu_io("disk", below=True))
    for line in (
        "read -P 0x11 0 1M",
        "write -P 0x22 64k 64k",
        "read -P 0x22 64k 64k",
        "read -P 0x22 64k 65k",
        "read -q -P 0x22 64k 64k",
        "write -z 128k 64k",
        "write -z -u 256k 64k",
        "discard 512k 64k",
        "flush",
        "length",
        "read 1M 512",
        "write 100 0",
        "bogus",
        "write 0",
    ):
        talk.say(line)
    bench.note("failures of the storage")
    disk.fail("write", "ENOSPC")
    talk.say("write 0 512")
    disk.fail("read", "EIO")
    talk.say("read 0 512")
    bench.note("held: no answer, and no prompt, before the release")
    rule = disk.hold("write", offset=0, length=64 * KIB)
    talk.start("write -q -P 0x33 0 64k")
    (held,) = disk.wait_held()
    bench.say("answered" if talk.answered else "not answered")
    disk.release(held)
    talk.finish()
    bench.note("two under way, released the other way round")
    talk.say("aio_write -P 0x44 0 4k")
    talk.say("aio_write -P 0x55 4k 4k")
    first, second = disk.wait_held(2)
    disk.release(second)
    disk.release(first)
    disk.let_go(rule)
    talk.say("aio_flush")
    talk.say("read -q -P 0x44 0 4k")
    talk.say("read -q -P 0x55 4k 4k")
    bench.note("it ends with 1 once anything failed")
    talk.quit()
