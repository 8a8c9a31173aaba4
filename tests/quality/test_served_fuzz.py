"""The served reference under garbage on its real sockets: answered or hung up on, still there, and no larger."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.quality import fuzz_served
from tests.unit.served import running

IS_NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"

SESSIONS = 2000 if IS_NIGHTLY else 200
"""A session has twelve messages: 24,000 by night, 2,400 by day."""

WARM_UP_SESSIONS = SESSIONS // 2
"""Until then everything that is imported, cached or pooled has been."""

GROWTH_BYTES_MAX = 8 << 20
"""Ten thousand messages took 0.5 MiB less at their end than at their beginning; to keep each would take far more."""


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_garbage_on_both_sockets_is_survived_without_growth(tmp_path: Path) -> None:
    counts = fuzz_served.Counts()
    with running(tmp_path, options=fuzz_served.options(tmp_path)) as program:
        for number in range(WARM_UP_SESSIONS):
            fuzz_served.play(program, number, counts)
        before = program.rss_bytes()
        for number in range(WARM_UP_SESSIONS, SESSIONS):
            fuzz_served.play(program, number, counts)
        fuzz_served.check_next_client(program)
        assert program.rss_bytes() - before < GROWTH_BYTES_MAX
    assert counts.messages > 10 * SESSIONS
    assert counts.replies > 5 * SESSIONS


def test_session_of_a_number_is_always_the_same() -> None:
    first, second = (
        [fuzz_served.command(random) for random in [fuzz_served.Random(7)] for _ in range(100)] for _ in range(2)
    )
    assert first == second


@pytest.mark.slow
def test_finding_names_its_session(tmp_path: Path) -> None:
    with running(tmp_path, options=fuzz_served.options(tmp_path)) as program:
        program.child.kill_group()
        with pytest.raises(fuzz_served.Finding, match=r"^session 3: "):
            fuzz_served.play(program, 3, fuzz_served.Counts())
