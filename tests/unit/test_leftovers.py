"""The surroundings of a case: what it makes for a while is where it goes with it, also when the case is killed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from harness.leftovers import Surroundings


def test_temporary_files_of_a_case_are_in_its_scratch_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scratch = tmp_path / "root" / "w0"
    (tmp_path / "root").mkdir()
    surroundings = Surroundings(scratch)
    folder = Path(tempfile.mkdtemp())
    assert folder.parent == scratch
    assert str(folder.relative_to(scratch)) in " ".join(surroundings.leftovers())
    surroundings.restore()
    assert not folder.exists()
    assert tempfile.gettempdir() == str(tmp_path)
