"""641-commit-by-file-name: commits and streams find images by the names of their files, relative to what names them.

A name is taken from where the image is that is above: as that image says it, or as a path from its folder. Where an
image has another backing file than it says, only that one's own name counts.

Groups: commit stream quick
Needs: block-commit block-stream.bottom blockdev-reopen driver=qcow2 driver=file
Source: 040-RP-top_is_active, 040-OB-commit_to_a
"""

from typing import Any

from harness.bench import Bench
from harness.graph_unchanged import graph_unchanged
from harness.image_files import ImageFiles
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    files = ImageFiles(bench)
    files.raw("base", 1 * MIB, 0x11)
    files.make("middle", 1 * MIB, backing="base.img", backing_format="raw")
    files.make("top", 1 * MIB, backing="./middle.img")
    files.make("other", 1 * MIB)
    files.open("other", "other.img")
    files.open("top", "top.img")
    guest = bench.guest("top")
    guest.write(0, 64 * KIB, 0x22)
    bench.show_chain("top")
    with graph_unchanged(bench):
        for base in ("nowhere.img", "other.img", "top.img", "nowhere/base.img", "../nowhere/base.img", ""):
            commit(bench, base=base)
        for top in ("nowhere.img", "other.img", "./nowhere.img"):
            commit(bench, top=top)
        bench.execute("block-stream", job_id="job0", device="top", base="other.img")
    start_and_cancel(bench, base="base.img")
    start_and_cancel(bench, base="./base.img")
    start_and_cancel(bench, base="middle.img")
    start_and_cancel(bench, base="./middle.img")
    start_and_cancel(bench, top="top.img", base="base.img")
    start_and_cancel(bench, top="middle.img", base="base.img")
    for top in ("./middle.img", "./top.img"):
        commit(bench, top=top, base="nowhere.img")
    bench.note("another backing file than the image says")
    bench.execute("blockdev-reopen", options=[option("top", "other")])
    with graph_unchanged(bench):
        commit(bench, base="middle.img")
        commit(bench, base="./other.img")
    start_and_cancel(bench, base="other.img")
    bench.execute("blockdev-del", node_name="other")


def option(name: str, backing: str) -> dict[str, Any]:
    file = {"driver": "file", "filename": f"{name}.img"}
    return {"driver": "qcow2", "node-name": name, "file": file, "backing": backing}


def commit(bench: Bench, **options: str) -> dict[str, Any]:
    return bench.execute("block-commit", job_id="job0", device="top", auto_finalize=False, **options)


def start_and_cancel(bench: Bench, **options: str) -> None:
    if "error" not in commit(bench, **options):
        bench.execute("job-cancel", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
