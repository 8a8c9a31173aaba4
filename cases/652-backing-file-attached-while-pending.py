"""652-backing-file-attached-while-pending: what is put below the target of a pending mirror is what the guest gets.

The target has been opened without a backing file. While the job waits to be finalized, the backing file is attached by
reopening the target, or by a snapshot: in both ways the job takes the target as it then is.

Groups: chains graph quick
Needs: blockdev-reopen blockdev-snapshot driver=qcow2 driver=null-co
Source: 155-BR-full, 155-BR-top, 155-BR-none, 155-BS-full, 155-BS-top, 155-BS-none, BF-11
"""

from harness.bench import Bench
from harness.image_files import attach_backing
from harness.pending_mirror import pending_mirror, written_chain

COMMANDS = {"BR": "blockdev-reopen", "BS": "blockdev-snapshot"}


def run(bench: Bench) -> None:
    bench.hide_pauses("every change of the graph drains what it changes")
    written_chain(bench, "back0", "back1", "back2", "source")
    for sync in ("full", "top", "none"):
        for kind, command in COMMANDS.items():
            bench.note(f"{kind}-{sync}")
            with pending_mirror(bench, f"{kind}-{sync}", sync) as (target, zeroes):
                bench.show_chain(target)
                attach_backing(bench, target, zeroes, command)
                bench.show_chain(target)
