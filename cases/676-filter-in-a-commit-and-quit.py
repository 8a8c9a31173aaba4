"""676-filter-in-a-commit-and-quit: a filter put into the chain of an active commit does no harm when the program quits.

Groups: graph commit quit quick
Needs: quit block-commit blockdev-reopen driver=qcow2 driver=throttle
Source: 040-SD-commit_with_filter_and_quit
"""

from harness.bench import Bench
from harness.units import KIB

SIZE = 256 * KIB


def run(bench: Bench) -> None:
    bench.hide_pauses("every version drains in its own way when it quits")
    bench.execute("object-add", {"qom-type": "throttle-group", "id": "group", "limits": {}})
    below = None
    for name in ("base", "middle", "top"):
        if below == "middle":
            below = bench.node("filter", "throttle", file="middle", throttle_group="group")
        bench.overlay(name, SIZE, backing=below)
        bench.guest(name).write(0, SIZE, 0x11)
        bench.close_guest(name)
        below = name
    bench.execute("block-commit", job_id="job0", device="top")
    bench.wait_event("BLOCK_JOB_READY")
    bench.note("another filter while the job runs")
    bench.node("late", "throttle", file="middle", throttle_group="group")
    bench.show_chain("top")
    bench.quit()
