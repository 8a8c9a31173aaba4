"""The pytest plug-in: the same verdicts as at the command line, and no harm to anybody else's tests."""

from __future__ import annotations

import importlib.metadata
import os
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import fake_suite
import pytest
from fake_suite import make_suite, write_case, write_golden

pytestmark = pytest.mark.slow

#: Puts the stand-ins into place also in the processes of pytest-xdist.
CONFTEST = f"""
import sys
sys.path.insert(0, {str(fake_suite.FOLDER)!r})
import pytest, fake_suite
patch = pytest.MonkeyPatch()
fake_suite.install(patch)
def pytest_unconfigure():
    patch.undo()
"""


class Inner:
    """Runs pytest in a process of its own, in a folder that holds a suite."""

    def __init__(self, pytester: pytest.Pytester, temporary: Path) -> None:
        self.pytester = pytester
        self.root = pytester.path
        self.temporary = temporary

    def __call__(self, *arguments: str) -> pytest.RunResult:
        """Run pytest as strictly as this project's own tests run."""
        installed = importlib.metadata.entry_points(group="pytest11", name="mirrorcheck")
        plugin = [] if installed else ["-p", "harness.pytest_plugin"]
        strict = ["-W", "error", "--strict-config", "--strict-markers", "-p", "no:cacheprovider"]
        return self.pytester.runpytest_subprocess(*plugin, *strict, *arguments)

    def leftovers(self) -> list[str]:
        """What is in the folder for temporary files."""
        return sorted(os.listdir(self.temporary))


@pytest.fixture
def inner(
    pytester: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Inner:
    temporary = tmp_path_factory.mktemp("t")
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("PYTHONPATH", f"{fake_suite.FOLDER}:{fake_suite.FOLDER.parent.parent}")
    make_suite(pytester.path, {"100-life": "", "310-active-writes": ""})
    pytester.makeconftest(CONFTEST)
    return Inner(pytester, temporary)


def test_cases_are_items_by_implementation_and_pass(inner: Inner) -> None:
    result = inner("cases", "--impl", "fake", "--impl", "fake:2.0", "-v")
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(
        [
            "cases/100-life.py::fake PASSED*",
            "cases/100-life.py::fake:2.0 PASSED*",
            "cases/310-active-writes.py::fake PASSED*",
            "cases/310-active-writes.py::fake:2.0 PASSED*",
            "cases::suite PASSED*",
        ]
    )
    assert inner.leftovers() == []


def test_default_implementation_is_the_reference(inner: Inner) -> None:
    result = inner("cases", "--collect-only", "-q")
    assert result.outlines[:3] == [
        "cases/100-life.py::reference",
        "cases/310-active-writes.py::reference",
        "cases::suite",
    ]


def test_ini_option_names_implementations(inner: Inner) -> None:
    inner.pytester.makeini("[pytest]\nmirrorcheck_impl =\n    fake\n    fake:2.0\nmirrorcheck_timeout = 7\n")
    result = inner("cases/100-life.py", "-v")
    result.assert_outcomes(passed=2)


def test_failure_shows_difference_folder_and_command_without_traceback(inner: Inner) -> None:
    write_case(inner.root, "310-active-writes", "bench.say('goodbye')")
    result = inner("cases", "--mirrorcheck-impl=fake", "--mirrorcheck-timeout=7")
    result.assert_outcomes(passed=2, failed=1)
    (results,) = inner.leftovers()
    folder = inner.temporary / results / "fake" / "310-active-writes"
    result.stdout.fnmatch_lines(
        [
            "*310-active-writes fake*",
            "the transcript differs from 310-active-writes.out",
            "--- golden/310-active-writes.out",
            "+++ transcript",
            "@@ -1 +1 @@",
            "-hello",
            "+goodbye",
            f"everything about it: {folder}",
            f"repeat: mirrorcheck run 310-active-writes --impl fake --suite {inner.root} --timeout 7",
        ],
        consecutive=True,
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")
    assert (folder / "diff.txt").exists()


def test_skip_known_and_broken_are_what_pytest_calls_them(inner: Inner) -> None:
    write_case(inner.root, "100-life", needs="x")
    write_case(inner.root, "310-active-writes", "bench.nonsense()")
    write_case(inner.root, "320-polite", "bench.say('goodbye')")
    write_golden(inner.root, "320-polite.out")
    write_golden(inner.root, "deviations/320-polite.fake.out", "goodbye\n")
    write_golden(
        inner.root,
        "deviations.toml",
        '[[deviation]]\nimplementation = "fake"\nversions = "*"\ncases = ["320-polite"]\n'
        'reason = "polite"\nfix = "none known"\ntranscript = "320-polite.fake.out"\n',
    )
    result = inner("cases", "--impl", "fake", "-rs")
    result.assert_outcomes(skipped=1, errors=1, passed=2)
    result.stdout.fnmatch_lines(["*SKIPPED*needs x"])
    result.stdout.fnmatch_lines(["AttributeError: 'FakeBench' object has no attribute 'nonsense'"])


def test_unavailable_implementation_is_an_error(inner: Inner) -> None:
    result = inner("cases/100-life.py", "--impl", "fake:absent")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["no program 'fake' is there"])


def test_suite_item_fails_on_an_orphaned_golden(inner: Inner) -> None:
    write_golden(inner.root, "315-gone.out")
    result = inner("cases", "--impl", "fake")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["golden 315-gone.out belongs to no case"])


