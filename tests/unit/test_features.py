"""Features are read from an introspected schema, as programs of different ages give it."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from harness.implementations.features import features_of_schema
from harness.implementations.kinds import KINDS
from harness.implementations.reference import Reference
from harness.implementations.storage_daemon import StorageDaemon


def command(name: str, argument: str = "arg", returns: str = "empty") -> dict[str, Any]:
    return {"name": name, "meta-type": "command", "arg-type": argument, "ret-type": returns}


def an_object(name: str, *members: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"name": name, "meta-type": "object", "members": [{"name": m, "type": t} for m, t in members], **more}


INT = {"name": "int", "meta-type": "builtin", "json-type": "int"}
EMPTY = an_object("empty")


def test_commands_and_events_are_features_by_name() -> None:
    entries = [command("do-it", "empty"), {"name": "DONE", "meta-type": "event", "arg-type": "empty"}, EMPTY]
    assert features_of_schema(entries) == {"do-it", "DONE"}


def test_arguments_are_features_of_their_command() -> None:
    entries = [command("do-it"), an_object("arg", ("speed", "int")), EMPTY, INT]
    assert features_of_schema(entries) == {"do-it", "do-it.speed"}


@pytest.mark.parametrize(
    "shape",
    [
        {"values": ["fast", "slow"]},
        {"members": [{"name": "fast"}, {"name": "slow"}]},
        {"values": ["fast", "slow"], "members": [{"name": "fast"}, {"name": "slow"}]},
    ],
    ids=["up to 6.1", "members only", "since 6.2"],
)
def test_values_of_an_enum_are_features_of_the_argument(shape: dict[str, Any]) -> None:
    entries = [command("do-it"), an_object("arg", ("mode", "e")), EMPTY, {"name": "e", "meta-type": "enum", **shape}]
    assert features_of_schema(entries) == {"do-it", "do-it.mode", "mode=fast", "mode=slow"}


def test_members_of_what_a_command_returns_are_features_also_in_arrays_and_variants() -> None:
    entries = [
        command("query", "empty", "array"),
        {"name": "array", "meta-type": "array", "element-type": "info"},
        an_object(
            "info", ("id", "int"), variants=[{"case": "mirror", "type": "mirror"}, {"case": "x", "type": "empty"}]
        ),
        an_object("mirror", ("actively-synced", "int")),
        EMPTY,
        INT,
    ]
    assert features_of_schema(entries) == {"query", "query:id", "query:actively-synced"}


def test_what_a_command_returns_may_be_no_object() -> None:
    assert features_of_schema([command("query", "empty", "int"), EMPTY, INT]) == {"query"}


# What every case of the suite may rely on
EVERYWHERE = {
    "blockdev-mirror",
    "block-job-cancel",
    "block-job-set-speed",
    "job-complete",
    "job-dismiss",
    "query-block-jobs",
    "query-jobs",
    "copy-mode=write-blocking",
    "BLOCK_JOB_READY",
    "JOB_STATUS_CHANGE",
    "blockdev-mirror.buf-size",
    "blockdev-mirror.granularity",
    "query-block-jobs:speed",
}


def test_reference_offers_what_cases_rely_on_and_what_only_a_model_can() -> None:
    features = Reference().probe().features
    assert features >= EVERYWHERE
    assert {"virtual-time", "hbitmap", "block-job-change"} <= features


@pytest.mark.qemu
@pytest.mark.skipif(shutil.which("qemu-storage-daemon") is None, reason="no qemu-storage-daemon here")
def test_real_program_offers_what_cases_rely_on_and_nothing_that_only_a_model_can() -> None:
    features = StorageDaemon("qemu-storage-daemon", "qemu-storage-daemon").probe().features
    assert features >= EVERYWHERE
    assert not {"virtual-time", "hbitmap"} & features


def test_reference_is_the_first_kind_and_needs_nothing() -> None:
    first = next(iter(KINDS.values()))
    assert (first.name, first.installation, first.candidates()) == ("reference", "", ["reference"])


def test_marks_of_a_command_are_features_of_it() -> None:
    entries = [command("do-it", "empty") | {"features": ["unstable", "two-lanes"]}, EMPTY]
    assert features_of_schema(entries) == {"do-it", "do-it+unstable", "do-it+two-lanes"}
