"""Images in files, as the reference makes and opens them: names, formats, backing files, and what is refused."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.implementations.reference_files import Files
from reference_impl.backend import Backend
from reference_impl.drivers.image_header import ImageHeader, encode_header, parse_header
from reference_impl.drivers.overlay import OverlayNode
from reference_impl.file_nodes import PassThroughNode
from reference_impl.graph import BlockIoError, Graph, Node
from reference_impl.image_files import ImageFiles
from reference_impl.qmp_errors import QmpError
from reference_impl.scheduler import Scheduler

SIZE = 1 << 20


@pytest.fixture
def graph() -> Graph:
    return Graph(Scheduler())


@pytest.fixture
def images(graph: Graph, tmp_path: Path) -> ImageFiles:
    return ImageFiles(graph, Files(tmp_path, graph.scheduler.post))


def chain(graph: Graph, node: Node) -> list[str]:
    return [each.filename for each in graph.chain(node)]


def test_created_image_names_its_backing_file(graph: Graph, images: ImageFiles, tmp_path: Path) -> None:
    images.create("base.img", "qcow2", SIZE, None)
    base = images.open("base.img", "qcow2")
    images.create("top.img", "qcow2", SIZE, base)
    assert parse_header((tmp_path / "top.img").read_bytes()) == ImageHeader(SIZE, 65536, "base.img", "qcow2")
    assert chain(graph, images.open("top.img", "", with_backing=True)) == ["top.img", "base.img"]


def test_created_raw_file_has_the_length_and_no_backing_file(graph: Graph, images: ImageFiles, tmp_path: Path) -> None:
    images.create("raw.img", "raw", SIZE, None)
    assert (tmp_path / "raw.img").stat().st_size == SIZE
    with pytest.raises(QmpError, match=r"^Backing file not supported for file format 'raw'$"):
        images.create("raw2.img", "raw", SIZE, images.open("raw.img", "raw"))
    assert not (tmp_path / "raw2.img").exists()


@pytest.mark.parametrize(
    ("path", "image_format", "message"),
    [
        ("new.img", "foo", "Unknown file format 'foo'"),
        ("no/where", "qcow2", "Could not create 'no/where': No such file or directory"),
        ("open.img", "qcow2", 'Failed to get "write" lock'),
        ("open.img", "raw", 'Failed to get "resize" lock'),
    ],
)
def test_create_refuses(
    graph: Graph, images: ImageFiles, tmp_path: Path, path: str, image_format: str, message: str
) -> None:
    (tmp_path / "open.img").write_bytes(bytes(SIZE))
    Backend(graph, images.open("open.img", "raw"), "guest")
    with pytest.raises(QmpError) as caught:
        images.create(path, image_format, SIZE, None)
    assert caught.value.description == message


def test_backing_file_is_looked_for_beside_its_image(graph: Graph, images: ImageFiles, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "base").write_bytes(bytes(SIZE))
    (tmp_path / "folder" / "top").write_bytes(encode_header(ImageHeader(SIZE, 65536, "base", "raw")))
    top = images.open("folder/top", "qcow2")
    assert chain(graph, top) == ["folder/top", "folder/base"]
    assert top.children["backing"].node.read_only


def test_backing_file_that_is_not_there_is_named_and_leaves_nothing(
    graph: Graph, images: ImageFiles, tmp_path: Path
) -> None:
    (tmp_path / "top").write_bytes(encode_header(ImageHeader(SIZE, 65536, "gone", "raw")))
    top = images.open("top", "qcow2", with_backing=False)
    top.owned_by_monitor = True
    with pytest.raises(QmpError) as caught:
        images.attach_backing_of(top)
    assert caught.value.description == "Could not open backing file: Could not open 'gone': No such file or directory"
    assert chain(graph, top) == ["top"]
    assert len(graph.nodes) == 2
    (tmp_path / "gone").write_bytes(bytes(SIZE))
    images.attach_backing_of(top)
    assert chain(graph, top) == ["top", "gone"]


def test_backing_file_of_nothing_is_one_of_null_co(graph: Graph, images: ImageFiles, tmp_path: Path) -> None:
    (tmp_path / "top").write_bytes(encode_header(ImageHeader(SIZE, 65536, "null-co://", "null-co")))
    top = images.open("top", "")
    assert isinstance(top, OverlayNode)
    assert [each.driver for each in graph.chain(top)] == ["qcow2", "null-co"]


def write(graph: Graph, node: Node, offset: int, data: bytes) -> int:
    """Write and return the errno."""
    outcome: list[int] = []

    async def body() -> None:
        try:
            await node.write(offset, data)
            outcome.append(0)
        except BlockIoError as error:
            outcome.append(error.errno)

    graph.scheduler.start(body(), "test")
    graph.scheduler.settle()
    return outcome[0]


@pytest.mark.parametrize(
    ("offset", "data", "expected"),
    [
        (0, b"QFI\xfb\0\0\0\x03" + bytes(504), errno.EPERM),
        (0, b"QFI\xfb\0\0\0\x03", errno.EPERM),
        (4, b"\0\0\0\x03", 0),
        (64, b"\x7f\x10\xda\xbe", errno.EPERM),
        (0, b"QFI\xfb\0\0\0\0" + bytes(504), 0),
        (512, b"QFI\xfb\0\0\0\x03" + bytes(504), 0),
        (0, bytes(512), 0),
    ],
)
@pytest.mark.parametrize("image_format", ["", "raw"])
def test_probed_file_must_not_come_to_look_like_an_image(
    graph: Graph, images: ImageFiles, tmp_path: Path, image_format: str, offset: int, data: bytes, expected: int
) -> None:
    (tmp_path / "file").write_bytes(bytes(4096))
    node = images.open("file", image_format)
    assert isinstance(node, PassThroughNode)
    assert write(graph, node, offset, data) == (0 if image_format else expected)


def test_image_grows_with_what_is_written_to_it(graph: Graph, images: ImageFiles, tmp_path: Path) -> None:
    images.create("image", "qcow2", SIZE, None)
    before = (tmp_path / "image").stat().st_size
    assert write(graph, images.open("image", "qcow2"), SIZE - 512, bytes(512)) == 0
    assert (tmp_path / "image").stat().st_size > before + 65536


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.write_bytes(b"\0" * 512)])
def test_image_that_is_none_is_refused(images: ImageFiles, tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "file")
    with pytest.raises(
        QmpError, match=r"^(Could not open 'file': No such file or directory|Image is not in qcow2 .*)$"
    ):
        images.open("file", "qcow2")
