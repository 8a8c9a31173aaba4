"""For all tests: pytest's own fixture for testing plug-ins, and no trace of the caller's environment."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

# The same examples every time, and no judgement by the clock: a busy machine must not fail a property.
settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=100,
    stateful_step_count=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("nightly", parent=settings.get_profile("ci"), derandomize=False, max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for the night, unless it is night."""
    if NIGHTLY:
        return
    late = [item for item in items if item.get_closest_marker("nightly") is not None]
    if late:
        config.hook.pytest_deselected(items=late)
        items[:] = [item for item in items if item not in late]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Run as on a machine where nobody is logged in: no CI, no colours, no options from outside, no earlier runs."""
    monkeypatch.setenv("MIRRORCHECK_RESULTS", str(tmp_path_factory.getbasetemp() / "mirrorcheck-results"))
    for name in ("CI", "NO_COLOR", "FORCE_COLOR", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
