"""The pytest plug-in: ``pytest cases --impl reference --impl qemu-storage-daemon``.

Each case is an item for each implementation, run through the supervisor and the judge that ``mirrorcheck run`` uses:
one worker a pytest process, more with pytest-xdist. A wrong implementation is a failure, everything else that keeps a
case from being decided is an error.

Installed, this is loaded into every pytest run on the machine. So it imports next to nothing until it sees a case,
takes only files named NNN-name.py whose docstring is a case's and that lie in a folder named ``cases``, and adds
``--impl`` only when it is used and nobody else has it; ``--mirrorcheck-impl`` is always there.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from harness.cases import Case
    from harness.judge import Judge
    from harness.records import Record, Task
    from harness.running import ResultsFolder
    from harness.supervisor import Supervisor

_DEFAULT_IMPLEMENTATION = "reference"
_DEFAULT_LIMIT_S = 180.0
_SUITE_ITEM_NAME = "suite"

_CASE_FILE_NAME = re.compile(r"[0-9]{3}-[a-z0-9-]+\.py")
_HEADER_LINE = re.compile(r"^(?:Groups|Needs|Source):", re.MULTILINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options under names that nobody else uses."""
    group = parser.getgroup("mirrorcheck", "conformance of block mirroring")
    group.addoption("--mirrorcheck-impl", **_impl_option())
    group.addoption(
        "--mirrorcheck-timeout",
        metavar="S",
        type=float,
        default=None,
        help="limit for one case in seconds, which only catches a hang (default: the ini option, else 60)",
    )
    group.addoption(
        "--mirrorcheck-results", metavar="DIR", default=None, help="keep everything about every run of a case there"
    )
    parser.addini("mirrorcheck_impl", "implementations under test, one a line", type="linelist", default=[])
    parser.addini("mirrorcheck_timeout", "limit for one case in seconds", default="")


def _impl_option() -> dict[str, Any]:
    return {
        "metavar": "SPEC",
        "action": "append",
        "default": [],
        "dest": "mirrorcheck_impl",
        "help": "implementation of block mirroring under test; may be repeated (default: the ini option or reference)",
    }


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser, args: list[str]) -> Generator[None, object, object]:
    """Add ``--impl`` when it is used and no conftest has it.

    A suite of somebody else's may well have an option of that name; adding it for all would break that suite.
    """
    result = yield
    if any(argument == "--impl" or argument.startswith("--impl=") for argument in args):
        try:
            parser.getgroup("mirrorcheck").addoption("--impl", **_impl_option())
        except (ValueError, argparse.ArgumentError):  # it is theirs
            pass
    return result


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a case file."""
    if not _is_case(file_path):
        return None
    return CaseFile.from_parent(parent, path=file_path)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Keep pytest from importing a case file that is named on the command line: it is ours."""
    return NoModule.from_parent(parent, path=module_path) if _is_case(module_path) else None


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the check of a suite as a whole where all its cases are collected."""
    found: dict[Path, set[Path]] = {}
    last: dict[Path, CaseItem] = {}
    for item in items:
        if isinstance(item, CaseItem):
            found.setdefault(item.path.parent, set()).add(item.path)
            last[item.path.parent] = item
    for folder, paths in found.items():
        every_path = {path for path in folder.iterdir() if _is_case(path)}
        if paths == every_path:
            parent = last[folder].parent
            assert parent is not None
            assert parent.parent is not None
            suite_item = SuiteItem.from_parent(parent.parent, name=_SUITE_ITEM_NAME, cases_folder=folder)
            items.insert(items.index(last[folder]) + 1, suite_item)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the worker and remove what is not worth keeping."""
    door = config.stash.get(_DOOR, None)
    if door is not None:
        door.close()


def _is_case(path: Path) -> bool:
    """Say whether a file is meant as one of our cases, without running it and without judging its header."""
    if path.parent.name != "cases" or not _CASE_FILE_NAME.fullmatch(path.name):
        return False
    try:
        docstring = ast.get_docstring(ast.parse(path.read_bytes()))
    except (OSError, SyntaxError, ValueError):
        return False
    if docstring is None:
        return False
    return docstring.startswith(f"{path.stem}:") or len(_HEADER_LINE.findall(docstring)) >= 2


class NoModule(pytest.File):
    """Stands where pytest would have put a module."""

    def collect(self) -> Iterable[pytest.Item]:
        """Return nothing: the items are in the CaseFile."""
        return []


class CaseFile(pytest.File):
    """One case file; has an item for each implementation."""

    def collect(self) -> Iterable[CaseItem]:
        """Read the header and return the items."""
        from harness import cases, running

        case = cases.load(self.path)
        for task in running.make_tasks([case], _specs(self.config)):
            yield CaseItem.from_parent(self, name=task.implementation, case=case, task=task)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *arguments: Any) -> Any:
        """Show a person's mistake as one line."""
        return _one_line(excinfo.value) or super().repr_failure(excinfo)


