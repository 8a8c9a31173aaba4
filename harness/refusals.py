"""The texts in which commands are refused: `refusals.toml` lists them, each with where it can be seen.

Texts are whole, with ``…`` for what varies. A text may have older wordings of real versions, may need a feature (the
command that says it), or say why no case shows it.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from harness.errors import HarnessBug

REFUSALS_FILE = Path(__file__).with_name("refusals.toml")

VARIES = "…"


class Refusal(NamedTuple):
    """One text.

    :ivar older: how earlier versions of a real program say the same. :ivar needs: the feature without which nothing
        says it. :ivar unless: the feature with which something else is said. :ivar reason: why no case shows it.
    """

    text: str
    older: tuple[str, ...] = ()
    needs: str = ""
    unless: str = ""
    reason: str = ""


@functools.cache
def load() -> tuple[Refusal, ...]:
    """The table.

    :raise HarnessBug: when an entry has a field that there is not.
    """
    found = []
    for text, fields in tomllib.loads(REFUSALS_FILE.read_text(encoding="utf-8"))["refusals"].items():
        if not fields.keys() <= set(Refusal._fields[1:]):
            raise HarnessBug(f"the refusal '{text}' has a field that is none of {', '.join(Refusal._fields[1:])}")
        found.append(Refusal(text, **fields | {"older": tuple(fields.get("older", ()))}))
    return tuple(found)


@functools.cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    # Whatever names more of itself comes first: one text may fit into the gap of another.
    wordings = [(wording, refusal.text) for refusal in load() for wording in (refusal.text, *refusal.older)]
    wordings.sort(key=lambda pair: -len(pair[0].replace(VARIES, "")))
    return tuple(
        (re.compile(".*".join(map(re.escape, wording.split(VARIES))), re.DOTALL), text) for wording, text in wordings
    )


def known_as(text: str) -> str:
    """The entry of the table that a text is one of; one that is none, with what is between quotes left out."""
    for pattern, entry in _patterns():
        if pattern.fullmatch(text):
            return entry
    return re.sub(r"'[^']*'", f"'{VARIES}'", text)


def expected(features: Iterable[str]) -> list[str]:
    """The texts that a whole run can show on a program with these features."""
    offered = frozenset(features)
    return [
        refusal.text
        for refusal in load()
        if not refusal.reason and refusal.unless not in offered and (not refusal.needs or refusal.needs in offered)
    ]
