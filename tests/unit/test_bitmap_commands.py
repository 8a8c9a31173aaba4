"""The commands on bitmaps, where a case would be too coarse: every refusal leaves everything as it was."""

from __future__ import annotations

from typing import Any

import pytest
from reference_kit import K64, MIB, Kit

from reference_impl.bitmap_commands import find_bitmap
from reference_impl.bitmap_export import BitmapExport
from reference_impl.dirty_bitmap import DirtyBitmap
from reference_impl.qmp_errors import QmpError

KIB = 1024
VERBS = ("remove", "clear", "enable", "disable")


@pytest.fixture
def kit() -> Kit:
    return Kit(MIB)


def add(kit: Kit, name: str = "b", node: str = "source", **options: Any) -> DirtyBitmap:
    kit.do("block-dirty-bitmap-add", node=node, name=name, **options)
    bitmap = find_bitmap(kit.session.machine.graph.nodes[node], name)
    assert bitmap is not None
    return bitmap


def infos(kit: Kit, node: str = "source") -> list[dict[str, Any]]:
    nodes = {info["node-name"]: info for info in kit.do("query-named-block-nodes")}
    return list(nodes[node].get("dirty-bitmaps", []))


# Section: making


def test_add_without_options_is_clean_enabled_and_of_64_kib(kit: Kit) -> None:
    add(kit)
    assert infos(kit) == [
        {"name": "b", "count": 0, "granularity": K64, "recording": True, "busy": False, "persistent": False}
    ]


def test_add_disabled_records_nothing_until_enabled(kit: Kit) -> None:
    bitmap = add(kit, disabled=True)
    kit.write(0, 1, 1)
    assert bitmap.count_bytes == 0
    kit.do("block-dirty-bitmap-enable", node="source", name="b")
    kit.write(0, 1, 1)
    assert bitmap.count_bytes == K64


@pytest.mark.parametrize("exponent", range(9, 32))
def test_add_takes_every_power_of_two_from_a_sector_to_32_bits(kit: Kit, exponent: int) -> None:
    add(kit, granularity=1 << exponent)
    kit.write(MIB - 1, 1, 1)
    assert infos(kit)[0]["count"] == infos(kit)[0]["granularity"] == 1 << exponent


@pytest.mark.parametrize("granularity", [0, 1, 2, 256, 511, 513, 4095, 65537, 2**31 + 1, 2**32 - 1])
def test_add_of_any_other_granularity_is_refused(kit: Kit, granularity: int) -> None:
    text = kit.refusal("block-dirty-bitmap-add", node="source", name="b", granularity=granularity)
    assert text == "Granularity must be power of 2 and at least 512"
    assert infos(kit) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"node": "source", "name": ""}, "Bitmap name cannot be empty"),
        ({"node": "nowhere", "name": "", "granularity": 3}, "Bitmap name cannot be empty"),
        ({"node": "nowhere", "name": "c", "granularity": 3}, "Cannot find device='nowhere' nor node-name='nowhere'"),
        (
            {"node": "source", "name": "b", "granularity": 3, "persistent": True},
            "Granularity must be power of 2 and at least 512",
        ),
        (
            {"node": "source", "name": "c", "persistent": True},
            "Can't store persistent bitmaps to source: Operation not supported",
        ),
        ({"node": "source", "name": "b"}, "Bitmap already exists: b"),
        ({"node": "source", "name": "é" * 512}, "Bitmap name too long: " + "é" * 512),
        ({"node": "source", "name": "c", "granularity": -1}, "Parameter 'granularity' expects uint32_t"),
        ({"node": "source", "name": "c", "granularity": 2**32}, "Parameter 'granularity' expects uint32_t"),
    ],
)
def test_add_with_mistakes_is_refused_for_the_first(kit: Kit, arguments: dict[str, Any], text: str) -> None:
    add(kit)
    before = infos(kit)
    assert kit.refusal("block-dirty-bitmap-add", **arguments) == text
    assert infos(kit) == before


def test_add_on_a_bitmap_name_of_another_node_is_another_bitmap(kit: Kit) -> None:
    assert add(kit) is not add(kit, node="target")


def test_query_lists_the_newest_bitmap_first(kit: Kit) -> None:
    for name in ("one", "two", "three"):
        add(kit, name)
    assert [info["name"] for info in infos(kit)] == ["three", "two", "one"]


