"""The supervisor, its keepers and their workers, with a runner that needs no bench."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import keeper, process_tree
from harness.errors import HarnessBug, UsageError
from harness.records import RawRun, RunStatus, Task
from harness.supervisor import Supervisor

LIMIT_S = 30.0
RUNNER = "plain_runner:run_plainly"
RUNNER_FOLDER = str(Path(__file__).parent)

#: A process that says it is there and stays, in a session of its own, its parent gone.
DAEMONIZE = """\
import os, subprocess
# Its output ends when the daemon has let go of it, so that this waits until the daemon is on its own.
subprocess.run("setsid sleep 1000 >/dev/null 2>&1 &", shell=True, check=True, capture_output=True)"""


@pytest.fixture(scope="module", autouse=True)
def importable_runner() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", RUNNER_FOLDER)
        yield


def write_case(folder: Path, name: str, *parts: str) -> Task:
    path = folder / f"{name}.py"
    path.write_text("def run(say):\n" + "".join(textwrap.indent(f"{part}\n", "    ") for part in parts))
    return Task(case_path=str(path), case_id=name, implementation="reference")


def make_supervisor(results: Path, jobs: int = 1, limit_s: float = 60.0) -> Supervisor:
    return Supervisor(jobs=jobs, limit_s=limit_s, results=results, runner=RUNNER)


RunBody = Callable[..., RawRun]


@pytest.fixture(scope="module")
def run_body(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunBody]:
    """Runs one case's body, all of a module's in the same supervisor: what one does must not reach the next."""
    folder = tmp_path_factory.mktemp("cases")
    count = 0
    with make_supervisor(folder / "results") as supervisor:

        def run(*parts: str) -> RawRun:
            nonlocal count
            count += 1
            (result,) = supervisor.run([write_case(folder, f"case-{count}", *parts)])
            return result

        yield run


def test_case_that_ends_is_completed_with_its_transcript(run_body: RunBody) -> None:
    result = run_body("say('one'); say('zw\\u00f6lf')")
    assert result.status is RunStatus.COMPLETED
    assert result.reason == ""
    assert result.detail == ""
    assert result.transcript == "one\nzwölf\n"
    assert (result.version, result.features) == ("1.0", ["feature"])


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ("raise ValueError('two\\nlines')", "case-error", r"the case raised ValueError: two\\nlines"),
        ("raise SystemExit(3)", "case-error", "the case raised SystemExit: 3"),
        ("raise KeyboardInterrupt", "case-error", "the case raised KeyboardInterrupt"),
        ("raise MemoryError", "case-error", "the case raised MemoryError"),
        ("run(say)", "case-error", "the case raised RecursionError: maximum recursion depth exceeded.*"),
        ("import json; json.loads('{')", "case-error", "the case raised JSONDecodeError: Expecting property name .*"),
        ("import os; os._exit(3)", "broken", "the worker ended with status 3 in the middle of the case"),
        ("import os; os.abort()", "broken", "the worker was killed by SIGABRT in the middle of the case"),
        ("import os; os.kill(os.getpid(), 9)", "broken", "the worker was killed by SIGKILL in the middle of the case"),
        ("import os; os.kill(os.getpid(), 11)", "broken", "the worker was killed by SIGSEGV in the middle of the case"),
        (
            "import os; os.kill(os.getppid(), 9)\nwhile 1: pass",
            "broken",
            "the worker's keeper was killed by SIGKILL .*",
        ),
        ("import os; os.closerange(3, 999)", "broken", "the worker ended with status 1 in the middle of the case"),
        ("import os; os.open('/dev/null', 0)", "left-behind", r"left behind: descriptor [0-9]+ \(/dev/null\)"),
        ("open('here', 'w').close()", "left-behind", "left behind: file here"),
        ("import os; os.mkdir('a'); os.mkfifo('a/b')", "left-behind", "left behind: fifo a/b, folder a"),
        (
            "import os, shutil; shutil.rmtree(os.path.dirname(os.readlink('/proc/self/fd/1')))",
            "broken",
            r"the harness raised FileNotFoundError: .*",
        ),
        ("import os; os.fork()", "left-behind", r"left behind: process [0-9]+ \(.*\)"),
        (DAEMONIZE, "left-behind", r"left behind: process [0-9]+ \(.*sleep 1000.*\)"),
        (
            "import threading\nthreading.Thread(target=threading.Event().wait, name='mine', daemon=True).start()",
            "left-behind",
            "left behind: thread mine",
        ),
        ("while True: say('x' * 65536)", "case-error", "the transcript is longer than 16777216 bytes"),
        ("from harness.errors import Disagreement; raise Disagreement('no')", "wrong", "no"),
        ("from harness.errors import ImplementationHang; raise ImplementationHang('no')", "hang", "no"),
        ("from harness.errors import ImplementationCrash; raise ImplementationCrash('no')", "crash", "no"),
        ("from harness.errors import CaseSkipped; raise CaseSkipped('no')", "skipped", "no"),
        ("from harness.errors import ImplementationUnavailable as U; raise U('no')", "unavailable", "no"),
        ("from harness.errors import HarnessBug; raise HarnessBug('no')", "broken", "no"),
        ("from harness.results import slug; slug(None)", "broken", "the harness raised TypeError: expected string .*"),
        ("from harness.errors import Undecided; raise Undecided('no')", "skipped", "undecided: no"),
    ],
)
def test_case_that_goes_wrong_costs_itself_only(run_body: RunBody, body: str, status: str, reason: str) -> None:
    result = run_body("say('begun')", body)
    assert re.fullmatch(reason, result.reason), f"{result.reason}\n{result.detail}"
    assert result.status == status
    assert result.transcript.startswith("begun\n") or "rmtree" in body
    assert run_body("say('next')").status is RunStatus.COMPLETED


def test_supervisor_with_sigchld_ignored_still_sees_how_workers_end(tmp_path: Path) -> None:
    previous = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with make_supervisor(tmp_path / "results") as supervisor:
            (result,) = supervisor.run([write_case(tmp_path, "a", "import os; os._exit(3)")])
    finally:
        signal.signal(signal.SIGCHLD, previous)
    assert result.reason == "the worker ended with status 3 in the middle of the case"


def test_case_that_leaves_a_socket_is_left_behind(run_body: RunBody) -> None:
    result = run_body("import socket; s = socket.socket(socket.AF_UNIX); s.bind('qmp'); s.close()")
    assert result.reason == "left behind: socket qmp"


def test_case_that_fails_and_leaves_something_keeps_its_own_status(run_body: RunBody) -> None:
    result = run_body("open('here', 'w').close(); raise ValueError('mine')")
    assert result.reason == "the case raised ValueError: mine"
    assert "left behind:\n  file here" in result.detail


def test_case_that_dies_names_what_was_killed_with_it(run_body: RunBody) -> None:
    result = run_body(DAEMONIZE, "os._exit(0)")
    assert result.reason == "the worker ended with status 0 in the middle of the case"
    assert re.search(r"killed with it:\n  process [0-9]+ \(.*sleep 1000.*\)", result.detail)


def test_case_that_segfaults_shows_its_stack(run_body: RunBody) -> None:
    result = run_body("import os; os.kill(os.getpid(), 11)")
    assert result.detail.startswith("Fatal Python error: Segmentation fault")
    assert ", line 2 in run\n" in result.detail


def test_case_that_changes_its_surroundings_does_not_reach_the_next(run_body: RunBody) -> None:
    run_body("import os; os.chdir('/'); os.environ['STRANGE'] = '1'; os.umask(0o777); print('out')")
    result = run_body("import os; say('STRANGE' in os.environ); say(os.listdir()); say(oct(os.umask(0o22)))")
    assert result.transcript == "False\n['artefacts']\n0o22\n"


def test_output_of_case_and_children_is_kept_as_bytes(run_body: RunBody) -> None:
    command = r"printf '\377\001' >&2"
    result = run_body(f"import os; os.system({command!r}); print('out'); raise ValueError('shown')")
    folder = Path(result.folder)
    assert (folder / "stdout").read_bytes() == b"out\n"
    assert (folder / "stderr").read_bytes() == b"\xff\x01"
    assert result.detail.endswith("stdout ends with:\nout\nstderr ends with:\n\\xff\x01")


def test_output_that_is_empty_leaves_no_file(run_body: RunBody) -> None:
    assert os.listdir(run_body("say('x')").folder) == ["transcript.out"]


def test_artefacts_are_kept_beside_the_transcript(run_body: RunBody) -> None:
    result = run_body("open('artefacts/trace', 'w').write('kept')")
    assert result.status is RunStatus.COMPLETED
    assert (Path(result.folder) / "artefacts" / "trace").read_text() == "kept"


def test_socket_path_in_scratch_folder_is_short(run_body: RunBody) -> None:
    assert len(run_body("import os; say(os.getcwd())").transcript) <= 48


def test_transcript_with_strange_characters_shows_them(run_body: RunBody) -> None:
    result = run_body("say('\\x00\\x1b[31m\\r\\udcff')")
    assert result.transcript == "\\x00\\x1b[31m\\r\\udcff\n"


def test_next_case_uses_the_same_worker(run_body: RunBody) -> None:
    body = "import os; say(os.getpid())"
    assert run_body(body).transcript == run_body(body).transcript


@pytest.mark.slow
@pytest.mark.parametrize("stop", ["while True: pass", "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"])
def test_case_beyond_its_limit_is_a_hang_with_stacks(tmp_path: Path, stop: str) -> None:
    task = write_case(tmp_path, "loop", "say('begun')", DAEMONIZE, stop)
    with make_supervisor(tmp_path / "results", limit_s=2.0) as supervisor:
        (result,) = supervisor.run([task])
    assert result.status is RunStatus.HANG
    assert result.reason == "the case was not over after 2 s"
    assert result.transcript == "begun\n"
    assert re.search(r", line [0-9]+ in run\n", result.detail)
    assert re.search(r"killed with it:\n  process [0-9]+ \(.*sleep 1000.*\)", result.detail)


@pytest.mark.slow
def test_run_with_many_jobs_gives_every_result_once(tmp_path: Path) -> None:
    tasks = [write_case(tmp_path, f"case-{number}", f"say({number})") for number in range(20)]
    with make_supervisor(tmp_path / "results", jobs=3) as supervisor:
        assert sorted(run.transcript for run in supervisor.run(tasks)) == sorted(f"{n}\n" for n in range(20))
        assert [run.transcript for run in supervisor.run_in_order(tasks)] == [f"{n}\n" for n in range(20)]


@pytest.mark.slow
def test_run_with_known_durations_begins_with_unknown_then_longest(tmp_path: Path) -> None:
    tasks = [write_case(tmp_path, name, "pass") for name in ("short", "long", "unknown", "longer")]
    durations_s = {("reference", "short"): 0.1, ("reference", "long"): 1.0, ("reference", "longer"): 2.0}
    with Supervisor(jobs=1, results=tmp_path / "results", durations_s=durations_s, runner=RUNNER) as supervisor:
        assert [run.case for run in supervisor.run(tasks)] == ["unknown", "longer", "long", "short"]
        assert [run.case for run in supervisor.run_in_order(tasks)] == ["short", "long", "unknown", "longer"]


@pytest.mark.slow
def test_run_abandoned_ends_what_still_runs(tmp_path: Path) -> None:
    tasks = [write_case(tmp_path, "quick", "pass"), write_case(tmp_path, "endless", "while True: pass")]
    afterwards = [write_case(tmp_path, name, "pass") for name in ("one", "other")]
    with make_supervisor(tmp_path / "results", jobs=2) as supervisor:
        runs = supervisor.run(tasks)
        assert next(runs).case == "quick"
        runs.close()  # type: ignore[attr-defined]
        assert [run.status for run in supervisor.run(afterwards)] == [RunStatus.COMPLETED] * 2


def test_run_of_no_tasks_starts_nothing(tmp_path: Path) -> None:
    with make_supervisor(tmp_path / "results") as supervisor:
        assert list(supervisor.run([])) == []
    assert not (tmp_path / "results").exists()


def test_results_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    with (
        make_supervisor(tmp_path / "results") as supervisor,
        pytest.raises(UsageError, match=r"^cannot write results to .*/results/reference/a: Not a directory$"),
    ):
        list(supervisor.run([write_case(tmp_path, "a", "pass")]))


def test_supervisor_without_jobs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessBug, match=r"^0 jobs cannot run anything$"):
        make_supervisor(tmp_path, jobs=0)


def test_supervisor_without_time_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessBug, match=r"^a limit of 0 s leaves no time$"):
        make_supervisor(tmp_path, limit_s=0)


def test_supervisor_left_restores_handlers_and_closes_everything(tmp_path: Path) -> None:
    task = write_case(tmp_path, "a", "pass")
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    before = sorted(os.listdir("/proc/self/fd"))
    with make_supervisor(tmp_path / "results") as supervisor:
        list(supervisor.run([task]))
    assert sorted(os.listdir("/proc/self/fd")) == before
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == handlers


def test_supervisor_left_removes_what_a_killed_keeper_could_not(tmp_path: Path) -> None:
    body = "import os, signal; say(os.getcwd()); os.kill(os.getppid(), signal.SIGKILL); signal.pause()"
    with make_supervisor(tmp_path / "results") as supervisor:
        (result,) = supervisor.run([write_case(tmp_path, "a", body)])
        scratch = Path(result.transcript.strip())
        assert scratch.exists()
    assert not scratch.parent.exists()


def test_supervisor_leaves_ignored_signals_ignored(tmp_path: Path) -> None:
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with make_supervisor(tmp_path / "results"):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, previous)


SUPERVISE_ENDLESS = """
import signal
import sys
from pathlib import Path
from harness.records import Task
from harness.supervisor import Supervisor
# Whoever runs the tests in the background of a shell has SIGINT ignored, and so have we.
signal.signal(signal.SIGINT, signal.default_int_handler)
case, results = sys.argv[1:]
task = Task(case_path=case, case_id="endless", implementation="reference")
try:
    with Supervisor(jobs=1, results=Path(results), runner="plain_runner:run_plainly") as supervisor:
        for run in supervisor.run([task, task]):
            print("yielded", run)
