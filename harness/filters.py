"""What is taken out of a transcript because it lawfully differs between implementations, and why.

Everything here names its reason. What is not lawful is not filtered: it is a deviation, and stays visible.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

DROPPED_MEMBERS: dict[str, str] = {
    "busy": "whether a job happens to run at the moment of the query depends on the speed of the program",
    "actively-synced": "only since 8.2 (QQ-2); cases that are about it ask for the feature and print it themselves",
}
"""Members of `query-block-jobs` that are not shown, with the reason."""

GENERATED_NODE_NAME = re.compile(r"#block\d+")
"""Names that the program makes up: how many it made up before is its own affair."""


def normalize(value: Any) -> Any:
    """Replace generated names anywhere in a value."""
    if isinstance(value, str):
        return GENERATED_NODE_NAME.sub("#blockNNN", value)
    if isinstance(value, Mapping):
        return {key: normalize(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [normalize(item) for item in value]
    return value


def block_job_info(info: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of `query-block-jobs` without the members that lawfully differ."""
    return {name: value for name, value in info.items() if name not in DROPPED_MEMBERS}


def canonical(value: Any) -> str:
    """A value as JSON in one line, members sorted: their order differs between versions (real-qemu E.6)."""
    return json.dumps(normalize(value), sort_keys=True, ensure_ascii=False)


_GOES_ON = {"paused": "running", "standby": "ready"}
"""What a job's state becomes when a pause ends."""


class Pauses:
    """Tells which changes of a job's state are only a pause and its end."""

    def __init__(self) -> None:
        self._paused: dict[str, str] = {}

    def hides(self, event_name: str, data: Mapping[str, Any]) -> bool:
        """Whether an event belongs to a pause; each must be asked for once, in the order in which they came."""
        if event_name != "JOB_STATUS_CHANGE":
            return False
        job, status = data["id"], data["status"]
        if status in _GOES_ON:
            self._paused[job] = _GOES_ON[status]
            return True
        return bool(self._paused.pop(job, None) == status)
