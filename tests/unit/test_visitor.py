"""Arguments are decoded as the schema says, and refused in QEMU's words: order, types, ranges, unknown members."""

from __future__ import annotations

from typing import Any

import pytest

from reference_impl.qmp_errors import QmpError
from reference_impl.schema import (
    ALTERNATES,
    COMMANDS,
    ENUMS,
    EVENTS,
    INTEGER_TYPES,
    SERVER_COMMANDS,
    STRUCTS,
    UNIONS,
    element_type,
)
from reference_impl.visitor import decode, decode_members


def refusal(type_name: str, value: Any) -> str:
    with pytest.raises(QmpError) as caught:
        decode(type_name, value, "x")
    return str(caught.value)


def wrong(expected: str) -> str:
    return f"Invalid parameter type for 'x', expected: {expected}"


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("str", ""),
        ("bool", False),
        ("any", None),
        ("int", -(2**63)),
        ("int", 2**63 - 1),
        ("size", 2**64 - 1),
        ("uint32", 2**32 - 1),
        ("uint8", 255),
        ("int8", -128),
        ("[str]", ["a", "b"]),
        ("[str]", []),
        ("MirrorSyncMode", "full"),
    ],
)
def test_value_that_fits_is_passed_on(type_name: str, value: Any) -> None:
    assert decode(type_name, value, "x") == value


@pytest.mark.parametrize(
    ("type_name", "value", "text"),
    [
        ("str", 1, wrong("string")),
        ("str", None, wrong("string")),
        ("bool", "yes", wrong("boolean")),
        ("bool", 1, wrong("boolean")),
        ("int", "x", wrong("integer")),
        ("int", 1.5, wrong("integer")),
        ("int", True, wrong("integer")),
        ("int", 2**63, wrong("integer")),
        ("int", -(2**63) - 1, wrong("integer")),
        ("uint32", "x", "Parameter 'x' expects uint64"),
        ("uint32", True, "Parameter 'x' expects uint64"),
        ("uint32", 2**64, "Parameter 'x' expects uint64"),
        ("uint32", -1, "Parameter 'x' expects uint32_t"),
        ("uint32", 2**32, "Parameter 'x' expects uint32_t"),
        ("uint8", 256, "Parameter 'x' expects uint8_t"),
        ("int8", 128, "Parameter 'x' expects int8_t"),
        ("[str]", "a", wrong("array")),
        ("[str]", ["a", 1], "Invalid parameter type for 'x[1]', expected: string"),
        ("MirrorSyncMode", "bogus", "Parameter 'x' does not accept value 'bogus'"),
        ("MirrorSyncMode", 5, wrong("string")),
        ("VersionTriple", 5, wrong("object")),
        ("VersionTriple", {"major": 1}, "Parameter 'x.minor' is missing"),
        (
            "VersionTriple",
            {"major": 1, "minor": "2", "micro": 3},
            "Invalid parameter type for 'x.minor', expected: integer",
        ),
        ("VersionTriple", {"major": 1, "minor": 2, "micro": 3, "nano": 4}, "Parameter 'x.nano' is unexpected"),
    ],
)
def test_value_that_does_not_fit_is_refused_by_name(type_name: str, value: Any, text: str) -> None:
    """QA-03, QA-06, QA-07, QA-13."""
    assert refusal(type_name, value) == text


def test_first_member_of_the_schema_that_is_wrong_is_named_and_the_unknown_last() -> None:
    fields = {"a": "str", "b?": "int", "c": "bool"}

    def text(values: dict[str, Any]) -> str:
        with pytest.raises(QmpError) as caught:
            decode_members(fields, values)
        return str(caught.value)

    assert text({"z": 1, "b": "x"}) == "Parameter 'a' is missing"
    assert text({"z": 1, "b": "x", "a": ""}) == "Invalid parameter type for 'b', expected: integer"
    assert text({"z": 1, "a": ""}) == "Parameter 'c' is missing"
    assert text({"z": 1, "a": "", "c": True}) == "Parameter 'z' is unexpected"


def test_optional_members_that_were_left_out_stay_out() -> None:
    assert decode_members({"a": "str", "b?": "int"}, {"a": "x"}) == {"a": "x"}


# The schema as data


def all_type_names() -> set[str]:
    commands = COMMANDS | SERVER_COMMANDS
    tables = [*STRUCTS.values(), *EVENTS.values(), *(base for base, _, _ in UNIONS.values())]
    tables += [arguments for arguments, _ in commands.values() if not isinstance(arguments, str)]
    used = {type_name for table in tables for type_name in table.values()}
    used |= {branch for _, _, branches in UNIONS.values() for branch in branches.values()}
    used |= {arguments for arguments, _ in commands.values() if isinstance(arguments, str)}
    return used | {returns for _, returns in commands.values() if isinstance(returns, str)}


@pytest.mark.parametrize("type_name", sorted(all_type_names()))
def test_type_that_the_schema_uses_is_defined(type_name: str) -> None:
    name = element_type(type_name) or type_name
    assert name in {*INTEGER_TYPES, "str", "bool", "null", "any", *ENUMS, *STRUCTS, *UNIONS, *ALTERNATES}


def test_names_of_the_schema_are_unambiguous() -> None:
    tables = [ENUMS, STRUCTS, UNIONS, ALTERNATES]
    assert sum(map(len, tables)) == len({name for table in tables for name in table})
    assert all(len(set(values)) == len(values) for values in ENUMS.values())
