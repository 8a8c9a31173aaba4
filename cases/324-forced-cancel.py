"""324-forced-cancel: a forced cancel takes back nothing that was acknowledged; later writes reach the source only.

It comes while nothing is under way.

Groups: active held quick
Needs: copy-mode=write-blocking
Source: GAP-04, QE-03, BF-18, C27, TP-03
"""

from harness.bench import Bench
from harness.forced_cancel import mirror_with_acknowledged_writes, show_what_is_left


def run(bench: Bench) -> None:
    _, target, guest = mirror_with_acknowledged_writes(bench)
    bench.execute("block-job-cancel", device="job0", force=True)
    show_what_is_left(bench, target, guest)
