"""692-qemu-io-terminal: on a terminal qemu-io says the same, behind a line that it draws anew with every key.

Groups: graph console quick
Needs: qemu-io-console
Source: real-qemu H
"""

from harness.bench import Bench
from harness.consoles.conversation import Conversation
from harness.units import MIB


def run(bench: Bench) -> None:
    disk = bench.disk("disk", 1 * MIB, 0x11)
    talk = Conversation(bench, bench.session.open_qemu_io("disk", below=True, terminal=True))
    talk.say("write -P 0x22 64k 64k")
    talk.say("read -P 0x22 64k 64k")
    talk.say("read -q -P 0x11 0 64k")
    talk.say("length")
    bench.note("a line of more characters than a terminal is wide")
    talk.say("write -q -P 0x33 " + "0" * 80 + "0 64k")
    disk.hold("write")
    talk.start("write -q -P 0x44 128k 64k")
    (held,) = disk.wait_held()
    bench.say("answered" if talk.answered else "not answered")
    disk.release(held)
    talk.finish()
    bench.note("it ends with 0 when nothing failed")
    talk.quit()
