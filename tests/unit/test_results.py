"""Artefact folders and scratch folders."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from harness import results


@pytest.mark.parametrize("specification", ["reference", "qemu-storage-daemon", "a.b_c"])
def test_slug_of_plain_name_is_the_name(specification: str) -> None:
    assert results.slug(specification) == specification


def test_slug_of_path_is_one_name_and_tells_alike_paths_apart() -> None:
    slugs = {results.slug(f"qemu-storage-daemon:/opt/{name}/bin/qsd") for name in ("a b", "a-b", "a/b")}
    assert len(slugs) == 3
    assert all(slug.startswith("qemu-storage-daemon-opt-a-b-bin-qsd-") for slug in slugs)


@pytest.mark.parametrize("specification", ["..", ".", "/", "x" * 1000 + "/", "ä/ö"])
def test_slug_of_strange_spec_is_a_safe_short_name(specification: str) -> None:
    slug = results.slug(specification)
    assert "/" not in slug
    assert slug not in (".", "..")
    assert len(slug) <= 69


def test_artefact_folder_again_is_emptied_of_ours_only(tmp_path: Path) -> None:
    folder = results.make_artefact_folder(tmp_path, "reference", "310-active-writes")
    assert folder == tmp_path / "reference" / "310-active-writes"
    (folder / results.ARTEFACTS).mkdir()
    for name in (results.TRANSCRIPT, "diff.txt", "artefacts/old", "notes-of-mine"):
        (folder / name).write_text("old")
    results.make_artefact_folder(tmp_path, "reference", "310-active-writes")
    assert [path.name for path in folder.iterdir()] == ["notes-of-mine"]


def test_scratch_root_under_long_temporary_folder_is_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("x" * 60)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    root = results.make_scratch_root()
    root.rmdir()
    assert len(str(root / "w123")) <= results.SCRATCH_PATH_BYTES_MAX


def test_transcript_never_begun_is_empty(tmp_path: Path) -> None:
    assert results.read_transcript(tmp_path) == ""


def test_transcript_with_strange_bytes_shows_them(tmp_path: Path) -> None:
    (tmp_path / results.TRANSCRIPT).write_bytes(b"a\xffb\r\n")
    assert results.read_transcript(tmp_path) == "a\\xffb\r\n"