def test_suite_item_fails_on_two_cases_of_one_number(inner: Inner) -> None:
    write_case(inner.root, "310-again")
    write_golden(inner.root, "310-again.out")
    result = inner("cases", "--impl", "fake")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["CaseError: two cases have the number 310: 310-active-writes.py and 310-again.py"])


def test_wrong_header_is_one_line(inner: Inner) -> None:
    path = write_case(inner.root, "310-active-writes")
    path.write_text(path.read_text().replace("Groups:", "Gruops:"))
    result = inner("cases", "--impl", "fake")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["CaseError: 310-active-writes.py: unknown header field Gruops:, known are Groups, Needs, Source"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_unknown_implementation_is_one_line(inner: Inner) -> None:
    result = inner("cases/100-life.py", "--impl", "foo")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["UsageError: unknown implementation 'foo': known are reference, fake[[]:VERSION]"])


def test_one_item_can_be_named(inner: Inner) -> None:
    result = inner("cases/310-active-writes.py::fake", "--impl", "fake", "--impl", "fake:2.0", "-v")
    result.assert_outcomes(passed=1)


def test_keyword_selects_by_group_and_name(inner: Inner) -> None:
    write_case(inner.root, "310-active-writes", groups="slow")
    inner("cases", "--impl", "fake", "-k", "quick").assert_outcomes(passed=1, deselected=2)
    inner("cases", "--impl", "fake", "-k", "active-writes").assert_outcomes(passed=1, deselected=2)


def test_xdist_gives_the_same(inner: Inner) -> None:
    write_case(inner.root, "310-active-writes", "bench.say('goodbye')")
    result = inner("cases", "--impl", "fake", "--impl", "fake:2.0", "-n", "2", "--mirrorcheck-results", "out")
    result.assert_outcomes(passed=3, failed=2)
    result.stdout.fnmatch_lines(["repeat: mirrorcheck run 310-active-writes --impl fake:2.0 --suite *"])
    assert len(list((inner.root / "out").glob("gw*/*/310-active-writes/diff.txt"))) == 2
    assert inner.leftovers() == []


def test_junit_of_pytest_names_implementation_and_version(inner: Inner) -> None:
    inner("cases/100-life.py", "--impl", "fake:2.0", "--junitxml", "r.xml")
    properties = {
        each.get("name"): each.get("value") for each in ElementTree.parse(inner.root / "r.xml").iter("property")
    }
    assert properties == {"implementation": "fake:2.0", "version": "2.0"}


def test_another_suite_is_left_alone(inner: Inner) -> None:
    """Its files that look like ours, its own option --impl, its tests in a folder named cases."""
    inner.pytester.makeconftest(
        "import pytest\n"
        "def pytest_addoption(parser):\n    parser.addoption('--impl', default='theirs')\n"
        "@pytest.fixture\ndef impl(request):\n    return request.config.getoption('--impl')\n"
    )
    for path in (inner.root / "cases").iterdir():
        path.unlink()
    (inner.root / "cases" / "100-theirs.py").write_text('"""A script.\n\nGroups: none\n"""\nraise SystemExit(1)\n')
    (inner.root / "cases" / "test_theirs.py").write_text("def test_it(impl):\n    assert impl == 'mine'\n")
    (inner.root / "310-elsewhere.py").write_text(
        '"""310-elsewhere: x\n\nGroups: a\nSource: b\n"""\nraise SystemExit(1)\n'
    )
    inner(".", "--impl", "mine", "-v").assert_outcomes(passed=1)
    result = inner("cases/test_theirs.py")
    result.assert_outcomes(failed=1)
    assert inner.leftovers() == []


def test_option_of_a_conftest_further_down_does_not_clash(inner: Inner) -> None:
    inner.pytester.makeconftest("")
    below = inner.root / "a" / "b"
    below.mkdir(parents=True)
    (below / "conftest.py").write_text("def pytest_addoption(parser):\n    parser.addoption('--impl')\n")
    (below / "test_theirs.py").write_text("def test_it():\n    pass\n")
    inner("a").assert_outcomes(passed=1)


def test_nothing_heavy_is_imported_without_cases(inner: Inner) -> None:
    inner.pytester.makeconftest("")
    (inner.root / "test_imports.py").write_text(
        "import sys\n\ndef test_it():\n"
        "    ours = {name for name in sys.modules if name.startswith('harness')}\n"
        "    assert ours == {'harness', 'harness.pytest_plugin'}\n"
    )
    inner("test_imports.py").assert_outcomes(passed=1)
