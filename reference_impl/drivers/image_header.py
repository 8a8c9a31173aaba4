"""What an image of the format ``qcow2`` says of itself in its first bytes: all of the format that the reference knows.

The reference reads a header so that the very same image serves a real program, and writes one where `drive-mirror` is
to make an image. Where in the file a cluster lies is its own affair.

Source: rows QD-01 and QD-09, 155; 109 for what the first bytes of other formats look like.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from reference_impl.qmp_errors import QmpError

MAGIC = 0x514649FB  # "QFI" and 0xfb
FIXED_BYTES = 104
HEAD_BYTES = 2048
"""How much of a file the header is looked for in: the longest name of a backing file has 1023 bytes."""

CLUSTER_BITS_MIN, CLUSTER_BITS_MAX = 9, 21
CLUSTER_BYTES_DEFAULT = 65536
SUBCLUSTERS = 32
"""How many parts a cluster has, where the format is extended so that each can be there or not by itself."""

_BACKING_FORMAT = 0xE2792ACA
_EXTENDED_ENTRIES = 1 << 4


class ImageHeader(NamedTuple):
    """What an image says of itself.

    :ivar backing_file: the name of what is below it, empty for nothing; then `blockdev-add` may leave that out.
    :ivar backing_format: what driver that is for, empty if it is to be found out.
    :ivar has_subclusters: whether it allocates thirty-seconds of clusters.
    """

    size_bytes: int
    cluster_size_bytes: int = CLUSTER_BYTES_DEFAULT
    backing_file: str = ""
    backing_format: str = ""
    has_subclusters: bool = False


def parse_header(data: bytes) -> ImageHeader:
    """Read the header of an image.

    :param data: the first bytes of the file. :raise QmpError: when it is no such image.
    """
    if len(data) < 32:
        raise QmpError("Image is not in qcow2 format")
    magic, version, name_offset, name_length, cluster_bits, size = struct.unpack(">IIQIIQ", data[:32])
    if magic != MAGIC:
        raise QmpError("Image is not in qcow2 format")
    if version not in (2, 3):
        raise QmpError(f"Unsupported qcow2 version {version}")
    if not CLUSTER_BITS_MIN <= cluster_bits <= CLUSTER_BITS_MAX:
        raise QmpError(f"Unsupported cluster size: 2^{cluster_bits}")
    incompatible = struct.unpack(">Q", data[72:80])[0] if version == 3 and len(data) >= FIXED_BYTES else 0
    name = data[name_offset : name_offset + name_length].decode(errors="replace") if name_offset else ""
    backing_format = _backing_format(data, version)
    return ImageHeader(size, 1 << cluster_bits, name, backing_format, bool(incompatible & _EXTENDED_ENTRIES))


def _backing_format(data: bytes, version: int) -> str:
    position = struct.unpack(">I", data[100:104])[0] if version == 3 and len(data) >= FIXED_BYTES else 72
    while position + 8 <= len(data):
        kind, length = struct.unpack(">II", data[position : position + 8])
        position += 8
        if kind == _BACKING_FORMAT:
            return data[position : position + length].decode(errors="replace")
        if not kind:
            break
        position += -(-length // 8) * 8
    return ""


def encode_header(header: ImageHeader) -> bytes:
    """The first bytes of a new image that says this of itself, and that nobody but the reference can use."""
    extensions = b""
    if header.backing_format:
        name = header.backing_format.encode()
        extensions += struct.pack(">II", _BACKING_FORMAT, len(name)) + name + bytes(-len(name) % 8)
    extensions += bytes(8)
    backing = header.backing_file.encode()
    fixed = bytearray(FIXED_BYTES)
    name_offset = FIXED_BYTES + len(extensions) if backing else 0
    cluster_bits = header.cluster_size_bytes.bit_length() - 1
    struct.pack_into(">IIQIIQ", fixed, 0, MAGIC, 3, name_offset, len(backing), cluster_bits, header.size_bytes)
    struct.pack_into(">Q", fixed, 72, _EXTENDED_ENTRIES if header.has_subclusters else 0)
    struct.pack_into(">I", fixed, 100, FIXED_BYTES)
    return bytes(fixed) + extensions + backing


def probe(head: bytes) -> str:
    """The format that the first bytes of a disk look like; ``raw`` for anything else (109)."""
    version = int.from_bytes(head[4:8], "big")
    if head[:4] == b"QFI\xfb" and version:
        return "qcow" if version == 1 else "qcow2"
    if head[64:68] == b"\x7f\x10\xda\xbe":
        return "vdi"
    return next((name for magic, name in _BEGINNINGS.items() if head.startswith(magic)), "raw")


_BEGINNINGS = {
    b"QED\0": "qed",
    b"KDMV": "vmdk",
    b"COWD": "vmdk",
    b"conectix": "vpc",
    b"vhdxfile": "vhdx",
    struct.pack("16sI", b"WithoutFreeSpace", 2): "parallels",
    struct.pack("32s16s16s", b"Bochs Virtual HD Image", b"Redolog", b"Growing"): "bochs",
    b"#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n": "cloop",
}
