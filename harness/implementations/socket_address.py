"""How a spec of the kind ``socket`` says where running programs are.

``socket:qmp=PATH[,nbd=PATH][,program=NAME]``; each further ``qmp=`` begins another program of the same sort, for
another worker. Two commas are one that belongs to a path.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from harness.errors import UsageError

USAGE = "socket:qmp=PATH[,nbd=PATH][,program=NAME]"


class Address(NamedTuple):
    """One program.

    :ivar qmp: where it speaks QMP; absolute.
    :ivar nbd: where its NBD server listens; None when it has none, and is to start one.
    :ivar program: what the known deviations call it; None when it is to be asked.
    """

    qmp: str
    nbd: str | None = None
    program: str | None = None


def parse(detail: str) -> list[Address]:
    """Read what follows ``socket:``.

    :raise UsageError: when it names no program, or says something that is not known, or says it twice.
    """
    found: list[dict[str, str]] = []
    for part in detail.replace(",,", "\0").split(","):
        key, equals, value = part.replace("\0", ",").partition("=")
        if not equals or not value or key not in Address._fields:
            raise UsageError(f"'{part}' in 'socket:{detail}' is not of the form {USAGE}")
        if key == "qmp":
            found.append({})
        if not found:
            raise UsageError(f"'socket:{detail}' does not begin with qmp=PATH")
        if key in found[-1]:
            raise UsageError(f"'socket:{detail}' says {key} twice of one program")
        found[-1][key] = value if key == "program" else os.path.abspath(value)
    paths = [each["qmp"] for each in found]
    if len(set(paths)) < len(paths):
        raise UsageError(f"'socket:{detail}' names one program twice")
    return [Address(**each) for each in found]
