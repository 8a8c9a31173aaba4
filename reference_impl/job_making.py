"""What starting any kind of job begins with. Source: QA-04, QD-10, QS-09."""

from __future__ import annotations

from collections.abc import Collection

from reference_impl.graph import Graph, Node
from reference_impl.node_making import IDENTIFIER
from reference_impl.qmp_errors import QmpError


def choose_job_id(graph: Graph, taken: Collection[str], given: str | None, node: Node) -> str:
    """The id of a new job on a node.

    Without an id, a job is named after the drive above its node (QD-10); not all nodes have one, and an empty id is
    not a good one (QA-04).

    :raise QmpError: when it is malformed or taken.
    """
    job_id = _drive_of(graph, node) if given is None else given
    if not IDENTIFIER.fullmatch(job_id):
        raise QmpError(f"Invalid job ID '{job_id}'")
    if job_id in taken:
        raise QmpError(f"Job ID '{job_id}' already in use")
    return job_id


def _drive_of(graph: Graph, node: Node) -> str:
    """The drive above a node; empty if there is none."""
    above = (name for name, drive in graph.drives.items() if drive.edge in node.parents)
    return next(above, "")
