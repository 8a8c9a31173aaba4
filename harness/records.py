"""What a run of one case left, and what was concluded from it.

A :class:`Task` asks for a run. A :class:`RawRun` is what happened, before any golden is looked at; a worker or the
supervisor writes it. A :class:`Record` adds the verdict; only ``harness.judge`` makes one. All three are plain data
and travel as JSON, so that a record read back from a report equals the one that was written.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

import msgspec

from harness.errors import (
    EXIT_BROKEN,
    EXIT_NOT_CONFORMING,
    EXIT_PASSED,
    EXIT_UNAVAILABLE,
    EXIT_UNDECIDED,
)


class RunStatus(enum.StrEnum):
    """What happened when a case ran, before any golden is looked at."""

    COMPLETED = "completed"
    #: The implementation lacks a feature that the case needs.
    SKIPPED = "skipped"
    #: A check of the case or of the bench raised ImplementationError.
    WRONG = "wrong"
    #: The implementation's process ended, or the reference raised.
    CRASH = "crash"
    #: The implementation stopped answering, or the worker exceeded the limit of time.
    HANG = "hang"
    #: The implementation could not be started.
    UNAVAILABLE = "unavailable"
    #: CaseError, or any exception raised by the case file's own code.
    CASE_ERROR = "case-error"
    #: Processes, sockets or files survived the case.
    LEFT_BEHIND = "left-behind"
    #: Anything else: the worker died, HarnessBug.
    BROKEN = "broken"


class Verdict(enum.StrEnum):
    """What a run means for the implementation under test."""

    PASS = "pass"
    #: It deviates in the way that golden/deviations.toml says it does; counts as passed.
    KNOWN = "known"
    SKIP = "skip"
    FAIL = "fail"
    UNAVAILABLE = "unavailable"
    UNDECIDED = "undecided"
    BROKEN = "broken"


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One case to run against one implementation.

    :ivar case_path: the case file; absolute.
    :ivar case_id: its id, "310-active-writes".
    :ivar implementation: the implementation's spec as the user gave it.
    :ivar needs: the features that the case needs, as its header lists them.
    """

    case_path: str
    case_id: str
    implementation: str
    needs: list[str] = []


class RawRun(msgspec.Struct, frozen=True, kw_only=True):
    """What happened when one case ran against one implementation.

    :ivar case: the case's id, "310-active-writes".
    :ivar implementation: the implementation's spec as the user gave it.
    :ivar version: what the implementation says its version is; "" when it never said.
    :ivar features: what it offers, sorted.
    :ivar reason: one line; "" when the run completed.
    :ivar detail: many lines: traceback, tail of stderr, what waits for what, last QMP messages.
    :ivar transcript: what the case printed, as far as it came.
    :ivar duration_s: from the start of the case to its end, seconds; for people, never for a verdict.
    :ivar folder: the folder that holds everything about this run; "" when there is none.
    """

    case: str
    implementation: str
    version: str = ""
    features: list[str] = []
    status: RunStatus
    reason: str = ""
    detail: str = ""
    transcript: str = ""
    duration_s: float = 0.0
    folder: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A run and its verdict.

    :ivar reason: one line that says why; "" for a plain pass.
    :ivar diff: the whole unified diff from the expected transcript to this one, a line each without line ends.
    :ivar golden: name of the expected transcript that was used, relative to the golden folder; None when none was.
    :ivar repeat_command: the one command that runs this case against this implementation again.
    """

    run: RawRun
    verdict: Verdict
    reason: str = ""
    diff: list[str] = []
    golden: str | None = None
    repeat_command: str = ""

    @property
    def case(self) -> str:
        """The case's id."""
        return self.run.case

    @property
    def implementation(self) -> str:
        """The implementation's spec."""
        return self.run.implementation


def exit_status(records: Iterable[Record]) -> int:
    """Return the exit status that a run with these records ends with.

    The worst verdict counts: broken 255, then fail 1, unavailable 125, undecided 2. When none of these occurred it is
    0 if at least one case passed, and 2 otherwise: without records, or with every case skipped, nothing was decided.
    """
    verdicts = {record.verdict for record in records}
    if Verdict.BROKEN in verdicts:
        return EXIT_BROKEN
    if Verdict.FAIL in verdicts:
        return EXIT_NOT_CONFORMING
    if Verdict.UNAVAILABLE in verdicts:
        return EXIT_UNAVAILABLE
    if Verdict.UNDECIDED in verdicts:
        return EXIT_UNDECIDED
    if verdicts & {Verdict.PASS, Verdict.KNOWN}:
        return EXIT_PASSED
    return EXIT_UNDECIDED
