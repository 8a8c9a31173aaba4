"""A schedule as text: the scenario whole, the failure, and one line for each step that names who did what.

The file is all that is needed to repeat a finding anywhere. It begins with the version of the format and ends with the
number of steps and a checksum, so that a file that was cut or edited is refused instead of showing something else.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.explore.scenario import Action, ActionKind, Disk, Fault, Hold, Scenario

FIRST_LINE = "mirrorcheck schedule 1"
_PREFIX = "mirrorcheck schedule "


@dataclass(frozen=True, slots=True)
class Schedule:
    """A scenario and the order of what happened in it.

    :ivar implementation: the spec it was found on. :ivar failure: what was wrong, empty for nothing.
    :ivar coarse: whether due timers fired by themselves.
    """

    scenario: Scenario
    steps: tuple[str, ...]
    implementation: str = "reference"
    failure: str = ""
    coarse: bool = False


def format_schedule(schedule: Schedule) -> str:
    """Write a schedule as text."""
    scenario = schedule.scenario
    lines = [
        FIRST_LINE,
        f"implementation: {schedule.implementation}",
        f"failure: {schedule.failure or 'none'}",
        f"timers: {'by themselves' if schedule.coarse else 'one by one'}",
        f"scenario: {scenario.name}",
        f"claim: {scenario.claim}",
    ]
    for word, items in _sections(scenario):
        lines += [f"{word}: {_json(item)}" for item in items]
    lines.append("steps:")
    lines += [f"  {step}" for step in schedule.steps]
    text = "\n".join(lines) + "\n"
    return text + f"end: {len(schedule.steps)} steps, sha256 {_checksum(text)}\n"


def _sections(scenario: Scenario) -> list[tuple[str, tuple[Any, ...]]]:
    return [
        ("disk", scenario.disks),
        ("setup", scenario.setup),
        ("action", scenario.actions),
        ("fault", scenario.faults),
        ("hold", scenario.holds),
    ]


def _json(item: Any) -> str:
    return json.dumps(
        {name: value for name, value in asdict(item).items() if value not in (None, "", False, [], {}, ())}
    )


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def parse_schedule(text: str, name: str) -> Schedule:
    """Read a schedule.

    :param name: what the text is called in errors, such as the file's name.
    :raise UsageError: when it is no schedule, of another version, cut, edited, or not consistent.
    """
    first, _, _ = text.partition("\n")
    if not first.startswith(_PREFIX):
        raise UsageError(f"{name}: this is no schedule: it does not begin with '{FIRST_LINE}'")
    if first != FIRST_LINE:
        version = first.removeprefix(_PREFIX)
        raise UsageError(f"{name}: this is a schedule of version '{version}', and only version 1 is known")
    body, separator, end = text.rstrip("\n").rpartition("\nend: ")
    if not separator or "\n" in end:
        raise UsageError(f"{name}: the schedule is cut: its last line 'end: …' is missing")
    body += "\n"
    count, _, checksum = end.partition(" steps, sha256 ")
    if checksum != _checksum(body):
        raise UsageError(f"{name}: the schedule was edited: its checksum is {_checksum(body)}, not {checksum}")
    try:
        schedule = _parse_body(body)
    except KeyError as error:
        raise UsageError(f"{name}: the schedule cannot be read: there is no {error}") from error
    except (ValueError, TypeError) as error:
        raise UsageError(f"{name}: the schedule cannot be read: {error}") from error
    if str(len(schedule.steps)) != count:
        raise UsageError(f"{name}: the schedule has {len(schedule.steps)} steps and says that it has {count}")
    return schedule


def _parse_body(body: str) -> Schedule:
    fields: dict[str, str] = {}
    items: dict[str, list[dict[str, Any]]] = {word: [] for word in ("disk", "setup", "action", "fault", "hold")}
    head, _, tail = body.partition("\nsteps:\n")
    for line in head.splitlines()[1:]:
        word, _, rest = line.partition(": ")
        if word in items:
            items[word].append(json.loads(rest))
        else:
            fields[word] = rest
    scenario = Scenario(
        name=fields["scenario"],
        claim=fields["claim"],
        disks=tuple(Disk(**(disk | {"holes": tuple(disk.get("holes", ()))})) for disk in _with_size(items["disk"])),
        setup=tuple(_action(item) for item in items["setup"]),
        actions=tuple(_action(item) for item in items["action"]),
        faults=tuple(Fault(**item) for item in items["fault"]),
        holds=tuple(Hold(**item) for item in items["hold"]),
    )
    failure = fields["failure"]
    return Schedule(
        scenario,
        tuple(line.removeprefix("  ") for line in tail.splitlines()),
        fields["implementation"],
        "" if failure == "none" else failure,
        fields["timers"] == "by themselves",
    )


def _with_size(disks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"size_bytes": 0} | disk for disk in disks]


def _action(item: dict[str, Any]) -> Action:
    return Action(**(item | {"kind": ActionKind(item["kind"])}))


def read_schedule(path: Path) -> Schedule:
    """Read a schedule's file.

    :raise UsageError: as `parse_schedule`, and when the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: this is no schedule: it is not text") from error
    return parse_schedule(text, str(path))
