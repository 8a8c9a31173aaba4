"""The schema holds for what cases say and what comes back: every command that a golden shows accepted, and every event.

Goldens are what real programs print as well, so this holds the schema against those. Cases that the reference skips may
say what it has not: iothreads, say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.implementations.reference import Reference
from harness.suite import Suite
from reference_impl.schema import COMMANDS, EVENTS, SERVER_COMMANDS
from reference_impl.visitor import check_output, decode_arguments

FEATURES = Reference().probe().features

SUITE = Suite.find()

GOLDENS = [
    path
    for case in SUITE.cases()
    if set(case.needs) <= FEATURES
    for path in sorted(SUITE.goldens.folder.glob(f"{case.id}.*out"))
]

ALL_COMMANDS = COMMANDS | SERVER_COMMANDS

_COMMAND = re.compile(r"-> (?P<name>\S+) (?P<arguments>\{.*\})")
_EVENT = re.compile(r"event (?P<name>[A-Z_]+) (?P<data>\{.*\})")
_HIDDEN_MEMBERS = re.compile(r"# (?P<names>\S+(?: and \S+)*) of events are not shown")


def accepted_commands(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The commands that succeeded, with their arguments, and those whose reply is not in the order of the commands."""
    under_way: list[tuple[str, dict[str, Any]]] = []
    for line in text.splitlines():
        if match := _COMMAND.fullmatch(line):
            under_way.append((match["name"], json.loads(match["arguments"])))
        elif line.startswith("<- ") and under_way:
            command = under_way.pop(0)
            if "return" in json.loads(line.removeprefix("<- ")):
                yield command


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda path: path.stem)
def test_commands_and_events_of_a_golden_fit_the_schema(golden: Path) -> None:
    text = golden.read_text(encoding="utf-8")
    for name, arguments in accepted_commands(text):
        if name in ALL_COMMANDS:
            decode_arguments(ALL_COMMANDS[name][0], arguments)
    if _HIDDEN_MEMBERS.search(text):
        return
    for line in text.splitlines():
        match = _EVENT.fullmatch(line)
        if match is not None:
            check_output(EVENTS[match["name"]], json.loads(match["data"]), match["name"])


def test_every_command_that_a_golden_shows_accepted_is_in_the_schema() -> None:
    unknown = {
        name
        for golden in GOLDENS
        for name, _ in accepted_commands(golden.read_text(encoding="utf-8"))
        if name not in ALL_COMMANDS
    }
    assert unknown == set()
