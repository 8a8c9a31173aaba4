"""NBD messages as bytes, and the server's option haggling, without any connection."""

from __future__ import annotations

import errno

import pytest

from harness.errors import CaseError
from harness.nbd import protocol
from harness.nbd.export import Export
from harness.nbd.haggling import Haggling
from harness.nbd.protocol import (
    ContextQuery,
    HandshakeFlag,
    Info,
    InfoQuery,
    MessageError,
    Option,
    Reply,
    TransmissionFlag,
    pack_option_reply,
)
from harness.storage import HeldStorage

# Layouts, against bytes written down by hand from the protocol document


def test_request_has_the_layout_of_the_document() -> None:
    packed = protocol.pack_request(protocol.Request(1, 6, 0x0102030405060708, 0x10000, 512))
    assert packed.hex() == "25609513000100060102030405060708000000000001000000000200"


def test_hello_has_the_layout_of_the_document() -> None:
    assert Haggling.hello() == b"NBDMAGICIHAVEOPT\0\3"


def test_option_and_its_reply_have_the_layout_of_the_document() -> None:
    assert protocol.pack_option(3, b"ab") == b"IHAVEOPT\0\0\0\3\0\0\0\2ab"
    assert pack_option_reply(3, 0x80000001, b"x").hex() == "0003e889045565a900000003800000010000000178"


def test_info_query_is_read_back() -> None:
    query = InfoQuery("é", (0, 3))
    data = protocol.pack_info_query(query)
    assert data.hex() == "00000002c3a9000200000003"
    assert protocol.parse_info_query(data) == query


def test_context_query_is_read_back() -> None:
    query = ContextQuery("a", ("base:allocation", "qemu:"))
    assert protocol.parse_context_query(protocol.pack_context_query(query)) == query


def test_error_chunk_is_read_back() -> None:
    chunk = protocol.pack_error_chunk(7, errno.EIO, "no")
    assert chunk.hex() == "668e33ef000180010000000000000007000000080000000500026e6f"
    assert protocol.parse_error_chunk(chunk[protocol.CHUNK.size :]) == (errno.EIO, "no")


def test_status_chunk_is_read_back() -> None:
    chunk = protocol.pack_status_chunk(7, 1, [(512, 3), (1024, 0)], 1)
    assert protocol.parse_status_chunk(chunk[protocol.CHUNK.size :]) == (1, [(512, 3), (1024, 0)])


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EIO, errno.EIO),
        (errno.ENOSPC, errno.ENOSPC),
        (errno.ENOTSUP, errno.ENOTSUP),
        (errno.EDQUOT, errno.ENOSPC),
        (errno.EFBIG, errno.ENOSPC),
        (errno.EROFS, errno.EPERM),
        (errno.ETIMEDOUT, errno.EIO),
    ],
)
def test_errno_maps_to_an_error_of_the_protocol(number: int, expected: int) -> None:
    assert protocol.nbd_error(number) == expected


def test_text_from_the_other_side_is_made_safe_to_show() -> None:
    assert protocol.printable(b"ok\x1b[2J\n\xff") == "ok?[2J?\ufffd"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("0000", "length of export name of 4 bytes exceeds the 2 there are"),
        ("00000005616263", "export name of 5 bytes exceeds the 3 there are"),
        ("00001001" + "61" * 4097, "export name of 4097 bytes is longer than 4096"),
        ("00000001ff0000", "export name b'\\xff' is not UTF-8"),
        ("0000000200610000", "export name b'\\x00a' contains a NUL"),
        ("000000000001", "information request of 2 bytes exceeds the 0 there are"),
        ("00000000000000", "1 bytes follow the last field"),
    ],
)
def test_info_query_that_is_malformed_is_refused(data: str, message: str) -> None:
    with pytest.raises(MessageError) as caught:
        protocol.parse_info_query(bytes.fromhex(data))
    assert str(caught.value) == message


def test_context_query_with_an_absurd_count_is_refused() -> None:
    with pytest.raises(MessageError, match=r"^4294967295 queries do not fit into 8 bytes$"):
        protocol.parse_context_query(bytes.fromhex("00000000ffffffff"))


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ("00000001", "block status of 4 bytes is not 4 and a positive multiple of 8"),
        ("000000010000020000", "block status of 9 bytes is not 4 and a positive multiple of 8"),
        ("000000010000000000000003", "block status has an extent of length 0"),
    ],
)
def test_status_chunk_that_is_malformed_is_refused(payload: str, message: str) -> None:
    with pytest.raises(MessageError) as caught:
        protocol.parse_status_chunk(bytes.fromhex(payload))
    assert str(caught.value) == message


