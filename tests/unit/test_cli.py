"""The command line: output, exit status, and what is left at the end. Workers are real, the bench is not."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import fake_suite
import pytest
from fake_suite import make_suite, write_case, write_golden

from harness import __version__, cli, running
from harness.commands import list as list_command
from harness.errors import HarnessBug
from harness.report.jsonlines import read

LIMIT_S = 30.0
DURATION = re.compile(r" +\d+ ms$|  \d+\.\d s$", re.MULTILINE)


class Cli:
    """Runs commands in this process, in a folder that holds a suite."""

    def __init__(self, root: Path, temporary: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.temporary = temporary
        self._capture = capture

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Return exit status, standard output without durations, and standard error."""
        status = cli.main(arguments)
        captured = self._capture.readouterr()
        return status, DURATION.sub("", captured.out), captured.err

    def leftovers(self) -> list[str]:
        """What is in the folder for temporary files."""
        return sorted(os.listdir(self.temporary))


@pytest.fixture
def mirrorcheck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    fake_suite.install(monkeypatch)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("MIRRORCHECK_RESULTS", str(tmp_path / "results"))
    root = tmp_path / "suite"
    make_suite(root, {"100-life": "", "310-active-writes": ""})
    monkeypatch.chdir(root)
    return Cli(root, temporary, capfd)


@pytest.mark.slow
def test_run_when_all_pass_is_0_and_leaves_nothing(mirrorcheck: Cli) -> None:
    output = "100-life           reference  pass\n310-active-writes  reference  pass\n2 passed\n"
    assert mirrorcheck("run", "-j", "1") == (0, output, "")
    assert mirrorcheck.leftovers() == []


@pytest.mark.slow
def test_run_when_a_case_fails_is_1_and_its_folder_says_why(mirrorcheck: Cli) -> None:
    write_case(mirrorcheck.root, "310-active-writes", "bench.say('goodbye')")
    status, output, error = mirrorcheck("run", "-j", "1")
    results_path = (mirrorcheck.root.parent / "results" / "latest").resolve()
    folder = results_path / "reference" / "310-active-writes"
    assert (status, error) == (1, "")
    assert output == (
        "100-life           reference  pass\n"
        "310-active-writes  reference  fail\n"
        "    the transcript differs from 310-active-writes.out\n"
        "    --- golden/310-active-writes.out\n"
        "    +++ transcript\n"
        "    @@ -1 +1 @@\n"
        "    -hello\n"
        "    +goodbye\n"
        f"    everything about it: {folder}\n"
        "    repeat: mirrorcheck run 310-active-writes --impl reference\n"
        f"results: {results_path}\n"
        "1 passed, 1 failed\n"
    )
    assert os.listdir(results_path / "reference" / "100-life") == ["transcript.out"]
    assert mirrorcheck.leftovers() == []
    assert {"transcript.out", "golden.out", "diff.txt", "record.json"} <= set(os.listdir(folder))


@pytest.mark.slow
def test_run_of_a_matrix_runs_each_case_on_each_implementation(mirrorcheck: Cli) -> None:
    body = "bench.say('hello' if bench.version == '1.0' else 'other')"
    write_case(mirrorcheck.root, "310-active-writes", body)
    status, output, _ = mirrorcheck("run", "-j", "1", "--impl", "fake", "--impl", "fake:2.0")
    assert status == 1
    lines = [line.split()[:3] for line in output.splitlines() if re.match(r"\d{3}-", line)]
    assert lines == [
        ["100-life", "fake", "pass"],
        ["100-life", "fake:2.0", "pass"],
        ["310-active-writes", "fake", "pass"],
        ["310-active-writes", "fake:2.0", "fail"],
    ]
    assert "repeat: mirrorcheck run 310-active-writes --impl fake:2.0\n" in output


