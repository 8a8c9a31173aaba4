"""The classes that a machine is made of, each of which can be exchanged.

A mutant is the reference with one known bug put back: a subclass that overrides one method, or a table with one cell
flipped, handed to `Machine` in place of the right one. Nothing in the classes themselves knows of that.
"""

from __future__ import annotations

from dataclasses import dataclass

from reference_impl.backend import Backend
from reference_impl.commit import CommitJob
from reference_impl.dirty_bitmap import DirtyBitmap
from reference_impl.graph import Graph
from reference_impl.hbitmap import HBitmap
from reference_impl.job_commands import JobCommands
from reference_impl.mirror_commands import MirrorCommands, MirrorParts
from reference_impl.storage_node import StorageNode


@dataclass(frozen=True, slots=True)
class Parts(MirrorParts):
    """Which class plays which part; the defaults are the reference as it should be.

    :ivar bitmap: users' bitmaps; a mirror's own comes with its filter's class.
    :ivar hbitmap: the hierarchical bitmap that is shown by itself; a mirror's own comes with its filter's class.
    """

    graph: type[Graph] = Graph
    backend: type[Backend] = Backend
    storage_node: type[StorageNode] = StorageNode
    mirror_commands: type[MirrorCommands] = MirrorCommands
    job_commands: type[JobCommands] = JobCommands
    bitmap: type[DirtyBitmap] = DirtyBitmap
    hbitmap: type[HBitmap] = HBitmap
    commit_job: type[CommitJob] = CommitJob
