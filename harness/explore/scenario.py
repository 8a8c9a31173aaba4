"""A scenario: a small bench, and what happens on it in an order that nobody has given.

A disk of a few granules, commands that set it up, and *actions*: guest requests and commands that may start at any
time, or once something else has happened. A scenario is data, so that it can be made smaller and written to a file.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.errors import UsageError
from harness.units import KIB

GRANULE_BYTES = 4 * KIB
UNIT_BYTES = 512
"""What guest requests are multiples of."""

SOURCE_FILL = 0x11
TARGET_FILL = 0x77

READY = "ready"
"""A condition: every job has announced that it is ready."""

STOPPED = "stopped"
"""A condition: an error has stopped a job, and the action has not been done about it yet."""

STARTED = "started "
"""A condition begins with this: the action whose name follows has been started."""

EVENT = "event "
"""A condition begins with this: the event whose name follows has been seen."""


class ActionKind(enum.StrEnum):
    """What an action does."""

    READ = "read"
    WRITE = "write"
    ZERO = "zero"
    DISCARD = "discard"
    FLUSH = "flush"
    COMMAND = "command"
    RESIZE = "resize"
    DRAIN = "drain"
    UNDRAIN = "undrain"


GUEST_KINDS = frozenset({ActionKind.READ, ActionKind.WRITE, ActionKind.ZERO, ActionKind.DISCARD, ActionKind.FLUSH})
WRITING_KINDS = frozenset({ActionKind.WRITE, ActionKind.ZERO, ActionKind.DISCARD})
MODEL_KINDS = frozenset({ActionKind.RESIZE, ActionKind.DRAIN, ActionKind.UNDRAIN})
"""What only the inside of a model can be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that happens once.

    :ivar name: one word, unique in its scenario.
    :ivar disk: the guest's disk; of a resize or drain, the disk or node that it happens to.
    :ivar offset, length: bytes; of a resize, `length` is the new size.
    :ivar value: the byte that a write consists of.
    :ivar command, arguments: of a command.
    :ivar optional: a schedule may end without it. :ivar repeats: it may happen again; then it is optional too.
    :ivar after: when it may start: ``""`` is any time, ``ready``, or an action that must have been answered.
    """

    name: str
    kind: ActionKind
    disk: str = "source"
    offset: int = 0
    length: int = 0
    value: int = 0
    command: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    after: str = ""
    optional: bool = False
    repeats: bool = False

    @property
    def is_guest_request(self) -> bool:
        """Whether a guest sends it."""
        return self.kind in GUEST_KINDS


@dataclass(frozen=True, slots=True)
class Fault:
    """One request of that kind fails, whichever the explorer chooses, or none; or all of them `always` fail."""

    disk: str
    operation: str
    error: str = "EIO"
    always: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Requests of that kind complete only once a condition holds; `value` is what a write begins with."""

    disk: str
    operation: str
    until: str
    value: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A disk at the start.

    :ivar fill: the byte that it is full of; None is a hole. :ivar holes: granules that are not.
    """

    name: str
    size_bytes: int
    fill: int | None = None
    unmap: bool = False
    holes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A bench and its actions.

    :ivar claim: one line: what is raced against what.
    :ivar setup: commands that are answered before anything else starts.
    """

    name: str
    claim: str
    disks: tuple[Disk, ...]
    setup: tuple[Action, ...] = ()
    actions: tuple[Action, ...] = ()
    faults: tuple[Fault, ...] = ()
    holds: tuple[Hold, ...] = ()

    def __hash__(self) -> int:
        # Arguments of commands cannot be hashed, and scenarios that are equal have one name.
        return hash(self.name)

    def __post_init__(self) -> None:
        names = [action.name for action in (*self.setup, *self.actions)]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise UsageError(f"scenario {self.name}: there are two actions '{name}'")
        for action in self.actions:
            if action.after not in ("", READY, STOPPED, *names) and not action.after.startswith((EVENT, STARTED)):
                raise UsageError(
                    f"scenario {self.name}: action '{action.name}' waits for '{action.after}', which is none"
                )

    @property
    def is_real(self) -> bool:
        """Whether a real program can run it: it shows no inside, and its flushes are not held."""
        return not any(action.kind in MODEL_KINDS for action in self.actions) and not any(
            fault.operation == "flush" for fault in self.faults
        )

    def needs(self) -> list[str]:
        """The features without which it makes no sense."""
        commands = [action for action in (*self.setup, *self.actions) if action.command]
        modes = [f"copy-mode={action.arguments['copy-mode']}" for action in commands if "copy-mode" in action.arguments]
        return list(dict.fromkeys([action.command for action in commands] + modes))

    def pairs(self) -> dict[str, tuple[str, str]]:
        """By job id: the source and the target of each mirror that some command starts."""
        found: dict[str, tuple[str, str]] = {}
        for action in (*self.setup, *self.actions):
            if action.command == "blockdev-mirror":
                arguments = action.arguments
                found.setdefault(arguments["job-id"], (arguments["device"], arguments["target"]))
        return found

    def without(self, action: Action) -> Scenario:
        """The scenario less one action; what waited for it waits for what it waited for."""
        actions = tuple(
            replace(other, after=action.after) if other.after == action.name else other
            for other in self.actions
            if other is not action
        )
        return replace(self, actions=actions)

    def changed(self, action: Action, **changes: Any) -> Scenario:
        """The scenario with one action changed."""
        changed = replace(action, **changes)
        return replace(self, actions=tuple(changed if other is action else other for other in self.actions))
