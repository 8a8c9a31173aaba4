"""Empty images: what QEMU's own tools say of them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.images import describe_header, empty_image, storage_bytes


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="needs qemu-img")
@pytest.mark.slow
@pytest.mark.parametrize("cluster_bytes", [512, 65536, 2 << 20])
@pytest.mark.parametrize("size_bytes", [0, 512, 4 << 20])
@pytest.mark.parametrize("subclusters", [False, True])
def test_empty_image_is_sound_to_qemu_img(
    tmp_path: Path, cluster_bytes: int, size_bytes: int, subclusters: bool
) -> None:
    if subclusters and cluster_bytes < 16384:
        pytest.skip("such clusters have no parts")
    path = tmp_path / "image"
    (tmp_path / "base").write_bytes(bytes(4096))
    path.write_bytes(empty_image(size_bytes, cluster_bytes, "base", subclusters=subclusters))
    check = subprocess.run(["qemu-img", "check", "-f", "qcow2", path], capture_output=True, text=True, check=False)
    assert "No errors were found on the image." in check.stdout, check.stdout + check.stderr
    info = subprocess.run(["qemu-img", "info", path], capture_output=True, text=True, check=True).stdout
    assert f"({size_bytes} bytes)" in info
    assert f"cluster_size: {cluster_bytes}" in info
    assert "backing file: base" in info
    assert "backing file format: raw" in info
    assert f"extended l2: {str(subclusters).lower()}" in info


@pytest.mark.parametrize("cluster_bytes", [0, 256, 1000, 4 << 20])
def test_cluster_size_that_there_is_not_is_refused(cluster_bytes: int) -> None:
    with pytest.raises(ValueError, match=rf"^cluster size {cluster_bytes} is not a power of two from 512 to 2097152$"):
        empty_image(4096, cluster_bytes)


def test_storage_has_room_for_the_disk_and_the_empty_image() -> None:
    for cluster_bytes in (512, 65536, 2 << 20):
        assert storage_bytes(4 << 20, cluster_bytes) > (4 << 20) + len(empty_image(4 << 20, cluster_bytes))


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (bytes(512), "it is none"),
        (empty_image(4096), "4096 bytes, no backing file"),
        (empty_image(4096, backing_file="base.img"), "4096 bytes, backing file base.img (raw)"),
        (empty_image(1 << 40, 512, "a", "qcow2"), "1099511627776 bytes, backing file a (qcow2)"),
    ],
)
def test_header_is_described_in_words(image: bytes, words: str) -> None:
    assert describe_header(image) == words


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="needs qemu-img")
@pytest.mark.slow
def test_header_that_qemu_img_made_is_described_in_words(tmp_path: Path) -> None:
    for command in ("create -f qcow2 base 1M", "create -f qcow2 -b base -F qcow2 top 1M"):
        subprocess.run(["qemu-img", *command.split()], cwd=tmp_path, check=True, capture_output=True)
    assert describe_header((tmp_path / "base").read_bytes()) == "1048576 bytes, no backing file"
    assert describe_header((tmp_path / "top").read_bytes()) == "1048576 bytes, backing file base (qcow2)"
