"""613-implicit-filter-stays: who is above a filter that nobody named is above what the filter filters, for the user.

To say that the image there is the backing file changes nothing, to say another is refused, be the link frozen or not.

Groups: graph commit stream quick
Needs: block-commit block-stream.bottom blockdev-reopen driver=qcow2
Source: 245-block_commit_1, 040-SD-implicit_node
"""

from harness.bench import Bench
from harness.graph_unchanged import graph_unchanged
from harness.units import MIB


def run(bench: Bench) -> None:
    bench.chain(4, 1 * MIB)
    jobs = {
        "block-commit": {"device": "n3", "top-node": "n2", "base-node": "n1"},
        "block-stream": {"device": "n2", "bottom": "n1"},
    }
    for command, options in jobs.items():
        bench.execute(command, {"job-id": "job0", "auto-finalize": False} | options)
        bench.wait_event("BLOCK_JOB_PENDING")
        with graph_unchanged(bench):
            for backing in (None, "n1", "n2"):
                option = {"driver": "qcow2", "node-name": "n3", "file": "n3-file", "backing": backing}
                bench.execute("blockdev-reopen", options=[option])
        bench.show_graph()
        bench.execute("job-cancel", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain("n3")
