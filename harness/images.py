"""Empty images of the format ``qcow2``, made without QEMU's tools, so that cases with overlays run everywhere.

An image is a header, a table of reference counts with one block, and an empty first-level table, a cluster or more
each; whatever uses the image allocates the rest. Source: QEMU's docs/interop/qcow2.rst; tests hold the images against
`qemu-img check`.
"""

from __future__ import annotations

import struct

MAGIC = 0x514649FB
BACKING_FORMAT = 0xE2792ACA
HEADER_BYTES = 104
VERSION = 3
REFERENCE_COUNT_BITS_LOG2 = 4
ENTRY_BYTES = 8
EXTENDED_ENTRIES = 1 << 4
COPIED = 1 << 63

CLUSTER_BYTES_DEFAULT = 65536
CLUSTER_BYTES_MIN, CLUSTER_BYTES_MAX = 512, 2 << 20


def empty_image(
    size_bytes: int,
    cluster_bytes: int = CLUSTER_BYTES_DEFAULT,
    backing_file: str = "",
    backing_format: str = "raw",
    *,
    subclusters: bool = False,
) -> bytes:
    """The bytes of an image of which nothing is allocated.

    :param size_bytes: how long the disk is. :param cluster_bytes: a power of two from 512 to 2 MiB.
    :param backing_file: what the image says is below it; empty for nothing.
    :param subclusters: whether thirty-seconds of clusters are allocated by themselves, which takes clusters of 16 KiB.
    :raise ValueError: when there is no such cluster size.
    """
    if cluster_bytes & (cluster_bytes - 1) or not CLUSTER_BYTES_MIN <= cluster_bytes <= CLUSTER_BYTES_MAX:
        raise ValueError(f"cluster size {cluster_bytes} is not a power of two from 512 to 2097152")
    # With subclusters each entry of a second-level table has a second word, which tells which of them are there.
    table_reach = cluster_bytes * (cluster_bytes // (2 * ENTRY_BYTES if subclusters else ENTRY_BYTES))
    entries = -(-size_bytes // table_reach)
    table_clusters = -(-entries * ENTRY_BYTES // cluster_bytes)
    clusters = 3 + table_clusters

    extensions = b""
    if backing_file:
        name = backing_format.encode()
        extensions += struct.pack(">II", BACKING_FORMAT, len(name)) + name + bytes(-len(name) % 8)
    extensions += struct.pack(">II", 0, 0)
    backing = backing_file.encode()
    header = struct.pack(
        ">IIQIIQIIQQIIQQQQII",
        MAGIC,
        VERSION,
        HEADER_BYTES + len(extensions) if backing else 0,
        len(backing),
        cluster_bytes.bit_length() - 1,
        size_bytes,
        0,
        entries,
        3 * cluster_bytes,
        cluster_bytes,
        1,
        0,
        0,
        EXTENDED_ENTRIES if subclusters else 0,
        0,
        0,
        REFERENCE_COUNT_BITS_LOG2,
        HEADER_BYTES,
    )
    image = bytearray(clusters * cluster_bytes)
    first = header + extensions + backing
    image[: len(first)] = first
    struct.pack_into(">Q", image, cluster_bytes, 2 * cluster_bytes)
    struct.pack_into(f">{clusters}H", image, 2 * cluster_bytes, *[1] * clusters)
    return bytes(image)


def describe_header(image: bytes) -> str:
    """What an image says of itself, in words: how long the disk is, and what is below it."""
    magic, _, name_offset, name_length = struct.unpack(">IIQI", image[:20])
    if magic != MAGIC:
        return "it is none"
    size = struct.unpack(">Q", image[24:32])[0]
    if not name_offset:
        return f"{size} bytes, no backing file"
    position = struct.unpack(">I", image[100:104])[0]
    name, driver = image[name_offset : name_offset + name_length].decode(), "no format"
    while position + 8 <= name_offset:
        kind, length = struct.unpack(">II", image[position : position + 8])
        if kind == BACKING_FORMAT:
            driver = image[position + 8 : position + 8 + length].decode()
        position += 8 + -(-length // 8) * 8
        if not kind:
            break
    return f"{size} bytes, backing file {name} ({driver})"


def storage_bytes(size_bytes: int, cluster_bytes: int) -> int:
    """How long the storage of such an image must be that it never has to grow: data, tables, and some room to spare."""
    data = -(-size_bytes // cluster_bytes) * cluster_bytes
    return data + data // 8 + 24 * cluster_bytes + (1 << 20)
