"""The commands, one module each.

A command's module has ``add_parser``, which adds its options, and ``run``, which does the work and returns the exit
status. What it needs beyond its options it imports in ``run``, so that no command pays for another's.
"""

from __future__ import annotations

import argparse
from typing import Any, Protocol

#: In the order in which --help lists them. A new command is a module here and its name in this table.
COMMANDS = (
    "run",
    "list",
    "show",
    "graph",
    "update",
    "sweep",
    "explore",
    "replay",
    "promote",
    "mutants",
    "doctor",
    "analyze",
    "compare",
    "gate",
    "report",
    "completion",
    "rows",
    "coverage",
    "serve",
    "hbitmap-console",
)

Subparsers = Any  # argparse keeps the class of its subparsers to itself


class Command(Protocol):
    """What a command's module offers."""

    def add_parser(self, subparsers: Subparsers) -> argparse.ArgumentParser:
        """Add the command's options."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it and return the exit status."""