except KeyboardInterrupt as interrupt:
    print("interrupted")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "printed"),
    [(signal.SIGINT, "interrupted\n"), (signal.SIGTERM, "interrupted\n"), (signal.SIGKILL, "")],
)
def test_supervisor_ended_by_signal_leaves_nothing(tmp_path: Path, number: signal.Signals, printed: str) -> None:
    told = tmp_path / "told"
    os.mkfifo(told)
    task = write_case(
        tmp_path,
        "endless",
        DAEMONIZE,
        f"open({str(told)!r}, 'w').write(os.getcwd())",
        "while True: pass",
    )
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISE_ENDLESS, task.case_path, str(tmp_path / "results")],
        stdout=subprocess.PIPE,
        text=True,
    ) as supervisor:
        scratch = Path(told.read_text())
        below = process_tree.list_descendants(supervisor.pid)
        assert len(below) == 3  # keeper, worker, daemon
        descriptors = [os.pidfd_open(found.pid) for found in below]
        supervisor.send_signal(number)
        assert supervisor.communicate(timeout=LIMIT_S)[0] == printed
    for descriptor in descriptors:
        assert select.select([descriptor], [], [], LIMIT_S)[0]
        os.close(descriptor)
    assert not scratch.parent.exists()


def test_starvation_of_a_process_grows_and_is_nothing_for_none() -> None:
    before = keeper.starvation_s(os.getpid())
    assert before >= 0
    os.sched_yield()
    assert keeper.starvation_s(os.getpid()) >= before
    assert keeper.starvation_s(1 << 30) == 0


@pytest.mark.parametrize(("starved_s", "limit_s"), [(0.0, 60.0), (12.5, 72.5), (1000.0, 100.0)])
def test_time_without_a_processor_is_given_to_a_case_within_bounds(starved_s: float, limit_s: float) -> None:
    assert keeper.extended_limit_s(60.0, starved_s) == limit_s