def test_error_chunk_without_an_error_is_refused() -> None:
    with pytest.raises(MessageError, match=r"^error chunk reports error 0$"):
        protocol.parse_error_chunk(bytes(6))
    with pytest.raises(MessageError, match=r"^message of 9 bytes exceeds the 0 there are$"):
        protocol.parse_error_chunk(bytes.fromhex("000000050009"))


# Exports


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"minimum_block": 3}, "minimum block size 3 is not a power of two from 1 to 65536"),
        ({"minimum_block": 1 << 17}, "minimum block size 131072 is not a power of two from 1 to 65536"),
        ({"preferred_block": 256}, "preferred block size 256 is not a power of two from 512 to 33554432"),
        ({"minimum_block": 4096}, "size 512 is not a multiple of the minimum block size 4096"),
    ],
)
def test_export_with_unlawful_terms_is_refused(terms: dict[str, int], message: str) -> None:
    with pytest.raises(CaseError) as caught:
        Export("x", HeldStorage("x", 512), **terms)  # type: ignore[arg-type]
    assert str(caught.value) == message


# Haggling

SIZE = 1 << 20
FLAGS = (
    TransmissionFlag.HAS_FLAGS
    | TransmissionFlag.SEND_FLUSH
    | TransmissionFlag.SEND_FUA
    | TransmissionFlag.SEND_TRIM
    | TransmissionFlag.SEND_WRITE_ZEROES
    | TransmissionFlag.CAN_MULTI_CONN
)


def haggling(flags: int = HandshakeFlag.FIXED_NEWSTYLE | HandshakeFlag.NO_ZEROES) -> Haggling:
    exports = {
        "a": Export("a", HeldStorage("a", SIZE)),
        "ro": Export("ro", HeldStorage("ro", SIZE), read_only=True, minimum_block=512, multi_conn=False),
    }
    result = Haggling(exports)
    result.client_flags(flags)
    return result


def error(option: int, reply: Reply, message: str) -> list[bytes]:
    return [pack_option_reply(option, reply, message.encode())]


ACK = Reply.ACK


def test_client_flags_that_were_not_offered_are_refused() -> None:
    with pytest.raises(MessageError, match=r"^client flags 0x4 were not offered$"):
        haggling(4)


def test_go_enters_the_export_and_tells_its_terms() -> None:
    client = haggling()
    replies = client.option(Option.GO, protocol.pack_info_query(InfoQuery("ro", (Info.NAME,))))
    flags = FLAGS & ~TransmissionFlag.CAN_MULTI_CONN | TransmissionFlag.READ_ONLY
    assert replies == [
        pack_option_reply(7, 3, protocol.INFO_EXPORT.pack(0, SIZE, flags)),
        pack_option_reply(7, 3, protocol.INFO_BLOCK_SIZE.pack(3, 512, 4096, 32 << 20)),
        pack_option_reply(7, 3, b"\0\1ro"),
        pack_option_reply(7, ACK),
    ]
    assert client.export is not None
    assert client.export.name == "ro"


def test_info_tells_the_same_and_enters_nothing() -> None:
    client = haggling()
    client.option(Option.STRUCTURED_REPLY, b"")
    replies = client.option(Option.INFO, protocol.pack_info_query(InfoQuery("a", ())))
    assert replies[0] == pack_option_reply(6, 3, protocol.INFO_EXPORT.pack(0, SIZE, FLAGS | TransmissionFlag.SEND_DF))
    assert replies[-1] == pack_option_reply(6, ACK)
    assert client.export is None


def test_export_name_enters_at_once_with_padding_when_zeroes_were_not_waived() -> None:
    reply = protocol.EXPORT_NAME_REPLY.pack(SIZE, FLAGS)
    assert haggling().option(Option.EXPORT_NAME, b"a") == [reply]
    assert haggling(HandshakeFlag.FIXED_NEWSTYLE).option(Option.EXPORT_NAME, b"a") == [reply + bytes(124)]
    assert haggling(0).option(Option.EXPORT_NAME, b"a") == [reply + bytes(124)]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (b"nope", "export 'nope' does not exist, and EXPORT_NAME has no error reply"),
        (b"\xff", "export name b'\\xff' is not UTF-8"),
    ],
)
def test_export_name_of_no_export_ends_the_connection(name: bytes, message: str) -> None:
    with pytest.raises(MessageError) as caught:
        haggling().option(Option.EXPORT_NAME, name)
    assert str(caught.value) == message


