"""Devices and drives of the reference: how they come and go, what they are called, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from held_node import HeldNode

from reference_impl.devices import BlockDevices
from reference_impl.graph import Graph
from reference_impl.job import Job
from reference_impl.node_making import find_node
from reference_impl.permissions import ALL, CONSISTENT_READ, RESIZE, WRITE, WRITE_UNCHANGED
from reference_impl.qmp_errors import QmpError
from reference_impl.scheduler import Scheduler

Events = list[tuple[str, Any]]


@pytest.fixture
def graph() -> Graph:
    graph = Graph(Scheduler())
    for name in ("a", "b"):
        HeldNode(graph, name)
    return graph


@pytest.fixture
def events() -> Events:
    return []


@pytest.fixture
def devices(graph: Graph, events: Events) -> BlockDevices:
    async def end_job(job: Job) -> None:
        raise AssertionError("there are no jobs here")

    return BlockDevices(graph, lambda name, data: events.append((name, data)), end_job)


def unplug(graph: Graph, devices: BlockDevices, name: str) -> None:
    """Unplug a device, which must not have to wait; raise what that raises."""
    refusals: list[QmpError] = []

    async def body() -> None:
        try:
            await devices.device_del({"id": name})
        except QmpError as error:
            refusals.append(error)

    graph.scheduler.start(body(), "test")
    graph.scheduler.settle()
    if refusals:
        raise refusals[0]


def plug(devices: BlockDevices, name: str, drive: str | None, driver: str = "scsi-hd", **options: Any) -> None:
    given = {"driver": driver, "id": name} | {key.replace("_", "-"): value for key, value in options.items()}
    devices.device_add(given | ({} if drive is None else {"drive": drive}))


def entries(devices: BlockDevices) -> list[dict[str, Any]]:
    return list(devices.handlers()["query-block"]({}))


def test_device_needs_and_shares_what_a_disk_does(graph: Graph, devices: BlockDevices) -> None:
    plug(devices, "disk", "a")
    plug(devices, "sharing", "b", share_rw=True)
    (private,), (shared,) = graph.nodes["a"].parents, graph.nodes["b"].parents
    assert private.access == (CONSISTENT_READ | WRITE, CONSISTENT_READ | WRITE_UNCHANGED | RESIZE)
    assert shared.access == (CONSISTENT_READ | WRITE, ALL)


def test_cd_rom_only_reads(graph: Graph, devices: BlockDevices) -> None:
    plug(devices, "cd", "a", "scsi-cd")
    assert graph.nodes["a"].parents[0].access == (CONSISTENT_READ, CONSISTENT_READ | WRITE_UNCHANGED)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"id": "1x", "driver": "scsi-hd", "drive": "a"}, "Parameter 'id' expects an identifier"),
        ({"id": "x", "driver": "floppy", "drive": "a"}, "'floppy' is not a valid device model name"),
        ({"id": "disk", "driver": "scsi-hd", "drive": "b"}, "Duplicate device ID 'disk'"),
        ({"id": "x", "driver": "scsi-hd"}, "drive property not set"),
        ({"id": "x", "driver": "scsi-hd", "drive": "nope"}, "Property 'scsi-hd.drive' can't find value 'nope'"),
        ({"id": "x", "driver": "scsi-hd", "drive": "empty"}, "Device needs media, but drive is empty"),
        (
            {"id": "x", "driver": "scsi-hd", "drive": "a"},
            "Permission conflict on node 'a': permissions 'write' are both required by block device 'disk' (uses node "
            "'a' as 'root' child) and unshared by block device 'x' (uses node 'a' as 'root' child).",
        ),
    ],
)
def test_device_add_refuses_and_changes_nothing(
    graph: Graph, devices: BlockDevices, options: dict[str, Any], message: str
) -> None:
    plug(devices, "disk", "a")
    devices.add_drive("empty", None)
    before = entries(devices)
    with pytest.raises(QmpError) as caught:
        devices.device_add(options)
    assert caught.value.description == message
    assert entries(devices) == before
    assert len(graph.nodes["a"].parents) == 1
    assert not graph.nodes["b"].parents


def test_drive_stands_for_its_node_and_goes_with_its_device(
    graph: Graph, devices: BlockDevices, events: Events
) -> None:
    devices.add_drive("drive", graph.nodes["a"])
    assert find_node(graph, "drive") is graph.nodes["a"]
    plug(devices, "disk", "drive")
    with pytest.raises(QmpError, match=r"^Drive 'drive' is already in use by another device$"):
        plug(devices, "second", "drive")
    assert [(each["device"], each["qdev"]) for each in entries(devices)] == [("drive", "disk")]
    unplug(graph, devices, "disk")
    assert events == [("DEVICE_DELETED", {"device": "disk", "path": "/machine/peripheral/disk"})]
    assert not graph.drives
    assert "a" not in graph.nodes
    assert not entries(devices)


def test_drive_name_is_taken_once(graph: Graph, devices: BlockDevices) -> None:
    devices.add_drive("drive", None)
    for name in ("drive", "a"):
        with pytest.raises(QmpError, match=rf"^Device with id '{name}' already exists$"):
            devices.add_drive(name, None)


def test_drive_without_a_medium_is_no_node(graph: Graph, devices: BlockDevices) -> None:
    devices.add_drive("cd", None)
    plug(devices, "reader", "cd", "scsi-cd")
    with pytest.raises(QmpError, match=r"^Device 'cd' has no medium$"):
        find_node(graph, "cd")
    (entry,) = entries(devices)
    assert entry["removable"]
    assert not entry["tray_open"]
    assert "inserted" not in entry


def test_device_that_there_is_not_cannot_be_unplugged(graph: Graph, devices: BlockDevices) -> None:
    with pytest.raises(QmpError) as caught:
        unplug(graph, devices, "nope")
    assert (caught.value.error_class, caught.value.description) == ("DeviceNotFound", "Device 'nope' not found")
