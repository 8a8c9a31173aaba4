"""Finds the suite: the folder that holds ``cases/`` and ``golden/``.

A checkout and an installed wheel, one's own suite and ours, differ in this one place and nowhere else.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness import cases
from harness.cases import Case
from harness.errors import UsageError
from harness.golden import Goldens

CASES_FOLDER = "cases"
GOLDEN_FOLDER = "golden"


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """One suite.

    :ivar root: the folder that holds ``cases/`` and ``golden/``; absolute.
    :ivar explicit: the root was named by the user, so a command that repeats a run must name it again.
    """

    root: Path
    explicit: bool = False

    @classmethod
    def find(cls, explicit: Path | None = None) -> Suite:
        """Return the suite to use.

        That is ``explicit``, else the working directory, else the checkout that holds this package, else the copy
        that an installed wheel carries. All but the first are taken only when both folders are there.

        :raise UsageError: when ``explicit`` has no ``cases/``, or none of the others is a suite.
        """
        if explicit is not None:
            if not (explicit / CASES_FOLDER).is_dir():
                raise UsageError(f"{explicit} is no suite: it has no folder {CASES_FOLDER}/")
            return cls(root=explicit.absolute(), explicit=True)
        package = Path(__file__).resolve().parent
        working_directory = Path.cwd()
        for root in (working_directory, package.parent, package / "_suite"):
            if (root / CASES_FOLDER).is_dir() and (root / GOLDEN_FOLDER).is_dir():
                # Another folder repeats the run from the same folder only; that is how it was found, too.
                return cls(root=root)
        raise UsageError(
            f"found no suite: {working_directory} has no folders {CASES_FOLDER}/ and {GOLDEN_FOLDER}/, "
            "and this installation carries none; name one with --suite"
        )

    @property
    def is_ours(self) -> bool:
        """Whether it is this project's own, which the table of rows and that of refusals are about."""
        package = Path(__file__).resolve().parent
        return self.root.resolve() in (package.parent, package / "_suite")

    @property
    def cases_folder(self) -> Path:
        """The folder that holds the case files."""
        return self.root / CASES_FOLDER

    @property
    def goldens(self) -> Goldens:
        """The suite's expected transcripts."""
        return Goldens(self.root / GOLDEN_FOLDER)

    def cases(self) -> list[Case]:
        """Return all cases, by number.

        :raise CaseError: as ``harness.cases.discover`` does.
        """
        return cases.discover(self.cases_folder)
