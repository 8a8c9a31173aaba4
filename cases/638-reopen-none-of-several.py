"""638-reopen-none-of-several: when the first of several nodes cannot be reopened as asked, none is.

Groups: graph quick
Needs: blockdev-reopen driver=qcow2
Source: 155-BR, UG-3
"""

from harness.bench import Bench
from harness.graph_unchanged import graph_unchanged
from harness.units import MIB


def run(bench: Bench) -> None:
    base = bench.overlay("base", 1 * MIB)
    middle = bench.overlay("middle", 1 * MIB, backing=base)
    top = bench.overlay("top", 1 * MIB, backing=middle)
    guest = bench.guest(top)
    impossible = {"driver": "qcow2", "node-name": middle, "file": "base-file", "backing": base}
    possible = {"driver": "qcow2", "node-name": top, "file": "top-file", "backing": None}
    with graph_unchanged(bench):
        bench.execute("blockdev-reopen", options=[impossible, possible])
    guest.read(0, 1 * MIB)
