"""For all tests: pytest's own fixture for testing plug-ins, and no trace of the caller's environment."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Run as on a machine where nobody is logged in: no CI, no colours, no options from outside, no earlier runs."""
    monkeypatch.setenv("MIRRORCHECK_RESULTS", str(tmp_path_factory.getbasetemp() / "mirrorcheck-results"))
    for name in ("CI", "NO_COLOR", "FORCE_COLOR", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
