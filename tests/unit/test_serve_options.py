"""The option strings of `serve`: commas, dots, JSON, types by the schema, and what is refused in QEMU's words."""

from __future__ import annotations

import re
from typing import Any

import pytest

from harness.serve import options
from harness.serve.keyval import parse, parse_typed
from harness.serve.options import Chardev
from reference_impl.qmp_errors import QmpError


@pytest.mark.parametrize(
    ("option", "text", "command"),
    [
        (
            "blockdev",
            "null-co,node-name=4096,size=4096,read-only=on",
            ("blockdev-add", {"driver": "null-co", "node-name": "4096", "size": 4096, "read-only": True}),
        ),
        (
            "blockdev",
            "driver=raw,node-name=a,file.driver=file,file.filename=a,,b",
            ("blockdev-add", {"driver": "raw", "node-name": "a", "file": {"driver": "file", "filename": "a,b"}}),
        ),
        (
            "blockdev",
            '{"driver": "null-co", "node-name": "a", "size": 4096}',
            ("blockdev-add", {"driver": "null-co", "node-name": "a", "size": 4096}),
        ),
        (
            "nbd-server",
            "addr.type=unix,addr.path=n.sock",
            ("nbd-server-start", {"addr": {"type": "unix", "data": {"path": "n.sock"}}}),
        ),
        (
            "export",
            "nbd,id=e,node-name=n,writable=yes,bitmaps.0=one,bitmaps.1=two",
            (
                "block-export-add",
                {"type": "nbd", "id": "e", "node-name": "n", "writable": True, "bitmaps": ["one", "two"]},
            ),
        ),
        (
            "object",
            "throttle-group,id=g,limits.iops-total=3",
            ("object-add", {"qom-type": "throttle-group", "id": "g", "limits": {"iops-total": 3}}),
        ),
    ],
)
def test_option_becomes_the_command_with_types(option: str, text: str, command: tuple[str, dict[str, Any]]) -> None:
    assert options.command(option, text) == command


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Parameter 'driver' is missing"),
        (",driver=null-co", "Invalid parameter ''"),
        ("null-co,bogus", "Expected '=' after parameter 'bogus'"),
        ("null-co,node-name=n,size=4k", "Parameter 'size' expects integer"),
        ("null-co,node-name=n,size=", "Parameter 'size' expects integer"),
        ("null-co,node-name=n,read-only=maybe", "Parameter 'read-only' expects 'on' or 'off'"),
        ("null-co,node-name=n,size.x=1", "Parameters 'size.*' are unexpected"),
        ("null-co,node-name=n,foo=1", "Parameter 'foo' is unexpected"),
        ("bogus,node-name=n", "Parameter 'driver' does not accept value 'bogus'"),
        ("file,node-name=n", "Parameter 'filename' is missing"),
    ],
)
def test_blockdev_that_is_wrong_is_refused_as_qemu_does(text: str, message: str) -> None:
    with pytest.raises(QmpError, match=f"^{re.escape(message)}$"):
        options.command("blockdev", text)


@pytest.mark.parametrize("text", ["{", '{"a"}', "{" * 2000, '["a"]{'])
def test_json_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(QmpError):
        parse_typed(text, "BlockdevOptions")


def test_parse_without_implied_key_wants_an_equals_sign() -> None:
    with pytest.raises(QmpError, match=r"^Expected '=' after parameter 'unix'$"):
        parse("unix")


@pytest.mark.parametrize(
    ("text", "chardev"),
    [
        ("socket,id=m,path=p,server=on,wait=off", Chardev("m", "socket", "p", None, True, False)),
        ("socket,id=m,path=p,server=on", Chardev("m", "socket", "p", None, True, True)),
        ("socket,id=m,path=p", Chardev("m", "socket", "p", None, False, False)),
        ("socket,id=m,fd=7", Chardev("m", "socket", None, 7, False, False)),
        ("stdio,id=m", Chardev("m", "stdio")),
    ],
)
def test_chardev_that_is_right_is_read(text: str, chardev: Chardev) -> None:
    assert Chardev.parse(text) == chardev


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("socket,path=p", "chardev: no id specified"),
        ("bogus,id=m", "'bogus' is not a valid char driver name; known are socket and stdio"),
        ("socket,id=m", "chardev: a socket has either a path or an fd"),
        ("socket,id=m,path=p,fd=3", "chardev: a socket has either a path or an fd"),
        ("socket,id=m,fd=x", "Unable to parse FD number x"),
        ("socket,id=m,path=p,server=maybe", "Parameter 'server' expects 'on' or 'off'"),
        ("socket,id=m,path=p,wait=off", "'wait' option is incompatible with socket in client connect mode"),
        ("socket,id=m,path=p,foo=1", "Invalid parameter 'foo'"),
    ],
)
def test_chardev_that_is_wrong_is_refused(text: str, message: str) -> None:
    with pytest.raises(QmpError, match=f"^{re.escape(message)}$"):
        Chardev.parse(text)


def test_monitor_names_its_chardev_with_and_without_the_key() -> None:
    assert options.monitor("m") == options.monitor("chardev=m,mode=control") == "m"
    with pytest.raises(QmpError, match=r"^Only QMP is supported$"):
        options.monitor("m,mode=readline")