@pytest.mark.slow
def test_run_with_everything_skipped_is_2(mirrorcheck: Cli) -> None:
    write_case(mirrorcheck.root, "310-active-writes", needs="x")
    status, output, _ = mirrorcheck("run", "310", "--impl", "fake")
    assert (status, output) == (2, "310-active-writes  fake  skip  needs x\n1 skipped\n")
    assert mirrorcheck("run", "310", "--impl", "fake:1.0+x")[0] == 0


@pytest.mark.parametrize("arguments", [["7xx"], ["310", "-x", "quick"]])
def test_run_with_nothing_selected_is_2(mirrorcheck: Cli, arguments: list[str]) -> None:
    message = f"mirrorcheck: error: no case is selected, of 2 in {mirrorcheck.root}/cases\n"
    assert mirrorcheck("run", *arguments) == (2, "", message)


@pytest.mark.slow
def test_run_with_an_implementation_that_is_not_there_is_125(mirrorcheck: Cli) -> None:
    status, output, _ = mirrorcheck("run", "-j", "1", "--impl", "fake:absent")
    assert status == 125
    assert output.startswith("100-life           fake:absent  unavailable\n    no program 'fake' is there\n")
    assert output.endswith("2 unavailable\n")


@pytest.mark.slow
def test_run_with_a_broken_case_file_is_255(mirrorcheck: Cli) -> None:
    write_case(mirrorcheck.root, "310-active-writes", "bench.nonsense()")
    status, output, _ = mirrorcheck("run", "310")
    assert status == 255
    assert "310-active-writes  reference  broken\n" in output
    assert "AttributeError: 'FakeBench' object has no attribute 'nonsense'" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], r"the following arguments are required: COMMAND \(see mirrorcheck --help\)"),
        (["wlak"], r"argument COMMAND: invalid choice: 'wlak' \(choose from .*\) \(see mirrorcheck --help\)"),
        (["run", "--nonsense"], r"unrecognized arguments: --nonsense \(see mirrorcheck --help\)"),
        (["run", "--tim", "5"], r"unrecognized arguments: --tim(?: 5)? \(see mirrorcheck --help\)"),
        (["run", "311"], "unknown case '311': the nearest are 100-life, 310-active-writes"),
        (["run", "-g", "fast"], "unknown group 'fast': known are quick"),
        (["run", "--impl", "foo"], r"unknown implementation 'foo': known are reference, fake\[:VERSION\]"),
        (["run", "--impl", "fake", "--impl", "fake"], "the implementation 'fake' is given twice"),
        (
            ["run", "-j", "0"],
            r"argument -j/--jobs: '0' is neither 'auto' nor a number from 1 on \(see mirrorcheck run --help\)",
        ),
        (["run", "--timeout", "0"], r"argument --timeout: '0' is not a number of seconds above 0 \(see .*\)"),
        (["run", "--timeout", "inf"], r"argument --timeout: 'inf' is not a number of seconds above 0 \(see .*\)"),
        (["run", "--timeout", "x"], r"argument --timeout: 'x' is not a number of seconds above 0 \(see .*\)"),
        (["run", "--suite", "/nowhere"], "/nowhere is no suite: it has no folder cases/"),
        (["run", "--tap", "-", "--json", "-"], "two reports cannot go to standard output"),
        (["run", "--tap", "x", "--junit", "x"], "two reports cannot go to x"),
        (["run", "--junit", "-"], "--junit takes a file, not standard output"),
        (["run", "--json", "no/file"], "cannot write no/file: No such file or directory"),
        (["run", "--results", "/dev/null/x"], "cannot write the results folder /dev/null/x: Not a directory"),
        (["show", "0xx"], "'0xx' is 0 cases; show takes one"),
        (["update"], "name the cases to update, or say --all-changed, and not both"),
        (["update", "310", "--all-changed"], "name the cases to update, or say --all-changed, and not both"),
    ],
)
def test_usage_error_is_one_line_and_254(mirrorcheck: Cli, arguments: list[str], message: str) -> None:
    status, output, error = mirrorcheck(*arguments)
    assert (status, output) == (254, "")
    assert re.fullmatch(rf"mirrorcheck: error: {message}\n", error), error
    assert mirrorcheck.leftovers() == []


