"""The documentation: its commands run or at least parse, the snippets for CI too, and Sphinx has no complaint."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

import pytest

from harness import cli

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
LIMIT_S = 120.0


class Command(NamedTuple):
    """A command of a console block, with what belongs to it, and the exit status that the page promises."""

    text: str
    status: int


def console_commands(text: str) -> list[Command]:
    """Return the commands of a page's console blocks, in order."""
    found: list[Command] = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            status = re.search(r"^\(exit status (\d+)\)\n", part, re.MULTILINE)
            command = part[: status.start()] if status else part
            if "<<'END'" not in command:
                command = command.splitlines()[0]
            found.append(Command(command, int(status[1]) if status else 0))
    return found


def environment(folder: Path) -> dict[str, str]:
    """Return an environment in which ``mirrorcheck`` is this very one, and keeps its results in the folder."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "mirrorcheck").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m harness.cli "$@"\n')
    (programs / "mirrorcheck").chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "MIRRORCHECK_RESULTS": str(folder / "results"),
        "GITHUB_STEP_SUMMARY": str(folder / "step-summary.md"),
    }


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    work = folder / "work"
    work.mkdir(exist_ok=True)
    return subprocess.run(
        ["bash", "-c", command],
        cwd=work,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("page", [page.name for page in PAGES if "```console" in page.read_text("utf-8")])
def test_commands_of_a_page_do_what_it_says(page: str, tmp_path: Path) -> None:
    for command in console_commands((DOCS / page).read_text("utf-8")):
        if "qemu-storage-daemon" in command.text and shutil.which("qemu-storage-daemon") is None:
            continue
        done = run(command.text, tmp_path)
        assert done.returncode == command.status, f"$ {command.text}\n{done.stdout}"
        assert "Traceback" not in done.stdout


def shown_lines() -> list[tuple[str, str]]:
    """Return every line of a page that shows how mirrorcheck is called outside a console block."""
    found = []
    for page in PAGES:
        text = re.sub(r"^```console\n.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        text = re.sub(r" \\\n +", " ", text)  # a line that goes on in the next is one line
        found += [(page.name, line) for line in re.findall(r"^    (mirrorcheck .*)$", text, re.MULTILINE)]
    return found


@pytest.mark.parametrize(("page", "line"), shown_lines())
def test_shown_line_is_one_that_mirrorcheck_understands(page: str, line: str) -> None:
    line = re.split(r"\s{2,}", line)[0]
    # What is optional is there or not there: both must be understood; of alternatives the first.
    without = re.sub(r"\[[^]]*\]", "", line)
    within = re.sub(r"\[([^]|]*)(\|[^]]*)?\]", r"\1", line)
    parser = cli.make_parser()
    for text in {without, within}:
        parser.parse_args(shlex.split(re.sub(r"(--[a-z-]+) [NS]\b", r"\1 1", text))[1:])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["github.yml", "gitlab.yml"])
def test_snippet_for_ci_is_valid_and_its_commands_run(name: str, tmp_path: Path) -> None:
    import yaml

    document = yaml.safe_load((DOCS / "ci" / name).read_text("utf-8"))
    if name == "github.yml":
        # YAML 1.1 reads the key "on" as true.
        assert set(document) == {"name", True, "permissions", "jobs"}
        steps = document["jobs"]["gate"]["steps"]
        assert all(("uses" in step) != ("run" in step) for step in steps)
        commands = [step["run"] for step in steps if "run" in step]
    else:
        job = document["mirrorcheck"]
        commands = job["before_script"] + job["script"] + job["after_script"]
    baseline = "mirrorcheck run -g quick 3xx --results base; cp base/latest/results.jsonl mirrorcheck-baseline.jsonl"
    made = run(baseline, tmp_path)
    assert made.returncode == 0, made.stdout
    ours = [command for command in commands if "mirrorcheck " in command and not command.startswith("pip ")]
    assert len(ours) == 2
    for command in ours:
        done = run(f"set -e; {command}", tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stdout}"
    work = tmp_path / "work"
    assert ElementTree.parse(work / "results" / "report.xml").getroot().get("failures") == "0"
    assert (work / "results" / "page.html").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("myst_parser") is None, reason="the extra 'docs' is not installed")
def test_sphinx_builds_the_documentation_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-n", "-W", "--keep-going", "-q", str(DOCS), str(tmp_path / "built")],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for page in PAGES:
        assert (tmp_path / "built" / f"{page.stem}.html").is_file()
    ElementTree.parse(DOCS / "generated_pages" / "job-states.svg")


def test_diagram_places_every_state_and_draws_every_transition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    generated = importlib.import_module("generated")
    from reference_impl.job_states import TRANSITIONS, JobState

    assert set(generated.PLACES) == {state.value for state in JobState}
    picture = ElementTree.fromstring(generated.state_diagram())
    drawn = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert len(drawn) == sum(map(len, TRANSITIONS.values())) == 20
    assert generated.verb_table().count("yes") == 31


def test_page_of_known_bugs_is_what_the_tables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    generated = importlib.import_module("generated")
    page = generated.known_bugs()
    assert "|  |" not in page
    assert page == generated.KNOWN_BUGS.read_text("utf-8"), "renew it: python docs/generated.py"
