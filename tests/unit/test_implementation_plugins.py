"""Kinds of implementations that other packages offer."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import implementations
from harness.errors import UsageError
from harness.implementations import Implementation, Kind, Probe, Session
from harness.implementations.base import HANG_LIMIT_S


class Newcomer(Implementation):
    """Somebody else's implementation, as far as it matters here."""

    def __init__(self, spec: str, detail: str) -> None:
        self.spec = spec
        self.detail = detail

    def probe(self) -> Probe:
        return Probe("1", frozenset())

    def open(self, folder: Path, hang_limit_s: float = HANG_LIMIT_S) -> Session:
        raise AssertionError("nobody opens it here")


NEWCOMER = Kind("newcomer", "newcomer[:DETAIL]", "somebody else's", Newcomer, list, "")

Offer = Callable[[object], None]


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Makes an object what the only entry point loads."""

    def offered(thing: object) -> None:
        class Entry:
            name = "new"

            @staticmethod
            def load() -> object:
                if isinstance(thing, Exception):
                    raise thing
                return thing

        monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [Entry] if group else [])

    return offered


def test_kind_of_another_package_is_parsed_and_listed(offer: Offer) -> None:
    offer(NEWCOMER)
    made = implementations.parse("newcomer:there")
    assert isinstance(made, Newcomer)
    assert made.detail == "there"
    assert implementations.kinds()[-1] is NEWCOMER


def test_kind_that_comes_with_the_suite_does_not_ask_other_packages(offer: Offer) -> None:
    offer(ImportError("broken"))
    assert implementations.parse("reference").spec == "reference"


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (ImportError("no module"), r"^entry point 'new' of mirrorcheck\.implementations cannot be loaded: no module$"),
        ("text", r"^entry point 'new' of mirrorcheck\.implementations is a str, not a Kind$"),
        (
            NEWCOMER._replace(name="reference"),
            r"^entry point 'new' of mirrorcheck\.implementations: there is a kind 'reference' already$",
        ),
    ],
)
def test_kind_that_cannot_be_used_is_a_usage_error(offer: Offer, thing: object, message: str) -> None:
    offer(thing)
    with pytest.raises(UsageError, match=message):
        implementations.kinds()