def test_case_error_is_one_line_and_255(mirrorcheck: Cli) -> None:
    (mirrorcheck.root / "cases" / "320-x.py").write_text("")
    message = "mirrorcheck: error: 320-x.py: has no docstring, so it has no header\n"
    assert mirrorcheck("run") == (255, "", message)


@pytest.mark.parametrize("bug", [ZeroDivisionError("oh"), HarnessBug("oh")])
def test_bug_of_ours_is_a_traceback_and_255(mirrorcheck: Cli, monkeypatch: pytest.MonkeyPatch, bug: Exception) -> None:
    def fail(_: object) -> int:
        raise bug

    monkeypatch.setattr(list_command, "run", fail)
    status, output, error = mirrorcheck("list")
    assert (status, output) == (255, "")
    assert error.startswith("Traceback (most recent call last):\n")
    assert error.endswith("mirrorcheck: error: this is a bug in mirrorcheck, please report it with the lines above\n")


@pytest.mark.slow
def test_interrupted_run_is_2_with_what_is_known(mirrorcheck: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    real = running.StoredResults.add

    def interrupt(self: running.StoredResults, *arguments: object) -> None:
        real(self, *arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(running.StoredResults, "add", interrupt)
    status, output, error = mirrorcheck("run", "-j", "1", "--tap", "report.tap")
    assert (status, output, error) == (2, "100-life           reference  pass\ninterrupted: 1 passed\n", "")
    assert (
        (mirrorcheck.root / "report.tap")
        .read_text()
        .endswith("1..2\nok 1 - 100-life reference\nBail out! interrupted\n")
    )
    assert mirrorcheck.leftovers() == []


@pytest.mark.slow
def test_orphaned_golden_fails_a_whole_run_and_not_a_named_case(mirrorcheck: Cli) -> None:
    write_golden(mirrorcheck.root, "315-gone.out")
    status, output, _ = mirrorcheck("run")
    assert status == 1
    assert "315-gone.out" in output
    assert "    golden 315-gone.out belongs to no case\n    repeat: mirrorcheck list --check\n" in output
    assert output.endswith("2 passed, 1 failed\n")
    assert mirrorcheck("run", "310")[0] == 0
    assert mirrorcheck("list", "--check") == (1, "golden 315-gone.out belongs to no case\n2 cases, 1 wrong\n", "")


@pytest.mark.slow
def test_known_deviation_counts_as_passed(mirrorcheck: Cli) -> None:
    write_case(mirrorcheck.root, "310-active-writes", "bench.say('goodbye')")
    write_golden(
        mirrorcheck.root,
        "deviations.toml",
        '[[deviation]]\nimplementation = "reference"\nversions = "<2"\ncases = ["310-active-writes"]\n'
        'reason = "polite"\nfix = "none known"\ntranscript = "310-active-writes.polite.out"\n',
    )
    write_golden(mirrorcheck.root, "deviations/310-active-writes.polite.out", "goodbye\n")
    status, output, _ = mirrorcheck("run", "310")
    assert (status, output) == (0, "310-active-writes  reference  known  (polite)\n1 known deviation\n")
    write_case(mirrorcheck.root, "310-active-writes")
    status, output, _ = mirrorcheck("run", "310")
    assert status == 1
    assert "    stale deviation: the case passes (polite)\n" in output


@pytest.mark.slow
def test_named_results_folder_is_kept_whole(mirrorcheck: Cli) -> None:
    status, output, _ = mirrorcheck("run", "--results", "out")
    assert status == 0
    run = (mirrorcheck.root / "out" / "latest").resolve()
    assert output.endswith(f"results: {run}\n2 passed\n")
    assert (run / "reference" / "100-life" / "transcript.out").read_text() == "hello\n"


@pytest.mark.slow
def test_reports_are_written(mirrorcheck: Cli) -> None:
    arguments = ["--junit", "r.xml", "--tap", "r.tap", "--json", "r.jsonl"]
    assert mirrorcheck("run", "--quiet", *arguments) == (0, "2 passed\n", "")
    assert ElementTree.parse(mirrorcheck.root / "r.xml").getroot().get("tests") == "2"
    assert len((mirrorcheck.root / "r.tap").read_text().splitlines()) == 4
    records = read(mirrorcheck.root / "r.jsonl")
    assert {record.case for record in records} == {"100-life", "310-active-writes"}
    assert {record.run.version for record in records} == {"1.0"}


@pytest.mark.slow
def test_report_on_standard_output_moves_the_rest_to_standard_error(mirrorcheck: Cli) -> None:
    status, output, error = mirrorcheck("run", "310", "--tap", "-")
    assert (status, output) == (0, "TAP version 13\n1..1\nok 1 - 310-active-writes reference\n")
    assert error.endswith("1 passed\n")


@pytest.mark.slow
def test_full_disk_is_one_line_that_names_the_file_and_loses_nothing_printed(mirrorcheck: Cli) -> None:
    status, output, error = mirrorcheck("run", "310", "--json", "/dev/full", "--junit", "r.xml", "--tap", "r.tap")
    assert (status, error) == (254, "mirrorcheck: error: cannot write /dev/full: No space left on device\n")
    assert output == "310-active-writes  reference  pass\ninterrupted: 1 passed\n"
    assert ElementTree.parse(mirrorcheck.root / "r.xml").getroot().get("tests") == "1"
    plan = "TAP version 13\n1..1\nok 1 - 310-active-writes reference\n"
    assert (mirrorcheck.root / "r.tap").read_text() == plan + "Bail out! interrupted\n"
    status, output, error = mirrorcheck("run", "310", "--junit", "/dev/full", "--tap", "r.tap")
    assert (status, error) == (254, "mirrorcheck: error: cannot write /dev/full: No space left on device\n")
    assert output == "310-active-writes  reference  pass\n1 passed\n"
    assert (mirrorcheck.root / "r.tap").read_text() == plan
    assert mirrorcheck.leftovers() == []


def test_list_shows_claims_and_groups(mirrorcheck: Cli) -> None:
    output = "100-life           claims something.  [quick]\n310-active-writes  claims something.  [quick]\n"
    assert mirrorcheck("list") == (0, output, "")
    _, output, _ = mirrorcheck("list", "310", "--long")
    assert output == (
        "310-active-writes: claims something.\n"
        f"  file: {mirrorcheck.root}/cases/310-active-writes.py\n"
        "  groups: quick\n  source: QE-18, 151-1\n  | Some text.\n"
    )
    _, output, _ = mirrorcheck("list", "--json", "-g", "quick")
    assert [case["id"] for case in json.loads(output)] == ["100-life", "310-active-writes"]


def test_list_check_when_all_is_well_is_0(mirrorcheck: Cli) -> None:
    assert mirrorcheck("list", "--check") == (0, "2 cases, nothing wrong\n", "")


def test_show_shows_header_and_golden(mirrorcheck: Cli) -> None:
    status, output, _ = mirrorcheck("show", "310", "--source")
    assert status == 0
    assert output.startswith("310-active-writes: claims something.\n")
    assert "bench.say('hello')" in output
    assert output.endswith("golden/310-active-writes.out:\n  hello\n")
    (mirrorcheck.root / "golden" / "310-active-writes.out").unlink()
    assert mirrorcheck("show", "310")[1].endswith("golden 310-active-writes.out is missing\n")


@pytest.mark.slow
def test_update_writes_the_named_golden_only_and_shows_the_difference(mirrorcheck: Cli) -> None:
    for case_id in ("100-life", "310-active-writes"):
        write_case(mirrorcheck.root, case_id, "bench.say('goodbye')")
    status, output, _ = mirrorcheck("update", "310")
    assert (status, output) == (
        0,
        "--- golden/310-active-writes.out\n+++ golden/310-active-writes.out (new)\n@@ -1 +1 @@\n-hello\n+goodbye\n"
        "1 of 1 goldens changed\n",
    )
    assert mirrorcheck("run", "310")[0] == 0
    assert (mirrorcheck.root / "golden" / "100-life.out").read_text() == "hello\n"
    assert mirrorcheck("update", "310")[1] == "0 of 1 goldens changed\n"
    assert mirrorcheck("update", "--all-changed")[1].endswith("1 of 2 goldens changed\n")
    assert mirrorcheck("run")[0] == 0
    assert mirrorcheck.leftovers() == []


@pytest.mark.slow
def test_update_when_a_case_does_not_complete_writes_nothing(mirrorcheck: Cli) -> None:
    write_case(mirrorcheck.root, "100-life", "bench.say('goodbye')")
    write_case(mirrorcheck.root, "310-active-writes", "bench.say('goodbye')\nbench.nonsense()")
    status, output, _ = mirrorcheck("update", "--all-changed")
    assert status == 255
    assert "nothing was written: 1 of 2 runs did not complete\n" in output
    assert (mirrorcheck.root / "golden" / "100-life.out").read_text() == "hello\n"
    assert (mirrorcheck.root / "golden" / "310-active-writes.out").read_text() == "hello\n"


@pytest.mark.slow
def test_update_when_implementations_disagree_writes_nothing(mirrorcheck: Cli) -> None:
    write_case(mirrorcheck.root, "310-active-writes", "bench.say(bench.version)")
    status, _, error = mirrorcheck("update", "310", "--impl", "fake", "--impl", "fake:2.0", "-j", "1")
    message = "fake and fake:2.0 disagree about 310-active-writes.out; nothing was written"
    assert (status, error) == (254, f"mirrorcheck: error: {message}\n")
    assert (mirrorcheck.root / "golden" / "310-active-writes.out").read_text() == "hello\n"


@pytest.mark.slow
def test_update_where_a_deviation_applies_leaves_the_golden_alone(mirrorcheck: Cli) -> None:
    write_case(mirrorcheck.root, "310-active-writes", "bench.say('goodbye')")
    entry = (
        '[[deviation]]\nimplementation = "reference"\nversions = "*"\ncases = ["310-active-writes"]\n'
        'reason = "polite"\nfix = "none known"\n'
    )
    write_golden(mirrorcheck.root, "deviations.toml", entry + 'transcript = "310-active-writes.polite.out"\n')
    assert mirrorcheck("update", "310")[0] == 0
    assert (mirrorcheck.root / "golden" / "310-active-writes.out").read_text() == "hello\n"
    assert (mirrorcheck.root / "golden" / "deviations" / "310-active-writes.polite.out").read_text() == "goodbye\n"
    write_golden(mirrorcheck.root, "deviations.toml", entry + 'status = "hang"\n')
    status, _, error = mirrorcheck("update", "310")
    assert status == 254
    assert "310-active-writes completed on reference, but a known deviation says hang" in error


def test_update_in_ci_is_refused_before_anything_runs(mirrorcheck: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    message = "mirrorcheck: error: a golden is never changed in CI (the environment variable CI is set)\n"
    assert mirrorcheck("update", "310") == (254, "", message)


def test_doctor_says_what_is_there_and_what_is_missing(mirrorcheck: Cli) -> None:
    write_case(mirrorcheck.root, "310-active-writes", needs="b c")
    status, output, _ = mirrorcheck("doctor", "--long")
    assert status == 0
    assert output.startswith(f"mirrorcheck: {__version__}\n")
    assert output.endswith(
        "\nreference: the reference\n  --impl reference\n    version 1.0\n    can run 1 of 2 cases\n"
        "    lacks: b c\n    features: none\n"
        "\nfake: a fake\n  --impl fake:2.0+b+a\n    version 2.0\n    can run 1 of 2 cases\n"
        "    lacks: c\n    features: a b\n"
        "  --impl fake:absent\n    cannot be used: no program 'fake' is there\n"
        "\nqemu-storage-daemon: a real one\n  to get it: ask somebody\n"
    )
    assert "features" not in mirrorcheck("doctor")[1]
    status, output, _ = mirrorcheck("doctor", "--json")
    assert [kind["name"] for kind in json.loads(output)["kinds"]] == ["reference", "fake", "qemu-storage-daemon"]


def test_version_and_help_are_0(mirrorcheck: Cli) -> None:
    assert mirrorcheck("--version") == (0, f"mirrorcheck {__version__}\n", "")
    status, output, _ = mirrorcheck("--help")
    assert status == 0
    assert "125  the implementation under test could not be started" in output
    for command in ("run", "list", "show", "update", "doctor"):
        assert mirrorcheck(command, "--help")[0] == 0


def test_documentation_names_every_command_and_option() -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "cli.md").read_text("utf-8")
    commands = next(action for action in cli.make_parser()._actions if action.dest == "command").choices
    assert isinstance(commands, dict)
    for name, parser in commands.items():
        assert re.search(rf"^### .*\b{name}\b", text, re.MULTILINE), name
        for action in parser._actions:
            for option in action.option_strings:
                assert option in ("-h", "--help") or re.search(rf"(?<![\w-]){option}\b", text), option


# What only a process of its own can show.

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(mirrorcheck: Cli) -> Start:
    def start(*arguments: str, **options: object) -> subprocess.Popen[str]:
        command = [sys.executable, fake_suite.__file__, *arguments]
        return subprocess.Popen(command, text=True, stderr=subprocess.PIPE, **options)  # type: ignore[call-overload, no-any-return]

    return start


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "body", "status"),
    [
        (["run", "310"], "", 0),
        (["run", "310"], "bench.say('goodbye')", 1),
        (["run", "700-799"], "", 2),
        (["run", "310", "--impl", "fake:absent"], "", 125),
        (["run", "311"], "", 254),
        (["run", "310"], "import os; os._exit(0)", 255),
    ],
)
def test_process_ends_with_each_exit_status(
    mirrorcheck: Cli, start: Start, arguments: list[str], body: str, status: int
) -> None:
    write_case(mirrorcheck.root, "310-active-writes", body)
    with start(*arguments, stdout=subprocess.DEVNULL) as process:
        _, error = process.communicate(timeout=LIMIT_S)
    assert process.returncode == status
    assert "Traceback" not in error


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["list"], ["run"]])
def test_process_whose_reader_is_gone_is_quiet(mirrorcheck: Cli, start: Start, arguments: list[str]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with start(*arguments, stdout=write_end) as process:
        os.close(write_end)
        _, error = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, error) == (2, "")
    assert mirrorcheck.leftovers() == []


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["list"], ["run"], ["--help"], ["run", "--help"], ["--version"]])
def test_process_whose_output_is_full_says_so_in_one_line(mirrorcheck: Cli, start: Start, arguments: list[str]) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full, start(*arguments, stdout=full) as process:
        _, error = process.communicate(timeout=LIMIT_S)
    assert error == "mirrorcheck: error: cannot write standard output: No space left on device\n"
    assert process.returncode == 254
    assert mirrorcheck.leftovers() == []


@pytest.mark.slow
def test_process_without_standard_streams_still_decides(mirrorcheck: Cli) -> None:
    command = f"{sys.executable} {fake_suite.__file__} run 310 >&- 2>&-"
    assert subprocess.run(command, shell=True, check=False, timeout=LIMIT_S).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_process_that_is_interrupted_sums_up_and_leaves_nothing(
    mirrorcheck: Cli, start: Start, number: signal.Signals
) -> None:
    write_case(mirrorcheck.root, "310-active-writes", "import time; time.sleep(1000)")
    with start("run", "-j", "1", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.readline()  # the other case is running, or about to
        process.send_signal(number)
        output, error = process.communicate(timeout=LIMIT_S)
    assert DURATION.sub("", first) == "100-life           reference  pass\n"
    assert (process.returncode, output, error) == (2, "interrupted: 1 passed\n", "")
    assert mirrorcheck.leftovers() == []