class CaseItem(pytest.Item):
    """One case against one implementation."""

    def __init__(self, *, case: Case, task: Task, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.case = case
        self.task = task
        self.record: Record | None = None
        # So that -k selects by name and by group, without markers that a strict configuration would refuse.
        self.extra_keyword_matches.update((case.name, *case.groups))
        self.user_properties.append(("implementation", task.implementation))

    def setup(self) -> None:
        """Run the case; pytest calls what fails here an error, and that is what an undecided case is."""
        from harness.records import Verdict

        try:
            self.record = Door.of(self.config).run(self.path.parent.parent, self.task)
        except Exception as error:
            _fail_in_one_line(error)
            raise
        self.user_properties.append(("version", self.record.run.version))
        if self.record.verdict is Verdict.SKIP:
            pytest.skip(self.record.reason)
        if self.record.verdict in (Verdict.BROKEN, Verdict.UNAVAILABLE, Verdict.UNDECIDED):
            _fail_with(self.record)

    def runtest(self) -> None:
        """Pass or fail as the judge said."""
        from harness.records import Verdict

        assert self.record is not None
        if self.record.verdict is Verdict.KNOWN:
            self.add_report_section("call", "known deviation", self.record.reason)
        elif self.record.verdict is not Verdict.PASS:
            _fail_with(self.record)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return what heads a failure."""
        return self.path, None, f"{self.case.id} {self.task.implementation}"


class SuiteItem(pytest.Item):
    """The check of a suite as a whole: numbers, orphaned goldens, deviations."""

    def __init__(self, *, cases_folder: Path, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.cases_folder = cases_folder

    def runtest(self) -> None:
        """Check it as ``mirrorcheck run`` does when it runs everything."""
        try:
            records = Door.of(self.config).check_suite(self.cases_folder.parent)
        except Exception as error:
            _fail_in_one_line(error)
            raise
        if records:
            pytest.fail("\n".join(record.reason for record in records), pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return what heads a failure."""
        return self.cases_folder, None, f"the suite in {self.cases_folder.parent}"


class Door:
    """What the items of one pytest process share: the supervisor with its worker, the results, a judge a suite."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._results: ResultsFolder | None = None
        self._supervisor: Supervisor | None = None
        self._judges: dict[Path, Judge] = {}

    @classmethod
    def of(cls, config: pytest.Config) -> Door:
        """Return the one of this process."""
        if _DOOR not in config.stash:
            config.stash[_DOOR] = cls(config)
        return config.stash[_DOOR]

    def run(self, root: Path, task: Task) -> Record:
        """Run and judge one task.

        :raise UsageError: when the results cannot be written or deviations.toml is wrong.
        """
        from harness.running import ResultsFolder
        from harness.supervisor import Supervisor

        judge = self._judge(root)
        if self._results is None:
            self._results = ResultsFolder(_results_folder(self._config))
        if self._supervisor is None:
            limit_s = _limit_s(self._config)
            self._supervisor = Supervisor(jobs=1, limit_s=limit_s, results=self._results.path)
            self._supervisor.__enter__()
        (run,) = self._supervisor.run([task])
        record = judge.judge(run)
        self._results.add(record, judge)
        return record

    def check_suite(self, root: Path) -> Sequence[Record]:
        """Return a failed record for each thing that is wrong with the suite as a whole.

        :raise MirrorcheckError: when two cases have one number, a header or deviations.toml is wrong.
        """
        return self._judge(root).judge_suite([case.id for case in _suite(root).cases()])

    def close(self) -> None:
        """End the worker; remove the results when there is nothing to look at."""
        if self._supervisor is not None:
            self._supervisor.__exit__(None, None, None)
            self._supervisor = None
        if self._results is not None:
            self._results.close()
            self._results = None

    def _judge(self, root: Path) -> Judge:
        from harness import judge

        if root not in self._judges:
            limit_s = _limit_s(self._config)
            options = () if limit_s == _DEFAULT_LIMIT_S else ("--timeout", f"{limit_s:g}")
            # The names alone: another case's wrong header is reported there, not at every case.
            case_ids = [path.stem for path in sorted((root / "cases").glob("[0-9][0-9][0-9]-*.py"))]
            self._judges[root] = judge.load(_suite(root), case_ids, options)
        return self._judges[root]


_DOOR = pytest.StashKey[Door]()


def _suite(root: Path) -> Any:
    from harness.suite import Suite

    return Suite(root=root, explicit=True)


def _specs(config: pytest.Config) -> list[str]:
    return config.getoption("mirrorcheck_impl") or config.getini("mirrorcheck_impl") or [_DEFAULT_IMPLEMENTATION]


def _limit_s(config: pytest.Config) -> float:
    """Return the limit of one case in seconds.

    :raise UsageError: when it is not a number above 0.
    """
    from harness.commands.options import seconds
    from harness.errors import UsageError

    given = config.getoption("mirrorcheck_timeout")
    text = str(config.getini("mirrorcheck_timeout") or _DEFAULT_LIMIT_S) if given is None else str(given)
    try:
        return seconds(text)
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"mirrorcheck_timeout: {error}") from error


def _results_folder(config: pytest.Config) -> Path | None:
    named = config.getoption("mirrorcheck_results")
    if named is None:
        return None
    # pytest-xdist's workers share nothing but the file system.
    worker_input: dict[str, str] = getattr(config, "workerinput", {})
    folder: Path = config.invocation_params.dir / named / worker_input.get("workerid", "")
    return folder


def _one_line(error: BaseException) -> str:
    """Return a person's mistake as a line; "" for what is a bug of ours and needs its traceback."""
    from harness.errors import HarnessBug, MirrorcheckError

    if isinstance(error, MirrorcheckError) and not isinstance(error, HarnessBug):
        return f"{type(error).__name__}: {error}"
    return ""


def _fail_in_one_line(error: Exception) -> None:
    """Fail without traceback if the error is a person's mistake, else return."""
    line = _one_line(error)
    if line:
        pytest.fail(line, pytrace=False)


def _fail_with(record: Record) -> NoReturn:
    """Fail with the reason, the short difference, the folder and the command that repeats it."""
    from harness.report.failure import excerpt

    pytest.fail("\n".join(excerpt(record)), pytrace=False)
