"""Other people's programs on the served reference, and on a real qemu-storage-daemon: they must see the same.

Both get the same file, the same options and the same command lines, in folders of their own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.served import SERVE, Program, require, running

pytestmark = [pytest.mark.qemu, pytest.mark.slow]

KIB = 1024
SIZE = 1024 * KIB

Action = Callable[[Program], Any]


def make_image(path: Path) -> None:
    """Data, a hole, data, a longer hole."""
    with path.open("wb") as file:
        file.write(b"\x11" * (128 * KIB))
        file.seek(256 * KIB)
        file.write(b"\x22" * (64 * KIB))
        file.truncate(SIZE)


def on_both(folder: Path, action: Action, *more: str) -> Any:
    """Do something with each of the two; return what both gave, which must be equal."""
    results = {}
    for name, argv in (("real", [require("qemu-storage-daemon")]), ("served", SERVE)):
        place = folder / name
        place.mkdir()
        make_image(place / "disk.img")
        options = [
            *("--blockdev", "driver=file,node-name=disk,filename=disk.img,discard=unmap"),
            *("--export", "nbd,id=e,node-name=disk,name=disk,description=a disk,writable=on"),
            *more,
        ]
        with running(place, argv, options) as program:
            results[name] = action(program)
    assert results["served"] == results["real"]
    return results["served"]


def run(program: Program, *command: str) -> str:
    """What a program prints, with neither the folder nor how long it took."""
    done = subprocess.run(
        command, cwd=program.folder, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL
    )
    text = f"{done.stdout}{done.stderr}status {done.returncode}"
    text = text.replace(str(program.folder), "FOLDER")
    return re.sub(r"ops; .* sec \(.*\)", "ops; TIME", text)


def uri(name: str = "disk") -> str:
    return f"nbd+unix:///{name}?socket=n.sock"


def test_qemu_io_reads_writes_zeroes_discards_and_flushes(tmp_path: Path) -> None:
    tool = require("qemu-io")
    commands = [
        "read -P 0x11 0 128k",
        "read -P 0 128k 128k",
        "write -P 7 4k 8k",
        "write -f -P 8 64k 512",
        "write -z 256k 32k",
        "write -z -u 320k 64k",
        "discard 0 64k",
        "read -P 0 0 64k",
        "read -P 8 64k 512",
        "flush",
        "aio_write -P 3 512k 64k",
        "aio_flush",
        "read -P 3 512k 64k",
        "read 1M 512",
        "write 1M 512",
        "length",
        "map",
        "alloc 0 1M",
    ]
    text = on_both(
        tmp_path, lambda program: run(program, tool, "-f", "raw", uri(), *(x for c in commands for x in ("-c", c)))
    )
    assert "Pattern verification failed" not in text
    assert (tmp_path / "served" / "disk.img").read_bytes() == (tmp_path / "real" / "disk.img").read_bytes()


def test_nbdinfo_tells_flags_sizes_and_description(tmp_path: Path) -> None:
    tool = require("nbdinfo")
    told = json.loads(on_both(tmp_path, lambda program: run(program, tool, "--json", uri())).removesuffix("status 0"))
    (export,) = told["exports"]
    assert export["description"] == "a disk"
    assert export["export-size"] == SIZE
    assert {name for name, value in export.items() if name.startswith("can_") and value} >= {
        "can_cache",
        "can_df",
        "can_fast_zero",
        "can_flush",
        "can_fua",
        "can_multi_conn",
        "can_trim",
        "can_zero",
    }


def test_nbdinfo_lists_all_exports(tmp_path: Path) -> None:
    tool = require("nbdinfo")
    more = ("--blockdev", "null-co,node-name=more,size=65536", "--export", "nbd,id=m,node-name=more")

    def names(program: Program) -> list[str]:
        listed = json.loads(run(program, tool, "--list", "--json", uri("")).removesuffix("status 0"))
        return sorted(export["export-name"] for export in listed["exports"])

    assert on_both(tmp_path, names, *more) == ["disk", "more"]


def test_nbdinfo_map_tells_data_from_holes(tmp_path: Path) -> None:
    tool = require("nbdinfo")

    def maps(program: Program) -> list[str]:
        before = run(program, tool, "--map", uri())
        run(program, require("qemu-io"), "-f", "raw", uri(), "-c", "discard 0 64k", "-c", "write 512k 64k")
        return [before, run(program, tool, "--map", uri()), run(program, tool, "--map", "--totals", uri())]

    before, after, _ = on_both(tmp_path, maps)
    assert [line.split()[:3] for line in before.splitlines()[:-1]] == [
        ["0", "131072", "0"],
        ["131072", "131072", "3"],
        ["262144", "65536", "0"],
        ["327680", "720896", "3"],
    ]
    assert after.splitlines()[0].split()[:3] == ["0", "65536", "3"]


def test_nbdinfo_map_shows_a_dirty_bitmap(tmp_path: Path) -> None:
    tool = require("nbdinfo")

    def dirty(program: Program) -> str:
        monitor = program.qmp()
        monitor.execute("block-dirty-bitmap-add", node="disk", name="changes", granularity=65536)
        given = {"type": "nbd", "id": "b", "name": "changed", "writable": True, "bitmaps": ["changes"]}
        assert monitor.execute("block-export-add", node_name="disk", **given) == {"return": {}}
        monitor.close()
        run(program, require("qemu-io"), "-f", "raw", uri(), "-c", "write 100k 8k")
        return run(program, tool, "--map=qemu:dirty-bitmap:changes", uri("changed"))

    lines = on_both(tmp_path, dirty).splitlines()
    assert [line.split()[:3] for line in lines[:-1]] == [
        ["0", "65536", "0"],
        ["65536", "65536", "1"],
        ["131072", str(SIZE - 131072), "0"],
    ]


def test_nbdcopy_out_and_in_copies_every_byte(tmp_path: Path) -> None:
    tool = require("nbdcopy")

    def copy(program: Program) -> list[str]:
        out = run(program, tool, uri(), "copy.img")
        (program.folder / "new.img").write_bytes(bytes(range(256)) * (SIZE // 256))
        return [out, run(program, tool, "--flush", "new.img", uri())]

    assert on_both(tmp_path, copy) == ["status 0", "status 0"]
    for name in ("real", "served"):
        assert (tmp_path / name / "disk.img").read_bytes() == bytes(range(256)) * (SIZE // 256)
        assert (tmp_path / name / "copy.img").read_bytes()[:KIB] == b"\x11" * KIB


def test_qemu_img_info_map_compare_and_convert(tmp_path: Path) -> None:
    tool = require("qemu-img")

    def all_of_them(program: Program) -> list[str]:
        return [
            run(program, tool, "info", "--output=json", uri()),
            run(program, tool, "map", "--output=json", "-f", "raw", uri()),
            run(program, tool, "convert", "-f", "raw", "-O", "qcow2", uri(), "copy.qcow2"),
            run(program, tool, "compare", "-f", "raw", "-F", "qcow2", uri(), "copy.qcow2"),
            run(program, tool, "map", "--output=json", "copy.qcow2"),
            run(program, tool, "convert", "-n", "-f", "qcow2", "-O", "raw", "copy.qcow2", uri()),
            run(program, tool, "compare", "-f", "raw", "-F", "raw", uri(), "disk.img"),
        ]

    shown = on_both(tmp_path, all_of_them)
    assert "Images are identical." in shown[3]
    assert [each["data"] for each in json.loads(shown[1].removesuffix("status 0"))] == [True, False, True, False]


def test_qmp_shell_talks_to_it(tmp_path: Path) -> None:
    shell = os.path.join(os.path.dirname(sys.executable), "qmp-shell")
    if not os.path.exists(shell):
        shell = require("qmp-shell")

    def talk(program: Program) -> list[str]:
        commands = "query-jobs\nblockdev-add driver=null-co node-name=made size=65536\nblockdev-del node-name=nope\n"
        done = subprocess.run(
            [shell, "q.sock"],
            cwd=program.folder,
            input=commands,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [line for line in done.stdout.splitlines() if line.startswith(("(QEMU) {", "{"))]

    lines = [line.removeprefix("(QEMU) ") for line in on_both(tmp_path, talk)]
    assert [json.loads(line.replace("'", '"')) for line in lines[:2]] == [{"return": []}, {"return": {}}]
    assert "Failed to find node" in lines[2]


def test_commands_about_exports_are_answered_as_by_a_real_program(tmp_path: Path) -> None:
    def ask(program: Program) -> list[Any]:
        monitor = program.qmp()
        given: list[tuple[str, dict[str, Any]]] = [
            ("nbd-server-start", {"addr": {"type": "unix", "data": {"path": "x.sock"}}}),
            ("block-export-add", {"type": "nbd", "id": "e", "node-name": "disk"}),
            ("block-export-add", {"type": "nbd", "id": "1", "node-name": "disk"}),
            ("block-export-add", {"type": "nbd", "id": "f", "node-name": "nope"}),
            ("block-export-add", {"type": "nbd", "id": "f", "node-name": "disk"}),
            ("block-export-add", {"type": "nbd", "id": "f", "node-name": "disk", "name": "f", "bitmaps": ["nope"]}),
            ("block-export-add", {"type": "nbd", "id": "f", "node-name": "disk", "name": "x" * 4097}),
            ("block-dirty-bitmap-add", {"node": "disk", "name": "bitmap"}),
            ("block-export-add", {"type": "nbd", "id": "f", "node-name": "disk", "name": "f", "bitmaps": ["bitmap"]}),
            (
                "block-export-add",
                {"type": "nbd", "id": "f", "node-name": "disk", "name": "f", "writable": True, "bitmaps": ["bitmap"]},
            ),
            ("block-dirty-bitmap-remove", {"node": "disk", "name": "bitmap"}),
            ("query-block-exports", {}),
            ("blockdev-del", {"node-name": "disk"}),
            ("block-export-del", {"id": "nope"}),
            ("block-export-del", {"id": "f"}),
            ("block-dirty-bitmap-remove", {"node": "disk", "name": "bitmap"}),
            ("block-export-del", {"id": "e", "mode": "hard"}),
            ("query-block-exports", {}),
            ("nbd-server-stop", {}),
            ("nbd-server-stop", {}),
            ("block-export-add", {"type": "nbd", "id": "f", "node-name": "disk"}),
            ("nbd-server-start", {"addr": {"type": "unix", "data": {"path": "/nonexistent/x"}}}),
            ("object-add", {"qom-type": "throttle-group", "id": "g", "limits": {"iops-total": 10}}),
            ("object-add", {"qom-type": "throttle-group", "id": "g"}),
            ("blockdev-add", {"driver": "throttle", "node-name": "t", "throttle-group": "g", "file": "disk"}),
            ("object-del", {"id": "g"}),
            ("blockdev-del", {"node-name": "t"}),
            ("object-del", {"id": "g"}),
        ]
        replies = [monitor.execute(name, **arguments) for name, arguments in given]
        monitor.execute("query-jobs")
        events = [event["event"] for event in monitor.events]
        monitor.close()
        return [replies, events]

    replies, events = on_both(tmp_path, ask)
    assert events == ["BLOCK_EXPORT_DELETED", "BLOCK_EXPORT_DELETED"]
    assert {"return": {}} in replies
