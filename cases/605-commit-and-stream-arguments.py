"""605-commit-and-stream-arguments: what commits below the active layer and streams cannot be asked.

Nothing is changed by what is refused. A command with two mistakes is refused for the first. A stream's filter is there
before its job, a commit's after.

Groups: graph commit stream quick
Needs: block-commit block-stream.bottom blockdev-reopen driver=qcow2 driver=throttle
Source: 040-SD-errors, 030-overlapping_3, QA-04, QA-06, QA-11, TP-42
"""

from typing import Any

from harness.bench import Bench
from harness.graph_unchanged import graph_unchanged
from harness.units import MIB


def run(bench: Bench) -> None:
    bench.execute("object-add", {"qom-type": "throttle-group", "id": "group", "limits": {}})
    bench.chain(5, 1 * MIB)
    bench.overlay("other", 1 * MIB)
    bench.node("filter", "throttle", file="n2", throttle_group="group")
    bench.show_graph()
    with graph_unchanged(bench):
        ask_for_streams(bench)
        ask_for_commits(bench)
    bench.note("somebody may write an image below the active layer: then its commit would be an active one")
    bench.guest("n2")
    with graph_unchanged(bench):
        commit(bench, device="n4", top_node="n2", base_node="n1", backing_file="name")


def ask_for_streams(bench: Bench) -> None:
    bench.note("streams: which images")
    stream(bench, device="nowhere")
    stream(bench, device="n4", base="file", base_node="n1")
    stream(bench, device="n4", base="file", bottom="n1")
    stream(bench, device="n4", bottom="n1", base_node="n1")
    stream(bench, device="nowhere", base="file", base_node="n1")
    stream(bench, device="n4", base="badfile")
    for name in ("nowhere", "other", "n4", "filter"):
        stream(bench, device="n4", base_node=name)
    stream(bench, device="n1", base_node="n2")
    stream(bench, device="filter", base_node="n2")
    for name in ("nowhere", "other", "filter"):
        stream(bench, device="n4", bottom=name)
    stream(bench, device="n1", bottom="n2")
    stream(bench, device="n4", backing_file="name")
    stream(bench, device="n4", bottom="n2", backing_file="name")
    bench.note("streams: how")
    stream(bench, device="n4", on_error="bogus")
    stream(bench, device="n4", job_id="1x", filter_node_name="#a")
    stream(bench, device="n4", speed=-1, filter_node_name="n1")
    stream(bench, device="n4", job_id="1x", speed=-1)
    stream(bench, device="n4", job_id="")
    bench.execute("block-stream", device="n4")
    stream(bench, device="n4", speed=-1)


def ask_for_commits(bench: Bench) -> None:
    bench.note("commits: which images")
    commit(bench, device="n4", top_node="n2", base_node="n2")
    commit(bench, device="n4", top_node="n1", base_node="n2")
    commit(bench, device="n4", top_node="filter")
    commit(bench, device="n2", top_node="n1")
    commit(bench, device="n4", top_node="n0")
    commit(bench, device="other")
    commit(bench, device="filter", top_node="n2", base_node="n1", backing_file="name")
    commit(bench, device="n4", top_node="other")
    commit(bench, device="n4", top_node="n2", base="badfile")
    bench.note("commits: how")
    commit(bench, device="n4", top_node="n2", job_id="1x", filter_node_name="#a")
    commit(bench, device="n4", top_node="n2", job_id="")
    bench.execute("block-commit", device="n4", top_node="n2")
    commit(bench, device="n4", top_node="n2", filter_node_name="n1")
    commit(bench, device="n4", top_node="n2", filter_node_name="#a")
    commit(bench, device="n4", top_node="n2", speed=-1, filter_node_name="n1")


def stream(bench: Bench, **options: Any) -> None:
    bench.execute("block-stream", {"job-id": "job0"}, **options)


def commit(bench: Bench, **options: Any) -> None:
    bench.execute("block-commit", {"job-id": "job0"}, **options)
