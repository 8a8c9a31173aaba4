"""The monitor: one command after the other, each answered once; and the whole machine behind it."""

from __future__ import annotations

from typing import Any

import pytest
from reference_kit import K64, Kit

from harness.implementations.features import features_of_schema
from reference_impl.errors import ModelError
from reference_impl.machine import Machine
from reference_impl.monitor import Monitor
from reference_impl.qmp_errors import QmpError
from reference_impl.scheduler import Scheduler
from reference_impl.schema import COMMANDS, CommandTable

TABLE: CommandTable = {"ask": ({"id": "str"}, "any"), "wait": ({}, "any"), "refuse": ({}, "any")}


class Desk:
    """A monitor of three commands: one is answered at once, one when it is let go, and one is refused."""

    def __init__(self) -> None:
        self.scheduler = Scheduler()
        self.task: Any = None
        self.answered: list[str] = []
        handlers = {"ask": lambda arguments: arguments, "wait": self.wait, "refuse": self.refuse}
        self.monitor = Monitor(self.scheduler, TABLE, handlers)

    async def wait(self, arguments: dict[str, Any]) -> str:
        self.task = self.scheduler.running
        if await self.scheduler.suspend("being let go"):
            raise QmpError("too late", "DeviceNotFound")
        return "done"

    def refuse(self, arguments: dict[str, Any]) -> Any:
        raise QmpError("no")

    def execute(self, name: str, arguments: dict[str, Any] | None = None) -> Any:
        return self.monitor.execute(name, arguments or {}, lambda command: self.answered.append(command.name))


def test_command_that_need_not_wait_is_answered_at_once() -> None:
    desk = Desk()
    assert desk.execute("ask", {"id": "j"}).reply == {"return": {"id": "j"}}
    assert desk.answered == ["ask"]


def test_command_that_does_not_exist_is_not_found() -> None:
    reply = Desk().execute("reboot").reply
    assert reply == {"error": {"class": "CommandNotFound", "desc": "The command reboot has not been found"}}


def test_refusal_carries_class_and_text() -> None:
    assert Desk().execute("refuse").reply == {"error": {"class": "GenericError", "desc": "no"}}


def test_arguments_are_checked_before_the_handler_sees_them() -> None:
    reply = Desk().execute("ask", {}).reply
    assert reply == {"error": {"class": "GenericError", "desc": "Parameter 'id' is missing"}}


def test_command_that_waits_keeps_those_behind_it_waiting() -> None:
    desk = Desk()
    waiting, behind, refused = desk.execute("wait"), desk.execute("ask", {"id": "j"}), desk.execute("nope")
    assert desk.answered == []
    assert desk.scheduler.waits() == ["command wait: waits for being let go"]
    desk.scheduler.wake(desk.task)
    assert waiting.reply == {"return": "done"}
    assert behind.reply == {"return": {"id": "j"}}
    assert refused.reply is not None
    assert desk.answered == ["wait", "ask", "nope"]


def test_command_that_waited_and_is_refused_lets_the_next_one_in() -> None:
    desk = Desk()
    waiting, behind = desk.execute("wait"), desk.execute("wait")
    desk.scheduler.wake(desk.task, True)
    assert waiting.reply == {"error": {"class": "DeviceNotFound", "desc": "too late"}}
    assert behind.reply is None
    desk.scheduler.wake(desk.task)
    assert behind.reply == {"return": "done"}


def test_command_sent_from_within_a_reply_is_taken() -> None:
    desk = Desk()
    inner: list[Any] = []
    desk.monitor.execute("ask", {"id": "a"}, lambda command: inner.append(desk.execute("ask", {"id": "b"})))
    assert inner[0].reply == {"return": {"id": "b"}}


def test_command_without_a_handler_is_a_bug() -> None:
    with pytest.raises(AssertionError, match=r"^commands without a handler: \['ask', 'refuse', 'wait'\]$"):
        Monitor(Scheduler(), TABLE, {})


# The machine


def test_machine_names_what_is_not_there() -> None:
    with pytest.raises(ModelError, match=r"^there is no node 'nope'$"):
        Machine().open_guest("nope")


def test_two_nodes_of_one_name_are_refused() -> None:
    kit = Kit()
    with pytest.raises(Exception, match=r"^the reference raised ModelError: Duplicate nodes with node-name='source'$"):
        kit.disk("source", 512)


def test_every_command_of_the_schema_is_listed_and_introspected() -> None:
    kit = Kit()
    names = {entry["name"] for entry in kit.do("query-commands")}
    assert names == set(COMMANDS)
    features = features_of_schema(kit.do("query-qmp-schema"))
    assert names <= features
    assert {"copy-mode=write-blocking", "BLOCK_JOB_READY", "query-block-jobs:actively-synced"} <= features


def test_bitmap_of_a_mirror_is_anonymous_and_belongs_to_the_filter() -> None:
    """QQ-4, QQ-5."""
    kit = Kit()
    kit.target.hold("write")
    kit.mirror(buf_size=K64)
    kit.wait_held(kit.target)
    nodes = {node["node-name"]: node for node in kit.do("query-named-block-nodes")}
    assert sorted(node["drv"] for node in nodes.values()) == ["mirror_top", "nbd", "nbd"]
    bitmaps = [bitmap for node in nodes.values() for bitmap in node.get("dirty-bitmaps", ())]
    assert [(bitmap["count"], bitmap["granularity"], bitmap["recording"]) for bitmap in bitmaps] == [
        (3 * K64, K64, False)
    ]
    assert "name" not in bitmaps[0]
    kit.target.clear_rules()
    kit.target.release_all()
    kit.wait_state("ready")
    kit.verb("complete")
    kit.wait_state("null")
    assert sorted(node["drv"] for node in kit.do("query-named-block-nodes")) == ["nbd", "nbd"]


def test_blockdev_mirror_waits_for_what_is_in_flight_and_holds_the_monitor() -> None:
    kit = Kit()
    kit.source.hold("write")
    kit.start("write", 0, 512, 1)
    mirror = kit.session.submit_command(
        "blockdev-mirror", {"job-id": "j", "device": "source", "target": "target", "sync": "full"}
    )
    query = kit.session.submit_command("query-jobs", {})
    kit.session.settle()
    assert (mirror.done, query.done) == (False, False)
    assert any("command blockdev-mirror: waits for" in line for line in kit.scheduler.waits())
    kit.source.release_all()
    kit.session.settle()
    assert mirror.reply == {"return": {}}
    assert query.done
