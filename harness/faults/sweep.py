"""Runs a case once without a fault, and then once for every fault at every request that it made of its disks.

After SQLite's manner ("How SQLite Is Tested", I/O error testing): the count of requests comes from the case itself, so
that nobody has to think of where something may go wrong.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from harness.bench import Bench
from harness.errors import UsageError
from harness.faults.fault import Ending, Fault, Position, faults_at
from harness.faults.table import Table
from harness.faults.trial import Outcome, Trial
from harness.implementations.base import HANG_LIMIT_S, Implementation


class Sweep:
    """A sweep of one case on one implementation.

    :param run: the case.
    :param every: run every n-th fault only, counted in the order in which they are listed: a stated sample.
    :param endings: what is done after each; both unless told otherwise.
    :param sample: picks of all requests those at which there are to be faults.
    :ivar positions: the requests of the run without a fault, in order of disk, operation and number.
    """

    def __init__(
        self,
        run: Callable[[Bench], None],
        implementation: Implementation,
        *,
        every: int = 1,
        endings: Sequence[Ending] = tuple(Ending),
        sample: Callable[[Sequence[Position]], Sequence[Position]] = list,
        hang_limit_s: float = HANG_LIMIT_S,
    ) -> None:
        if every < 1:
            raise UsageError(f"every {every} is less than 1")
        self._run = run
        self._implementation = implementation
        self._features = implementation.probe().features
        self._every = every
        self._endings = endings
        self._sample = sample
        self._hang_limit_s = hang_limit_s
        self.positions: Sequence[Position] = ()

    def count(self) -> None:
        """Run the case without a fault.

        :raise MirrorcheckError: when it does not pass that, as far as it checks anything itself.
        :raise CaseError: when it starts no mirror.
        """
        self.positions = sorted(self.try_one(None).positions)

    def faults(self) -> list[Fault]:
        """The faults that are to be tried, in order; `count` first."""
        return list(faults_at(self._sample(self.positions), self._endings))[:: self._every]

    def try_one(self, fault: Fault | None) -> Outcome:
        """Run the case with one fault."""
        with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:
            trial = Trial(self._run, self._implementation, self._features, Path(folder), fault, self._hang_limit_s)
            return trial.perform()

    def outcomes(self) -> Iterator[tuple[Fault, Outcome]]:
        """Try everything, one after the other."""
        for fault in self.faults():
            yield fault, self.try_one(fault)

    def table(self) -> Table:
        """Count, try everything, and return what came of it."""
        self.count()
        table = Table()
        for fault, outcome in self.outcomes():
            table.add(fault, outcome)
        return table
