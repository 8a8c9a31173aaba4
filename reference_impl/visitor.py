"""Decode a command's arguments as the schema says, and refuse what does not fit in QEMU's words.

Members are checked in the order of the schema, and what the schema does not know is refused last. Members of members
are named with their path (``server.path``), enumerations and alternatives by their last name only.

Source: facts 5, introduction, and rows QA-06, QA-07, QA-13.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reference_impl.errors import ModelError
from reference_impl.qmp_errors import QmpError, parameter_expects
from reference_impl.schema import ALTERNATES, ENUMS, STRUCTS, UNIONS, Members, element_type

_INTEGER_RANGES: dict[str, tuple[int, int]] = {
    "int": (-(2**63), 2**63 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "int8": (-(2**7), 2**7 - 1),
    "size": (0, 2**64 - 1),
    "uint64": (0, 2**64 - 1),
    "uint32": (0, 2**32 - 1),
    "uint16": (0, 2**16 - 1),
    "uint8": (0, 2**8 - 1),
}


def decode_arguments(arguments: Members | str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Check the arguments of a command, given as members or as the name of a struct or union.

    :raise QmpError: as `decode_members`.
    """
    if isinstance(arguments, str):
        return _decode_object(arguments, values, "")
    return decode_members(arguments, values)


def decode_members(fields: Members, values: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Check all members of an object.

    :param path: the name of the object itself with a dot, for members of members.
    :return: the values that were given; what is optional and was left out is left out.
    :raise QmpError: for the first member that is missing, of the wrong type, or not allowed.
    """
    result = _decode_known(fields, values, path)
    _refuse_unknown(fields, values, path)
    return result


def _decode_known(fields: Members, values: Mapping[str, Any], path: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for field, type_name in fields.items():
        name = field.removesuffix("?")
        if name in values:
            result[name] = decode(type_name, values[name], path + name)
        elif not field.endswith("?"):
            raise QmpError(f"Parameter '{path}{name}' is missing")
    return result


def _refuse_unknown(fields: Members, values: Mapping[str, Any], path: str) -> None:
    for name in values:
        if name not in fields and f"{name}?" not in fields:
            raise QmpError(f"Parameter '{path}{name}' is unexpected")


def _decode_object(type_name: str, values: Mapping[str, Any], path: str) -> dict[str, Any]:
    if type_name in STRUCTS:
        return decode_members(STRUCTS[type_name], values, path)
    base, tag, branches = UNIONS[type_name]
    result = _decode_known(base, values, path)
    branch = branches.get(result[tag])
    own = STRUCTS[branch] if branch is not None else {}
    result |= _decode_known(own, values, path)
    _refuse_unknown(base | own, values, path)
    return result


def decode(type_name: str, value: Any, path: str) -> Any:
    """Check one value against a type of the schema."""
    if type_name in _INTEGER_RANGES:
        return _decode_integer(type_name, value, path)
    if type_name == "str":
        return _require(value, str, "string", path)
    if type_name == "bool":
        return _require(value, bool, "boolean", path)
    if type_name == "any":
        return value
    if type_name in ENUMS:
        _require(value, str, "string", path)
        if value not in ENUMS[type_name]:
            # Enumerations and alternatives are named without their path, unlike everything else.
            raise QmpError(f"Parameter '{path.rpartition('.')[2]}' does not accept value '{value}'")
        return value
    element = element_type(type_name)
    if element is not None:
        _require(value, list, "array", path)
        return [decode(element, item, f"{path}[{index}]") for index, item in enumerate(value)]
    if "|" in type_name:
        alternatives = type_name.split("|")
        if isinstance(value, str) or (value is None and "null" in alternatives):
            return value
        if not isinstance(value, dict):
            # As an enumeration, an alternative is named without its path; in an array it has no name.
            raise _wrong_type("null" if path.endswith("]") else path.rpartition(".")[2], ALTERNATES[type_name])
        type_name = alternatives[1]
    _require(value, dict, "object", path)
    return _decode_object(type_name, value, f"{path}.")


def check_output(type_name: str | Members, value: Any, what: str) -> None:
    """Check what a command returns or an event carries; what does not fit is a bug of the model.

    :raise ModelError: naming the first member that is wrong.
    """
    try:
        if isinstance(type_name, str):
            decode(type_name, value, what)
        else:
            decode_members(type_name, value, f"{what}.")
    except QmpError as error:
        raise ModelError(f"{what} does not fit the schema: {error}") from error


def _decode_integer(type_name: str, value: Any, path: str) -> int:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    signed = type_name.startswith("int")
    if signed:
        if not is_integer or not _fits("int64", value):
            raise _wrong_type(path, "integer")
    elif not is_integer or not -(2**63) <= value < 2**64:
        # An unsigned member takes negative numbers as far as 64 bits go; a smaller type then refuses them by name.
        raise parameter_expects(path, "uint64")
    if not _fits(type_name, value):
        if type_name in ("size", "uint64"):
            return int(value % 2**64)
        raise parameter_expects(path, f"{type_name}_t")
    return int(value)


def _fits(type_name: str, value: int) -> bool:
    low, high = _INTEGER_RANGES[type_name]
    return low <= value <= high


def _require(value: Any, kind: type, name: str, path: str) -> Any:
    if not isinstance(value, kind):
        raise _wrong_type(path, name)
    return value


def _wrong_type(path: str, expected: str) -> QmpError:
    return QmpError(f"Invalid parameter type for '{path}', expected: {expected}")