# Section: looking up


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("node", "name", "text"),
    [
        ("source", "c", "Dirty bitmap 'c' not found"),
        ("nowhere", "b", "Node 'nowhere' not found"),
        ("source", "", "Dirty bitmap '' not found"),
    ],
)
def test_command_on_what_is_not_there_is_refused(kit: Kit, verb: str, node: str, name: str, text: str) -> None:
    add(kit)
    assert kit.refusal(f"block-dirty-bitmap-{verb}", node=node, name=name) == text


def test_bitmap_of_a_mirror_is_found_under_no_name(kit: Kit) -> None:
    job = kit.mirror(speed=1, filter_node_name="filter")
    filter_node = kit.session.machine.graph.nodes["filter"]
    assert job.bitmap in filter_node.bitmaps
    assert find_bitmap(filter_node, "") is None
    assert find_bitmap(filter_node, "None") is None


# Section: the busy state


@pytest.mark.parametrize("verb", VERBS)
def test_command_on_a_busy_bitmap_is_refused_and_changes_nothing(kit: Kit, verb: str) -> None:
    bitmap = add(kit)
    kit.write(0, 1, 1)
    export = kit.session.machine.bitmaps.open_export("source", "b")
    before = infos(kit)
    assert before[0]["busy"]
    text = kit.refusal(f"block-dirty-bitmap-{verb}", node="source", name="b")
    assert text == "Bitmap 'b' is currently in use by another operation and cannot be used"
    assert infos(kit) == before
    export.close()
    kit.do(f"block-dirty-bitmap-{verb}", node="source", name="b")
    assert not bitmap.busy


def test_busy_bitmap_goes_on_recording(kit: Kit) -> None:
    add(kit)
    export = kit.session.machine.bitmaps.open_export("source", "b")
    kit.write(3 * K64, 1, 1)
    assert export.ranges() == [(3 * K64, K64)]


def test_export_closed_twice_does_no_harm(kit: Kit) -> None:
    bitmap = add(kit)
    first = kit.session.machine.bitmaps.open_export("source", "b")
    first.close()
    second = kit.session.machine.bitmaps.open_export("source", "b")
    first.close()
    assert bitmap.busy
    second.close()
    assert not bitmap.busy


def test_export_of_a_busy_bitmap_is_refused(kit: Kit) -> None:
    add(kit)
    kit.session.machine.bitmaps.open_export("source", "b")
    with pytest.raises(QmpError, match=r"^Bitmap 'b' is currently in use by another operation and cannot be used$"):
        kit.session.machine.bitmaps.open_export("source", "b")


def test_export_of_what_is_not_there_is_refused(kit: Kit) -> None:
    with pytest.raises(QmpError, match=r"^Bitmap 'b' is not found$"):
        kit.session.machine.bitmaps.open_export("source", "b")
    with pytest.raises(QmpError, match=r"^Node 'nowhere' not found$"):
        kit.session.machine.bitmaps.open_export("nowhere", "b")


def test_export_of_a_filter_finds_the_bitmap_below(kit: Kit) -> None:
    bitmap = add(kit)
    kit.mirror(speed=1, filter_node_name="filter")
    assert BitmapExport(kit.session.machine.graph.nodes["filter"], "b").bitmap is bitmap


def test_export_of_the_target_of_a_mirror_is_refused_and_leaves_the_bitmap_free(kit: Kit) -> None:
    bitmap = add(kit, node="target")
    kit.mirror(speed=1)
    with pytest.raises(QmpError, match=r"^Permission conflict on node 'target': .*$"):
        kit.session.machine.bitmaps.open_export("target", "b")
    assert not bitmap.busy
    kit.do("block-dirty-bitmap-remove", node="target", name="b")


def test_export_ranges_are_cut_at_the_end_of_the_disk() -> None:
    kit = Kit(MIB + 512)
    add(kit)
    kit.write(MIB, 1, 1)
    assert kit.session.machine.bitmaps.open_export("source", "b").ranges() == [(MIB, 512)]


# Section: merging


