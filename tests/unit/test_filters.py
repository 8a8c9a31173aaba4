"""What is taken out of transcripts, and that nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from harness import filters


@pytest.mark.parametrize(
    ("value", "normal"),
    [
        ("#block123", "#blockNNN"),
        ("Node '#block1' is busy, and #block99999 too", "Node '#blockNNN' is busy, and #blockNNN too"),
        ("#block", "#block"),
        ("block123", "block123"),
        ({"node-name": "#block7", "n": 7}, {"node-name": "#blockNNN", "n": 7}),
        ([{"a": ["#block7"]}, None, True, 1.5], [{"a": ["#blockNNN"]}, None, True, 1.5]),
        (("#block7",), ["#blockNNN"]),
    ],
)
def test_generated_names_are_replaced_anywhere(value: Any, normal: Any) -> None:
    assert filters.normalize(value) == normal


def test_names_of_members_are_left_alone() -> None:
    assert filters.normalize({"#block7": 1}) == {"#block7": 1}


def test_job_is_shown_without_what_lawfully_differs() -> None:
    info = {"busy": True, "actively-synced": False, "status": "ready", "len": 5}
    assert filters.block_job_info(info) == {"status": "ready", "len": 5}
    assert "busy" in info


def test_every_dropped_member_has_its_reason() -> None:
    assert all(len(reason.split()) > 5 for reason in filters.DROPPED_MEMBERS.values())


def test_canonical_form_sorts_members_and_keeps_elements_and_letters() -> None:
    assert filters.canonical({"b": [2, 1], "a": "\N{EURO SIGN}"}) == '{"a": "\N{EURO SIGN}", "b": [2, 1]}'
    assert filters.canonical({}) == "{}"
