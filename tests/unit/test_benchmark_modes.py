"""What the page about the costs of the copy modes says is what its command measures, and what the modes are for."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import modes

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def table() -> list[tuple[str, ...]]:
    return modes.rows()


def figure(table: list[tuple[str, ...]], load: str, mode: str, heading: str) -> float:
    """A number of the table; infinite where there is none, because the job was never READY."""
    (row,) = (row for row in table if row[:2] == (load, mode))
    text = row[modes.HEADINGS.index(heading)]
    return float("inf") if text == "-" else float(text)


@pytest.mark.slow
def test_page_and_picture_are_those_of_the_command(table: list[tuple[str, ...]]) -> None:
    assert (DOCS / "modes-costs.md").read_text() == modes.document(table)
    assert (DOCS / "modes-costs.svg").read_text() == modes.picture(table)


@pytest.mark.slow
@pytest.mark.parametrize("load", ["sequential", "random", "reading"])
def test_write_async_keeps_latency_near_the_sources_own(table: list[tuple[str, ...]], load: str) -> None:
    alone_ms = figure(table, load, "background", "write while copying, mean ms")
    for heading in ("write while copying, mean ms", "write after READY, mean ms"):
        assert figure(table, load, "write-async", heading) < 1.5 * alone_ms
        assert figure(table, load, "write-blocking", heading) > 5 * alone_ms
    assert figure(table, load, "write-async", "READY after ms") < 1.25 * figure(
        table, load, "write-blocking", "READY after ms"
    )


@pytest.mark.slow
def test_read_write_blocking_reads_less_of_the_source_under_a_reading_guest(table: list[tuple[str, ...]]) -> None:
    reads, blocks = "read-write-blocking", "write-blocking"
    for heading, is_less in (
        ("read for the mirror, MiB", True),
        ("READY after ms", True),
        ("the mirror's requests to READY", True),
        ("read, mean ms", False),
        ("write while copying, mean ms", False),
    ):
        mine, other = figure(table, "reading", reads, heading), figure(table, "reading", blocks, heading)
        assert (mine < other) == is_less, heading


@pytest.mark.slow
@pytest.mark.parametrize("load", modes.LOADS)
def test_active_modes_read_nothing_twice(table: list[tuple[str, ...]], load: str) -> None:
    for mode in modes.MODES[1:]:
        assert figure(table, load, mode, "of that again") == 0
