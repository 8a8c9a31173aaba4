"""162-drive-mirror-errors: what drive-mirror refuses, in which words, and which files it leaves behind.

A file is made before most arguments are looked at, so a refused command may leave one (QD-08). Which arguments are
looked at before is part of what is shown.

Groups: job drive qmp quick
Needs: drive-mirror
Source: QD-01, QD-02, QD-03, QD-04, QD-05, QD-07, QD-08, QD-09, QD-10, 041-A-image_not_found, 041-A-device_not_found,
    041-N-no_node_name, 041-N-image_not_found, 041-L-absolute_paths_none, TP-52
"""

from typing import Any

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    bench.disk("source", 64 * KIB, 0x11)
    (bench.folder / "there.img").write_bytes(bytes(64 * KIB))
    (bench.folder / "short.img").write_bytes(bytes(512))

    def refuse(**changes: Any) -> None:
        arguments = {"job_id": "job0", "device": "source", "target": "t.img", "sync": "full", "format": "raw"} | changes
        given = {name.replace("_", "-"): value for name, value in arguments.items() if value is not ...}
        bench.execute("drive-mirror", given)
        bench.wait_until(lambda: bench.job().get("status") in ("ready", None), "the job to be ready or gone")
        if bench.job():
            bench.execute("job-cancel", id="job0")
            bench.wait_until(lambda: not bench.job(), "the job to be gone")
        made = bench.folder / "t.img"
        if made.exists():
            bench.say(f"t.img has been made, of {made.stat().st_size} bytes")
            made.unlink()

    bench.note("where the file cannot be")
    refuse(target="/nonexistent/x")
    refuse(target="")
    refuse(target="missing.img", mode="existing")
    refuse(target="missing.img", mode="existing", format=...)
    refuse(target="short.img", mode="existing")
    bench.note("a file that somebody uses through another node")
    used = bench.file("used", 64 * KIB)
    refuse(target="used.img", mode="existing")
    bench.guest(used)
    refuse(target="used.img")
    refuse(target="used.img", mode="existing")
    bench.note("formats and modes")
    refuse(format="foo")
    refuse(format="foo", mode="existing", target="there.img")
    refuse(mode="foo")
    refuse(mode="existing", target="there.img", format=...)
    refuse(sync="none")
    refuse(sync="none", mode="existing", target="there.img")
    bench.note("node names")
    refuse(node_name="source")
    refuse(node_name="1x")
    refuse(replaces="source")
    refuse(replaces="nonexistent", node_name="new")
    refuse(replaces="source", node_name="new")
    bench.note("what blockdev-mirror has and this has not")
    refuse(filter_node_name="filter")
    refuse(target_is_zero=True)
    bench.note("arguments that are found wrong only when the file is there")
    for name, value in (
        ("granularity", 1),
        ("granularity", 513),
        ("granularity", 128 * MIB),
        ("buf_size", -1),
        ("speed", -1),
        ("sync", "bitmap"),
        ("job_id", "1x"),
        ("job_id", ...),
    ):
        refuse(**{name: value})
    bench.note("and those that are found wrong before")
    for name, value in (
        ("device", "nonexistent"),
        ("device", ...),
        ("target", ...),
        ("sync", ...),
        ("granularity", -1),
        ("speed", "x"),
        ("unmap", "x"),
        ("sync", "bogus"),
        ("copy_mode", "bogus"),
        ("auto_dismiss", 1),
    ):
        refuse(**{name: value})
    bench.say(f"nodes: {[node['node-name'] for node in bench.query('query-named-block-nodes')]}")
    for name in ("there.img", "short.img"):
        (bench.folder / name).unlink()
