"""File names between a case and a program that runs elsewhere.

A case names its files as a program sees them that runs in the case's folder. A running program has a folder of its
own, so names are made absolute on their way to it, and short again on their way back.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAMES: Mapping[str, tuple[str, ...]] = {
    "block-commit": ("base", "top"),
    "block-stream": ("base",),
    "blockdev-add": ("filename",),
    "blockdev-create": ("filename",),
    "blockdev-reopen": ("filename",),
    "drive-mirror": ("target",),
}
"""Commands, and what in their arguments is the name of a file, at any depth."""


def outward(folder: Path, command: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A command's arguments as the program is to see them."""
    keys = NAMES.get(command, ())
    changed: dict[str, Any] = _outward(folder, keys, arguments) if keys else dict(arguments)
    return changed


def _outward(folder: Path, keys: tuple[str, ...], value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            # As it was written: "./a.img" is another name than "a.img", and some cases are about that.
            key: f"{folder}/{each}" if key in keys and _is_name(each) else _outward(folder, keys, each)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_outward(folder, keys, each) for each in value]
    return value


def _is_name(value: Any) -> bool:
    """Whether it is a plain name in the case's folder, and neither a path of its own nor something with a protocol."""
    return isinstance(value, str) and value != "" and not value.startswith("/") and ":" not in value


def inward(folder: Path, value: Any) -> Any:
    """What the program said, as a case expects it."""
    if isinstance(value, str):
        return value.replace(f"{folder}/", "")
    if isinstance(value, Mapping):
        return {key: inward(folder, each) for key, each in value.items()}
    if isinstance(value, list):
        return [inward(folder, each) for each in value]
    return value
