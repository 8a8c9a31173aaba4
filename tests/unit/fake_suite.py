"""A suite of tiny cases on a bench that only prints, for tests of everything around the bench.

It stands in for ``harness.implementations`` and for the worker's runner; supervisor, keepers and workers are real.
A spec is ``fake``, or ``fake:VERSION``, or ``fake:VERSION+FEATURE+FEATURE``; ``fake:absent`` cannot be started.

As a program it is ``mirrorcheck`` with these stand-ins: ``python fake_suite.py run 310``.
"""

from __future__ import annotations

import functools
import sys
import textwrap
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pytest

import harness
from harness import running, supervisor, whole_run
from harness.errors import CaseSkipped, ImplementationUnavailable, UsageError
from harness.records import RawRun, Record, RunStatus, Verdict
from harness.suite import Suite
from harness.transcript import Transcript
from harness.worker import Identity, Order

FOLDER = Path(__file__).resolve().parent
RUNNER = "fake_suite:run_case"


class Probe(NamedTuple):
    """What the fake says of itself."""

    version: str
    features: frozenset[str]


class FakeImplementation:
    """An implementation that is nothing but its spec."""

    def __init__(self, spec: str) -> None:
        self.spec = spec

    def probe(self) -> Probe:
        """Take version and features from the spec."""
        version, *features = (self.spec.partition(":")[2] or "1.0").split("+")
        if version == "absent":
            raise ImplementationUnavailable("no program 'fake' is there")
        return Probe(version, frozenset(features))


class FakeKind(NamedTuple):
    """A kind that has whatever candidates it is given."""

    name: str
    summary: str
    specs: list[str]
    installation: str = ""

    def candidates(self) -> list[str]:
        """The specs worth probing."""
        return self.specs


def parse(spec: str) -> FakeImplementation:
    """Know fakes only."""
    if spec.partition(":")[0] not in ("fake", "reference"):
        raise UsageError(f"unknown implementation '{spec}': known are reference, fake[:VERSION]")
    return FakeImplementation(spec)


class FakeBench:
    """Prints."""

    def __init__(self, transcript: Transcript, version: str, features: frozenset[str]) -> None:
        self._transcript = transcript
        self.version = version
        self.features = features

    def say(self, text: str) -> None:
        """Print one line into the transcript."""
        self._transcript.line(text)


def run_case(order: Order, file: BinaryIO, scratch: Path, begin: Callable[[Identity], None]) -> None:
    """Stand in for the worker's runner."""
    probe = parse(order.task.implementation).probe()
    begin(Identity(probe.version, sorted(probe.features)))
    for feature in order.task.needs:
        if feature not in probe.features:
            raise CaseSkipped(f"needs {feature}")
    namespace: dict[str, object] = {"__name__": "case"}
    path = order.task.case_path
    exec(compile(Path(path).read_text("utf-8"), path, "exec"), namespace)
    run = namespace["run"]
    assert callable(run)
    run(FakeBench(Transcript(file), probe.version, probe.features))


def write_case(root: Path, case_id: str, body: str = "", *, groups: str = "quick", needs: str = "") -> Path:
    """Write a case file whose ``run(bench)`` has this body; without one it says hello."""
    folder = root / "cases"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{case_id}.py"
    header = f"Groups: {groups}\n" + (f"Needs: {needs}\n" if needs else "") + "Source: QE-18, 151-1\n"
    body = textwrap.indent(textwrap.dedent(body or "bench.say('hello')"), "    ")
    path.write_text(
        f'"""{case_id}: claims something.\n\nSome text.\n\n{header}"""\n\n\ndef run(bench):\n{body}\n', "utf-8"
    )
    return path


def write_golden(root: Path, name: str, text: str = "hello\n") -> Path:
    """Write a file below the golden folder."""
    path = root / "golden" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def make_suite(root: Path, bodies: Mapping[str, str], goldens: Mapping[str, str] | None = None) -> Suite:
    """Write a suite: case bodies by id, and goldens by name; a case without a golden expects hello."""
    (root / "golden").mkdir(parents=True, exist_ok=True)
    for case_id, body in bodies.items():
        write_case(root, case_id, body)
        write_golden(root, f"{case_id}.out")
    for name, text in (goldens or {}).items():
        write_golden(root, name, text)
    return Suite(root=root, explicit=True)


def make_run(case: str = "310-active-writes", **fields: object) -> RawRun:
    """Return a completed run that said hello, but for the given fields."""
    values: dict[str, object] = {
        "case": case,
        "implementation": "fake",
        "version": "1.0",
        "status": RunStatus.COMPLETED,
        "transcript": "hello\n",
        "duration_s": 0.012,
    }
    return RawRun(**(values | fields))  # type: ignore[arg-type]


def make_record(verdict: Verdict = Verdict.PASS, **fields: object) -> Record:
    """Return a record; fields that only a run has go into the run."""
    run_fields = {name: fields.pop(name) for name in list(fields) if name not in Record.__struct_fields__}
    run = make_run(**run_fields)  # type: ignore[arg-type]
    return Record(run=run, verdict=verdict, **fields)  # type: ignore[arg-type]


def install(patch: pytest.MonkeyPatch) -> None:
    """Put the stand-ins into place."""
    module = types.ModuleType("harness.implementations")
    module.__dict__.update(
        parse=parse,
        kinds=lambda: [
            FakeKind("reference", "the reference", ["reference"]),
            FakeKind("fake", "a fake", ["fake:2.0+b+a", "fake:absent"]),
            FakeKind("qemu-storage-daemon", "a real one", [], "ask somebody"),
        ],
    )
    patch.setitem(sys.modules, "harness.implementations", module)
    patch.setattr(harness, "implementations", module, raising=False)
    real: type[supervisor.Supervisor] = supervisor.Supervisor
    for owner in (supervisor, running, whole_run):
        patch.setattr(owner, "Supervisor", functools.partial(real, runner=RUNNER))
    patch.setenv("PYTHONPATH", f"{FOLDER}:{FOLDER.parent.parent}")


if __name__ == "__main__":
    from harness.cli import main

    with pytest.MonkeyPatch.context() as patch:
        install(patch)
        status = main()
    sys.exit(status)
