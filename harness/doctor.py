"""Looks at this machine: which implementations it has, what they offer, and what is missing.

Everything found is started once, as a case would start it; a version number alone is believed by nobody here.
"""

from __future__ import annotations

import importlib.metadata
import platform
import sys
import tempfile
from collections.abc import Sequence

import msgspec

from harness import __version__
from harness.cases import Case
from harness.errors import ImplementationError, ImplementationUnavailable

_DISTRIBUTIONS = ("msgspec", "pexpect", "pytest", "pytest-xdist", "qemu.qmp", "rich")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One implementation that may be on this machine.

    :ivar spec: what to give to --impl.
    :ivar version: what it calls its version; "" when it could not be started.
    :ivar features: what it offers, sorted.
    :ivar problem: why it cannot be used; "" when it can.
    :ivar lacks: features that cases need and it does not have, sorted.
    :ivar skipped_count: how many cases are skipped for that.
    """

    spec: str
    version: str = ""
    features: list[str] = []
    problem: str = ""
    lacks: list[str] = []
    skipped_count: int = 0


class KindReport(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of implementation and what this machine has of it.

    :ivar hint: how to get it, when nothing that was found can be used.
    """

    name: str
    summary: str
    found: list[Found] = []
    hint: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything.

    :ivar machine: name and version of what mirrorcheck itself runs on.
    :ivar problems: what keeps mirrorcheck itself from working.
    :ivar case_count: how many cases the suite has.
    """

    machine: dict[str, str]
    problems: list[str] = []
    case_count: int = 0
    kinds: list[KindReport] = []

    @property
    def is_usable(self) -> bool:
        """Whether anything can be run here."""
        return not self.problems and any(not found.problem for kind in self.kinds for found in kind.found)


def examine(cases: Sequence[Case] = ()) -> Report:
    """Start every implementation that this machine seems to have, and report.

    :param cases: the suite's, to say which of them an implementation cannot run.
    """
    from harness import implementations

    machine = {
        "mirrorcheck": __version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "temporary folder": tempfile.gettempdir(),
    }
    problems = []
    for name in _DISTRIBUTIONS:
        try:
            machine[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            problems.append(f"the Python package {name} is missing; install it with 'pip install {name}'")
    if platform.system() != "Linux":
        problems.append(f"mirrorcheck needs Linux for its supervision of processes, this is {platform.system()}")
    kinds = []
    for kind in implementations.kinds():
        found = [_probe(spec, cases) for spec in kind.candidates()]
        hint = "" if any(not each.problem for each in found) else kind.installation
        kinds.append(KindReport(name=kind.name, summary=kind.summary, found=found, hint=hint))
    return Report(machine=machine, problems=problems, case_count=len(cases), kinds=kinds)


def _probe(spec: str, cases: Sequence[Case]) -> Found:
    from harness import implementations

    try:
        probe = implementations.parse(spec).probe()
    except (ImplementationUnavailable, ImplementationError) as error:
        return Found(spec=spec, problem=str(error))
    lacks = [set(case.needs) - probe.features for case in cases]
    return Found(
        spec=spec,
        version=probe.version,
        features=sorted(probe.features),
        lacks=sorted(set().union(*lacks)),
        skipped_count=sum(bool(features) for features in lacks),
    )
