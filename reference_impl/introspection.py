"""What `query-qmp-schema` says: the tables of `schema` in the form in which QEMU describes itself.

Types keep their names, where QEMU numbers them; whoever reads a schema follows references and minds no names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reference_impl.schema import (
    BUILTIN_TYPES,
    COMMANDS,
    ENUMS,
    EVENTS,
    STRUCTS,
    UNIONS,
    UNSTABLE,
    CommandTable,
    Members,
    element_type,
)


def introspection(
    commands: CommandTable = COMMANDS, command_features: Mapping[str, Sequence[str]] | None = None
) -> list[dict[str, Any]]:
    """Commands and events by name, then the types that they use.

    :param command_features: what commands are marked with, since they behave in a way that their arguments do not show.
    """
    return _Description(commands, command_features or {}).entries


class _Description:
    """The list while it grows."""

    def __init__(self, commands: CommandTable, command_features: Mapping[str, Sequence[str]]) -> None:
        self.entries: list[dict[str, Any]] = []
        self._used: list[str] = []
        for command, (arguments, returns) in commands.items():
            self.entries.append(
                {
                    "name": command,
                    "meta-type": "command",
                    "arg-type": self._arguments(command, arguments),
                    "ret-type": self._use(returns) if returns else self._object(f"q_obj_{command}-ret", {}),
                }
                | _marked(command, command_features.get(command, ()))
            )
        for event, fields in EVENTS.items():
            self.entries.append(
                {"name": event, "meta-type": "event", "arg-type": self._object(f"q_obj_{event}-arg", fields)}
            )
        for type_name in self._used:  # grows while it is walked: members use further types
            self._describe(type_name)

    def _arguments(self, command: str, arguments: Members | str) -> str:
        return self._use(arguments) if isinstance(arguments, str) else self._object(f"q_obj_{command}-arg", arguments)

    def _use(self, type_name: str) -> str:
        if type_name not in self._used:
            self._used.append(type_name)
        return type_name

    def _members(self, fields: Members) -> list[dict[str, Any]]:
        result: list[dict[str, Any]] = []
        for name, type_name in fields.items():
            member: dict[str, Any] = {"name": name.removesuffix("?"), "type": self._use(type_name)}
            if name.endswith("?"):
                member["default"] = None
            result.append(member)
        return result

    def _object(self, name: str, fields: Members, more: Mapping[str, Any] | None = None) -> str:
        self.entries.append({"name": name, "meta-type": "object", "members": self._members(fields), **(more or {})})
        return name

    def _describe(self, type_name: str) -> None:
        element = element_type(type_name)
        if element is not None:
            entry = {"name": type_name, "meta-type": "array", "element-type": self._use(element)}
            self.entries.append(entry)
        elif "|" in type_name:
            members = [{"type": self._use(alternative)} for alternative in type_name.split("|")]
            self.entries.append({"name": type_name, "meta-type": "alternate", "members": members})
        elif type_name in ENUMS:
            values = list(ENUMS[type_name])
            self.entries.append(
                {
                    "name": type_name,
                    "meta-type": "enum",
                    "members": [{"name": value} | _marked(value) for value in values],
                    "values": values,
                }
            )
        elif type_name in STRUCTS:
            self._object(type_name, STRUCTS[type_name])
        elif type_name in UNIONS:
            base, tag, branches = UNIONS[type_name]
            variants = [{"case": case, "type": self._use(branch)} for case, branch in branches.items()]
            self._object(type_name, base, {"tag": tag, "variants": variants})
        else:
            self.entries.append({"name": type_name, "meta-type": "builtin", "json-type": BUILTIN_TYPES[type_name]})


def _marked(name: str, features: Sequence[str] = ()) -> dict[str, Any]:
    marks = [*features, *(("unstable",) if name in UNSTABLE else ())]
    return {"features": marks} if marks else {}
