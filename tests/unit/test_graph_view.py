"""The block graph in transcripts and as a picture: ids, order and generated names do not show."""

from __future__ import annotations

from typing import Any

from harness import filters, graph_view

DRIVERS = {"top": "qcow2", "#block123": "mirror_top", "base": "raw", "top-file": "nbd"}


def graph(*, ids: int = 1, reverse: bool = False) -> dict[str, Any]:
    names = [("block-driver", "#block123"), ("block-driver", "top"), ("block-driver", "base"), ("block-job", "job0")]
    names += [("block-driver", "top-file"), ("block-backend", "")]
    number = {name: ids + index for index, (_, name) in enumerate(names)}
    edges = [
        edge(number, "", "root", "#block123", ["write", "consistent-read"]),
        edge(number, "#block123", "backing", "top", []),
        edge(number, "top", "backing", "base", ["consistent-read"]),
        edge(number, "top", "file", "top-file", ["consistent-read"], ["consistent-read"]),
        edge(number, "job0", "source", "top", []),
    ]
    nodes = [{"id": number[name], "type": kind, "name": name} for kind, name in names]
    return {"nodes": nodes, "edges": edges[::-1] if reverse else edges}


def edge(
    number: dict[str, int], parent: str, role: str, child: str, needed: list[str], shared: list[str] | None = None
) -> dict[str, Any]:
    everything = ["resize", "write-unchanged", "write", "consistent-read", "graph-mod"]
    ids = {"parent": number[parent], "child": number[child], "name": role}
    return ids | {"perm": needed, "shared-perm": everything if shared is None else shared}


def test_description_names_users_and_permissions() -> None:
    assert graph_view.describe(graph(), DRIVERS) == [
        "job job0 -source-> top needs nothing, shares everything",
        "mirror_top -backing-> top needs nothing, shares everything",
        "top -backing-> base needs consistent-read, shares everything",
        "top -file-> top-file needs consistent-read, shares consistent-read",
        "user -root-> mirror_top needs consistent-read+write, shares everything",
    ]


def test_description_and_picture_do_not_depend_on_ids_and_order() -> None:
    other = graph(ids=94_000_000_000, reverse=True)
    assert graph_view.describe(other, DRIVERS) == graph_view.describe(graph(), DRIVERS)
    assert graph_view.dot(other, DRIVERS) == graph_view.dot(graph(), DRIVERS)


def test_picture_has_a_shape_for_each_kind() -> None:
    picture = graph_view.dot(graph(), DRIVERS)
    assert picture.startswith("digraph block_graph {\n")
    assert picture.endswith("}\n")
    assert '[shape=box, label="top\\nqcow2"];' in picture
    assert '[shape=ellipse, label="job job0"];' in picture
    assert '[shape=house, label="user"];' in picture


def test_chain_ends_at_an_image_with_nothing_below_it() -> None:
    whole = graph()
    assert graph_view.chain(whole, DRIVERS, "mirror_top") == "top (backing), base (backing)"
    alone = {"nodes": whole["nodes"], "edges": [item for item in whole["edges"] if item["name"] == "file"]}
    assert graph_view.chain(alone, DRIVERS, "top") == "nothing"


def test_pauses_are_hidden_and_other_changes_of_state_are_not() -> None:
    pauses = filters.Pauses()
    states = ["created", "running", "paused", "running", "ready", "standby", "ready", "waiting"]
    shown = [state for state in states if not pauses.hides("JOB_STATUS_CHANGE", {"id": "job0", "status": state})]
    assert shown == ["created", "running", "ready", "waiting"]
    assert not pauses.hides("BLOCK_JOB_READY", {"device": "job0"})
