"""696-hmp-stdio: a whole talk with the human monitor on the program's standard input and output.

The program's own output, such as what ``qemu-io`` does, comes in the same stream.

Groups: graph console quick
Needs: hmp-console
Source: real-qemu H
"""

from harness.bench import Bench
from harness.consoles.monitor_talk import talk_about_a_mirror


def run(bench: Bench) -> None:
    talk_about_a_mirror(bench, bench.session.open_monitor())
