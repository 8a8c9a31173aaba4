"""Builds the documentation: ``sphinx-build -n -W docs build/docs``. What can be generated from tables is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import generated  # noqa: E402 - only now is it found

project = "mirrorcheck"
author = "The mirrorcheck maintainers"
copyright = "the mirrorcheck maintainers, GPL-2.0-or-later"
extensions = ["myst_parser"]
exclude_patterns = ["rows.md"] if not (HERE / "rows.md").exists() else []
nitpicky = True
html_theme = "alabaster"
html_static_path: list[str] = []
myst_heading_anchors = 3


def setup(app: Any) -> None:
    """Write the generated pages before Sphinx looks for pages."""
    generated.write(HERE / "generated_pages")
