"""144-argument-order: of several mistakes, the one that is found first is told.

Arguments are decoded in the order of the schema, and unknown ones last; then the nodes, granularity, what is to be
replaced, the sync mode, the buffer, the same node twice, the filter's name, the job's id; then the job is made, and its
speed and the target's permissions are looked at.

Groups: job qmp quick
Source: QA-01, QA-02, QA-03, QA-04, QA-05, QA-06, QA-07, QA-08, QA-11
"""

from typing import Any

from harness.bench import Bench
from harness.units import KIB

MISTAKES: tuple[tuple[str, Any], ...] = (
    # in the order in which they are found; the last of them first does no harm to those before
    ("job_id", 1),
    ("device", 1),
    ("target", 1),
    ("sync", "bogus"),
    ("granularity", -1),
    ("copy_mode", "bogus"),
    ("auto_dismiss", "x"),
    ("bogus", 1),
    ("device", "nonexistent"),
    ("target", "nonexistent"),
    ("granularity", 1),
    ("replaces", "nonexistent"),
    ("sync", "bitmap"),
    ("buf_size", -1),
    ("target", "source"),
    ("filter_node_name", "1x"),
    ("job_id", "1x"),
    ("speed", -1),
    ("target", "read-only"),
)


def run(bench: Bench) -> None:
    bench.disk("source", 64 * KIB, 0x11)
    bench.disk("target", 64 * KIB)
    bench.disk("read-only", 64 * KIB, read_only=True)
    for first in range(len(MISTAKES)):
        arguments: dict[str, Any] = {"job_id": "job0", "device": "source", "target": "target", "sync": "full"}
        # The first mistake of each argument counts, from this one on.
        arguments |= dict(reversed(MISTAKES[first:]))
        bench.note(f"from {MISTAKES[first][0]} = {MISTAKES[first][1]!r} on")
        bench.execute("blockdev-mirror", **arguments)
