"""What is known to show each mutant: a case, a fault, or a scenario with so many schedules.

The table (``known.toml``) serves twice. The matrix tries what is known first, so that it need not search; and the tests
in ``tests/quality`` hold the suite to it: a mutant must not need more than the table allows.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

TABLE = Path(__file__).with_name("known.toml")


class Known(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What shows one mutant. All of it that is given is tested; something is given for each.

    :ivar case: id of the cheapest case that fails. :ivar fault: a case and a fault, as `mirrorcheck sweep` takes them.
    :ivar scenario: name of a scenario; `preemptions` says how deep to go, -1 that PCT of depth 3 with seed 1 is meant.
    :ivar schedules: how many are allowed at most. :ivar steps, requests: what the finding shrinks to, at most.
    """

    case: str = ""
    fault: str = ""
    scenario: str = ""
    preemptions: int = 0
    schedules: int = 0
    steps: int = 0
    requests: int = 0


def read(path: Path = TABLE) -> dict[str, Known]:
    """The table, by name of the mutant."""
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), dict[str, Known])