def test_options_without_fixed_newstyle_end_the_connection() -> None:
    with pytest.raises(MessageError, match=r"^option LIST without fixed newstyle, which allows EXPORT_NAME only$"):
        haggling(0).option(Option.LIST, b"")


def test_list_names_every_export() -> None:
    assert haggling().option(Option.LIST, b"") == [
        pack_option_reply(3, Reply.SERVER, b"\0\0\0\1a"),
        pack_option_reply(3, Reply.SERVER, b"\0\0\0\2ro"),
        pack_option_reply(3, ACK),
    ]


def test_abort_is_acknowledged_and_ends_haggling() -> None:
    client = haggling()
    assert client.option(Option.ABORT, b"") == [pack_option_reply(2, ACK)]
    assert client.is_over


@pytest.mark.parametrize("option", [0, 4, Option.STARTTLS, Option.EXTENDED_HEADERS, 0xFFFFFFFF])
def test_option_that_is_not_supported_is_refused_and_haggling_goes_on(option: int) -> None:
    client = haggling()
    message = f"option {int(option)} is not supported"
    assert client.option(option, b"whatever") == error(option, Reply.ERR_UNSUP, message)
    assert client.option(Option.STRUCTURED_REPLY, b"") == [pack_option_reply(8, ACK)]


@pytest.mark.parametrize(
    ("option", "data", "message"),
    [
        (Option.LIST, b"x", "1 bytes of data come with an option that takes none"),
        (Option.STRUCTURED_REPLY, b"xy", "2 bytes of data come with an option that takes none"),
        (Option.GO, b"", "length of export name of 4 bytes exceeds the 0 there are"),
        (Option.SET_META_CONTEXT, b"", "metadata contexts need structured replies"),
        (Option.LIST_META_CONTEXT, b"", "metadata contexts need structured replies"),
    ],
)
def test_option_that_is_malformed_is_refused_as_invalid(option: Option, data: bytes, message: str) -> None:
    assert haggling().option(option, data) == error(option, Reply.ERR_INVALID, message)


def test_export_that_is_unknown_is_refused_by_name() -> None:
    client = haggling()
    client.option(Option.STRUCTURED_REPLY, b"")
    message = "export 'nope' does not exist"
    for option in (Option.INFO, Option.GO):
        query = protocol.pack_info_query(InfoQuery("nope", ()))
        assert client.option(option, query) == error(option, Reply.ERR_UNKNOWN, message)
    for option in (Option.LIST_META_CONTEXT, Option.SET_META_CONTEXT):
        query = protocol.pack_context_query(ContextQuery("nope", ()))
        assert client.option(option, query) == error(option, Reply.ERR_UNKNOWN, message)


def select(client: Haggling, name: str, *queries: str, option: Option = Option.SET_META_CONTEXT) -> list[bytes]:
    return client.option(option, protocol.pack_context_query(ContextQuery(name, queries)))


def go(client: Haggling, name: str) -> None:
    client.option(Option.GO, protocol.pack_info_query(InfoQuery(name, ())))


def test_context_that_is_selected_counts_for_its_export_only() -> None:
    granted = pack_option_reply(10, Reply.META_CONTEXT, b"\0\0\0\1base:allocation")
    for name, contexts in (("a", (1,)), ("ro", ())):
        client = haggling()
        client.option(Option.STRUCTURED_REPLY, b"")
        assert select(client, "a", "x:y", "base:allocation") == [granted, pack_option_reply(10, ACK)]
        go(client, name)
        assert client.contexts == contexts


def test_context_selected_before_is_forgotten_by_the_next_selection() -> None:
    client = haggling()
    client.option(Option.STRUCTURED_REPLY, b"")
    select(client, "a", "base:allocation")
    # A set does not take the namespace alone, nor nothing, for all.
    assert select(client, "a", "base:") == [pack_option_reply(10, ACK)]
    assert select(client, "a") == [pack_option_reply(10, ACK)]
    go(client, "a")
    assert client.contexts == ()


def test_context_list_takes_no_query_or_a_namespace_for_all() -> None:
    client = haggling()
    client.option(Option.STRUCTURED_REPLY, b"")
    all_of_them = [pack_option_reply(9, Reply.META_CONTEXT, b"\0\0\0\0base:allocation"), pack_option_reply(9, ACK)]
    for queries in ((), ("base:",), ("base:allocation",)):
        assert select(client, "a", *queries, option=Option.LIST_META_CONTEXT) == all_of_them
    assert select(client, "a", "qemu:", option=Option.LIST_META_CONTEXT) == [pack_option_reply(9, ACK)]
