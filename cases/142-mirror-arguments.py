"""142-mirror-arguments: each argument of blockdev-mirror is checked for its type and its value, in QEMU's words.

What is missing, of the wrong type, out of range, none of an enumeration, or not an argument at all. A refusal leaves
nothing behind; the few that come after the job was made show that it was.

Groups: job qmp quick
Source: QA-01, QA-02, QA-03, QA-04, QA-06, QA-07, QA-08, QA-09, QA-10, QA-12, QA-13, QA-14, QA-16,
    041-N-wrong_sync_mode, 041-B-device_not_found, 041-B-mirror_to_self, 041-N-device_not_found,
    041-O-no_job_id, 041-O-failing_permissions,
    TP-21, TP-30, BF-28
"""

from typing import Any

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 64 * KIB, 0x11)
    target = bench.disk("target", 64 * KIB)
    read_only = bench.disk("read-only", 64 * KIB, read_only=True)
    arguments: dict[str, Any] = {"job-id": "job0", "device": "source", "target": "target", "sync": "full"}

    def refuse(**changes: Any) -> None:
        bench.execute("blockdev-mirror", arguments, **changes)

    bench.note("what must be there")
    for name in arguments:
        bench.execute("blockdev-mirror", {key: value for key, value in arguments.items() if key != name})
    bench.execute("blockdev-mirror")
    bench.note("nodes")
    for name in ("nonexistent", "", "job0", "#block001"):
        refuse(device=name)
        refuse(target=name)
    refuse(target=source.name)
    refuse(target=read_only.name)
    bench.note("strings that are none")
    for name in ("job_id", "device", "target", "replaces", "sync", "filter_node_name", "copy_mode", "on_source_error"):
        for value in (1, None, True):
            refuse(**{name: value})
    bench.note("enumerations")
    for name in ("sync", "on_source_error", "on_target_error", "copy_mode"):
        for value in ("bogus", "", "FULL"):
            refuse(**{name: value})
    refuse(sync="incremental")
    refuse(sync="bitmap")
    bench.note("integers")
    for name in ("speed", "buf_size", "granularity"):
        for value in ("x", "1", 1.5, True, None, 2**63, 2**64, -(2**63) - 1, -1):
            refuse(**{name: value})
    for value in (1, 2, 511, 513, 1000, 3 * MIB, 64 * MIB + 1, 128 * MIB, 2**32 - 1, 2**32, 2**31):
        refuse(granularity=value)
    bench.note("booleans")
    for name in ("auto_finalize", "auto_dismiss"):
        for value in ("yes", 1, None):
            refuse(**{name: value})
    bench.note("what is no argument")
    refuse(unmap=True)
    refuse(bogus=1)
    refuse(force=True)
    bench.note("nothing is left")
    bench.say(f"jobs: {bench.query('query-jobs')}")
    bench.say(f"nodes: {sorted(node['node-name'] for node in bench.query('query-named-block-nodes'))}")
    bench.mirror(source, target)
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-cancel", id="job0")
