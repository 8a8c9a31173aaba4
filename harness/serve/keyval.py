"""qemu-storage-daemon's option strings: ``key=value`` with dots for members of members, or JSON, typed by the schema.

A string says nothing about types; the schema does. So ``size=4096`` becomes a number where a number is wanted, and
``filename=4096`` stays a name. What is given as JSON is typed already. Texts and rules are QEMU 7.2's.
"""

from __future__ import annotations

import json
from typing import Any

from harness.serve.json_stream import DEPTH_MAX
from reference_impl.qmp_errors import QmpError, parameter_expects
from reference_impl.schema import INTEGER_TYPES, STRUCTS, UNIONS, element_type
from reference_impl.visitor import decode_arguments

Tree = dict[str, Any]
"""Keys to strings or further trees, as they were given; or any JSON."""

BOOLEANS = {"on": True, "yes": True, "true": True, "y": True, "off": False, "no": False, "false": False, "n": False}


def parse(text: str, implied_key: str | None = None) -> tuple[Tree, bool]:
    """Read ``value,key=value,a.b=value`` or a JSON object.

    :param implied_key: what the first word is a value of when it has no ``=``.
    :return: what was given, and whether it was JSON.
    :raise QmpError: when it is neither.
    """
    if text.startswith("{"):
        return _parse_json(text), True
    tree: Tree = {}
    # Two commas are one that belongs to a value.
    for index, part in enumerate(text.replace(",,", "\0").split(",") if text else []):
        key, equals, word = part.replace("\0", ",").partition("=")
        if not equals and index == 0 and key and implied_key is not None:
            key, word = implied_key, key
        elif not key or not all(key.split(".")):
            raise QmpError(f"Invalid parameter '{key}'")
        elif not equals:
            raise QmpError(f"Expected '=' after parameter '{key}'")
        _put(tree, key, word)
    return tree, False


def parse_typed(text: str, type_name: str, implied_key: str | None = None) -> dict[str, Any]:
    """Read an option string as a value of a struct or union of the schema.

    :raise QmpError: for the first thing that is wrong with it.
    """
    tree, is_json = parse(text, implied_key)
    given = tree if is_json else _typed(type_name, tree, "")
    return decode_arguments(type_name, given)


def boolean(word: str, name: str) -> bool:
    """Read on, off and what else means them.

    :raise QmpError: when it is neither.
    """
    if word not in BOOLEANS:
        raise parameter_expects(name, "'on' or 'off'")
    return BOOLEANS[word]


def _parse_json(text: str) -> Tree:
    depth = text.count("{") + text.count("[")
    try:
        value = json.loads(text) if depth <= DEPTH_MAX else None
    except (ValueError, RecursionError) as error:
        raise QmpError(f"JSON parse error: {error}") from error
    if not isinstance(value, dict):
        raise QmpError("JSON nesting depth limit exceeded")
    return value


def _put(tree: Tree, key: str, word: str) -> None:
    place = tree
    *path, last = key.split(".")
    for depth, name in enumerate(path, 1):
        below = place.setdefault(name, {})
        if not isinstance(below, dict):
            raise QmpError(f"Parameters '{'.'.join(path[:depth])}.*' used inconsistently")
        place = below
    if isinstance(place.get(last), dict):
        raise QmpError(f"Parameters '{key}.*' used inconsistently")
    place[last] = word


def _typed(type_name: str, value: Any, path: str) -> Any:
    """Give a tree of strings the types that the schema wants; what does not fit stays for the decoder to refuse."""
    if isinstance(value, dict):
        return _typed_tree(type_name, value, path)
    if type_name in INTEGER_TYPES:
        try:
            return int(value, 0)
        except ValueError:
            raise parameter_expects(path, "integer") from None
    if type_name == "bool":
        return boolean(value, path)
    return value


def _typed_tree(type_name: str, tree: Tree, path: str) -> Any:
    element = element_type(type_name)
    if element is not None:
        numbered = sorted(tree.items(), key=lambda item: int(item[0]) if item[0].isdecimal() else -1)
        if [index for index, _ in numbered] != [str(index) for index in range(len(tree))]:
            raise QmpError(f"Parameters '{path}.*' are no list")
        return [_typed(element, each, f"{path}.{index}") for index, each in numbered]
    if "|" in type_name:
        type_name = type_name.split("|")[1]
    if type_name in UNIONS:
        base, tag, branches = UNIONS[type_name]
        branch = branches.get(str(tree.get(tag)))
        members = base | (STRUCTS[branch] if branch is not None else {})
    elif type_name in STRUCTS:
        members = STRUCTS[type_name]
    else:
        raise QmpError(f"Parameters '{path}.*' are unexpected")
    types = {member.removesuffix("?"): wanted for member, wanted in members.items()}
    prefix = f"{path}." if path else ""
    return {name: _typed(types[name], each, prefix + name) if name in types else each for name, each in tree.items()}
