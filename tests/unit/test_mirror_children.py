"""Both disks as children of the mirror's filter: the layout that QEMU has not got, beside the one that it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness import cli
from harness.implementations import parse
from harness.implementations.base import Event, Session
from harness.storage import HeldStorage

SUITE = Path(__file__).parents[2]
SPEC = "reference:both-children"
SIZE = 1 << 20


def open_mirror(folder: Path, spec: str) -> Session:
    session = parse(spec).open(folder)
    session.attach("source", HeldStorage("source", SIZE))
    session.attach("target", HeldStorage("target", SIZE))
    session.open_guest("source")
    arguments = {"job-id": "job0", "device": "source", "target": "target", "sync": "full", "filter-node-name": "filter"}
    assert ask(session, "blockdev-mirror", **arguments) == {"return": {}}
    return session


def ask(session: Session, name: str, **arguments: Any) -> dict[str, Any]:
    pending = session.submit_command(name, arguments)
    session.wait(lambda: pending.done, f"the reply to {name}")
    assert pending.reply is not None
    return pending.reply


def edges(session: Session) -> set[tuple[str, str, str]]:
    graph = ask(session, "x-debug-query-block-graph")["return"]
    names = {node["id"]: node["name"] or "user" for node in graph["nodes"]}
    return {(names[edge["parent"]], edge["name"], names[edge["child"]]) for edge in graph["edges"]}


def test_filter_has_both_disks_as_children_and_nobody_else_writes_the_target(tmp_path: Path) -> None:
    session = open_mirror(tmp_path, SPEC)
    assert {edge for edge in edges(session) if edge[0] in ("filter", "user")} == {
        ("user", "root", "filter"),
        ("filter", "file", "source"),
        ("filter", "target", "target"),
    }


def test_filter_of_the_default_layout_has_the_source_only(tmp_path: Path) -> None:
    session = open_mirror(tmp_path, "reference")
    assert {edge for edge in edges(session) if edge[0] in ("filter", "user")} == {
        ("user", "root", "filter"),
        ("user", "root", "target"),
        ("filter", "backing", "source"),
    }


@pytest.mark.parametrize(("end", "left"), [("job-complete", "target"), ("job-cancel", "source")])
def test_end_leaves_the_guest_over_one_disk_and_nothing_of_the_filter(tmp_path: Path, end: str, left: str) -> None:
    session = open_mirror(tmp_path, SPEC)
    session.wait(lambda: Event("BLOCK_JOB_READY", session.events[-1].data) == session.events[-1], "READY")
    assert ask(session, end, id="job0") == {"return": {}}
    session.wait(lambda: session.events[-1].data.get("status") == "null", "the end")
    assert edges(session) == {("user", "root", left)}


def test_layout_is_a_feature_of_its_own() -> None:
    feature = "blockdev-mirror+both-children"
    assert feature in parse(SPEC).probe().features
    assert feature not in parse("reference").probe().features


@pytest.mark.slow
def test_all_graph_cases_pass_on_both_layouts(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "--suite", str(SUITE), "--impl", "reference", "--impl", SPEC, "6xx", "164", "861"]
    assert cli.main(arguments) == 0, capsys.readouterr().out
