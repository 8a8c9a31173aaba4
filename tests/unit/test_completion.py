"""Completion: the shells take the script, and it offers what there is."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import command_line
import fake_suite
import pytest
from command_line import CommandLine


@pytest.fixture
def mirrorcheck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> CommandLine:
    return command_line.make(tmp_path, monkeypatch, capfd)


def test_words_are_those_that_there_are(mirrorcheck: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mirrorcheck("completion", "words", "cases") == (0, "100-life\n310-active-writes\n", "")
    assert mirrorcheck("completion", "words", "groups") == (0, "quick\n", "")
    assert mirrorcheck("completion", "words", "runs") == (0, "latest\n", "")
    (mirrorcheck.root / "cases" / "310-active-writes.py").write_text("nonsense(")
    assert mirrorcheck("completion", "words", "cases") == (0, "", "")


def complete(script: Path, folder: Path, *words: str) -> list[str]:
    """Return what bash offers for the last word."""
    program = folder / "bin" / "mirrorcheck"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {fake_suite.__file__} "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    state = f'COMP_WORDS=({" ".join(words)} ""); COMP_CWORD={len(words)}'
    command = f'. "{script}"; {state}; _mirrorcheck; echo "${{COMPREPLY[@]}}"'
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, env=environment)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
def test_bash_offers_commands_options_cases_and_groups(mirrorcheck: CommandLine, tmp_path: Path) -> None:
    status, text, _ = mirrorcheck("completion", "bash")
    assert status == 0
    script = tmp_path / "completion.bash"
    script.write_text(text)
    assert {"run", "gate", "report"} <= set(complete(script, tmp_path, "mirrorcheck"))
    assert {"--impl", "310-active-writes"} <= set(complete(script, tmp_path, "mirrorcheck", "run"))
    assert complete(script, tmp_path, "mirrorcheck", "run", "-g") == ["quick"]
    assert complete(script, tmp_path, "mirrorcheck", "gate", "--against") == ["latest"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_served(mirrorcheck: CommandLine, shell: str) -> None:
    status, text, _ = mirrorcheck("completion", shell)
    assert status == 0
    assert "analyze" in text
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=text, text=True, check=True)


def test_unknown_shell_is_refused(mirrorcheck: CommandLine) -> None:
    status, _, error = mirrorcheck("completion", "tcsh")
    assert status == 254
    assert error.startswith("mirrorcheck: error: argument SHELL: invalid choice: 'tcsh'")
