"""698-hmp-terminal: the human monitor says the same on a terminal that the program makes.

What ``qemu-io`` prints does not come there: that is standard output (real-qemu D3).

Groups: graph console quick
Needs: hmp-console
Source: real-qemu H
"""

from harness.bench import Bench
from harness.consoles.monitor_talk import talk_about_a_mirror


def run(bench: Bench) -> None:
    talk_about_a_mirror(bench, bench.session.open_monitor(terminal=True))