def test_merge_that_fails_at_the_last_source_has_merged_none(kit: Kit) -> None:
    target, source = add(kit, "target", disabled=True), add(kit, "source")
    kit.disk("larger", MIB + 512)
    add(kit, "larger", node="larger")
    kit.write(0, 1, 1)
    for last, text in (
        ("nothing", "Dirty bitmap 'nothing' not found"),
        ({"node": "nowhere", "name": "b"}, "Node 'nowhere' not found"),
        (
            {"node": "larger", "name": "larger"},
            "Bitmaps are of different sizes (destination size is 1048576, source size is 1049088) and can't be merged",
        ),
    ):
        given = ["source", last]
        assert kit.refusal("block-dirty-bitmap-merge", node="source", target="target", bitmaps=given) == text
        assert target.count_bytes == 0
    assert source.count_bytes == K64


def test_merge_of_nothing_changes_nothing(kit: Kit) -> None:
    bitmap = add(kit)
    kit.write(0, 1, 1)
    kit.do("block-dirty-bitmap-merge", node="source", target="b", bitmaps=[])
    assert bitmap.count_bytes == K64


@pytest.mark.parametrize("value", [1, True, None, [], 1.5])
def test_merge_source_that_is_neither_name_nor_object_is_refused(kit: Kit, value: Any) -> None:
    add(kit)
    text = kit.refusal("block-dirty-bitmap-merge", node="source", target="b", bitmaps=[value])
    assert text == "Invalid parameter type for 'null', expected: BlockDirtyBitmapOrStr"


@pytest.mark.parametrize("role", ["target", "source"])
def test_merge_with_a_busy_bitmap_is_refused_on_either_side(kit: Kit, role: str) -> None:
    add(kit, "free")
    add(kit, "busy")
    kit.session.machine.bitmaps.open_export("source", "busy")
    target, source = ("busy", "free") if role == "target" else ("free", "busy")
    text = kit.refusal("block-dirty-bitmap-merge", node="source", target=target, bitmaps=[source])
    assert text == "Bitmap 'busy' is currently in use by another operation and cannot be used"


# Section: the disk's size


def test_resize_of_a_disk_in_use_is_refused_and_the_bitmap_stays(kit: Kit) -> None:
    bitmap = add(kit)
    text = kit.refusal("block_resize", node_name="source", size=K64)
    use = "an unnamed block device (uses node 'source' as 'root' child)"
    assert text == (
        f"Permission conflict on node 'source': permissions 'resize' are both required by {use} and unshared by {use}."
    )
    assert bitmap.size_bytes == MIB


def test_resize_under_a_mirror_is_refused_and_names_the_job() -> None:
    kit = Kit(MIB, guest=False)
    kit.mirror(speed=1)
    for node in ("source", "target"):
        text = kit.refusal("block_resize", node_name=node, size=K64)
        assert text == f"Node '{node}' is busy: block device is in use by block job: mirror"


def test_resize_of_an_export_that_would_shrink_it_is_accepted_and_not_done() -> None:
    kit = Kit(MIB, guest=False)
    bitmap = add(kit)
    kit.do("block_resize", node_name="source", size=K64)
    assert bitmap.size_bytes == MIB
    assert kit.refusal("block_resize", node_name="source", size=2 * MIB) == "Cannot grow NBD nodes"
    assert bitmap.size_bytes == MIB


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (-1, "Parameter 'size' expects a >0 size"),
        (2**63 - 1, "offset(9223372036854775807) exceeds maximum(9223372035781033984)"),
    ],
)
def test_resize_to_what_is_no_size_is_refused(size: int, text: str) -> None:
    kit = Kit(MIB, guest=False)
    bitmap = add(kit)
    assert kit.refusal("block_resize", node_name="source", size=size) == text
    assert bitmap.size_bytes == MIB


# Section: mirrors


@pytest.mark.parametrize("copy_mode", ["background", "write-blocking"])
def test_mirror_leaves_bitmaps_of_the_source_alone(kit: Kit, copy_mode: str) -> None:
    bitmap = add(kit, granularity=4 * KIB)
    kit.write(100 * KIB, 1, 1)
    before = [bitmap.next_dirty_area(0, MIB), bitmap.count_bytes]
    kit.ready_mirror(copy_mode=copy_mode)
    assert [bitmap.next_dirty_area(0, MIB), bitmap.count_bytes] == before
    kit.write(500 * KIB, 1, 2)
    assert bitmap.count_bytes == 8 * KIB
    kit.verb("complete")
    kit.wait_state("null")
    assert bitmap.count_bytes == 8 * KIB
    kit.write(700 * KIB, 1, 3)
    assert bitmap.count_bytes == 8 * KIB
