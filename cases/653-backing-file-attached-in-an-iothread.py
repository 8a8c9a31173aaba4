"""653-backing-file-attached-in-an-iothread: a backing file attached to a pending target is taken along to its iothread.

As 652, with a source that lives in an iothread: the target and the backing file follow it there.

Groups: chains graph iothread
Needs: blockdev-reopen blockdev-snapshot driver=qcow2 driver=null-co qom-type=iothread x-blockdev-set-iothread
Source: 155-BRI-full, 155-BRI-top, 155-BRI-none, 155-BSI-full, 155-BSI-top, 155-BSI-none
"""

from harness.bench import Bench
from harness.image_files import attach_backing
from harness.pending_mirror import pending_mirror, written_chain

COMMANDS = {"BRI": "blockdev-reopen", "BSI": "blockdev-snapshot"}


def run(bench: Bench) -> None:
    bench.hide_pauses("every change of the graph drains what it changes")
    bench.execute("object-add", {"qom-type": "iothread", "id": "thread0"})
    written_chain(bench, "back0", "source")
    for sync in ("full", "top", "none"):
        for kind, command in COMMANDS.items():
            bench.note(f"{kind}-{sync}")
            bench.execute("x-blockdev-set-iothread", node_name="source", iothread="thread0")
            with pending_mirror(bench, f"{kind}-{sync}", sync) as (target, zeroes):
                attach_backing(bench, target, zeroes, command)
