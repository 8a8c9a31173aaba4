"""What tests of nodes by themselves share: to run a request to its end."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from reference_impl.graph import BlockIoError, Graph


def run(graph: Graph, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run something that never waits, and return or raise what it does."""
    outcome: list[Any] = []

    async def body() -> None:
        try:
            outcome.append(await coroutine)
        except BlockIoError as error:
            outcome.append(error)

    graph.scheduler.start(body(), "test")
    graph.scheduler.settle()
    assert outcome, "it waits"
    if isinstance(outcome[0], BlockIoError):
        raise outcome[0]
    return outcome[0]
