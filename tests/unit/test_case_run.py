"""Running one case: its file, its needs, its session; everything that was opened is closed, however it ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness import case_run, cases
from harness.cases import Case
from harness.errors import CaseError, CaseSkipped, Disagreement
from harness.implementations.base import HANG_LIMIT_S, Implementation, Probe, Session
from harness.implementations.reference import ReferenceSession
from harness.transcript import Transcript

HEADER = '"""{id}: claims something.\n\nGroups: quick\n{needs}Source: QE-01\n"""\n\n'


class Watched(Implementation):
    """The reference, with few features, noting what is opened and closed."""

    spec = "watched"

    def __init__(self) -> None:
        self.log: list[str] = []
        self.sessions: list[ReferenceSession] = []

    def probe(self) -> Probe:
        self.log.append("probe")
        return Probe("1", frozenset({"a"}))

    def open(self, folder: Path, hang_limit_s: float = HANG_LIMIT_S) -> Session:
        self.log.append(f"open {hang_limit_s:g}")
        log = self.log

        class Noting(ReferenceSession):
            def close(self) -> None:
                log.append("close")
                super().close()

        return Noting()


@pytest.fixture
def write_case(tmp_path: Path) -> Callable[..., Case]:
    def write(body: str, needs: str = "") -> Case:
        path = tmp_path / "310-writes.py"
        path.write_text(HEADER.format(id=path.stem, needs=f"Needs: {needs}\n" if needs else "") + body)
        return cases.load(path)

    return write


def run(case: Case, implementation: Watched, folder: Path) -> list[str]:
    transcript = Transcript()
    try:
        case_run.run_case(case, implementation, transcript, folder, 7.0)
    finally:
        implementation.log.append(f"printed {len(transcript.lines)}")
    return transcript.lines


def test_case_runs_on_a_bench_of_its_own(write_case: Callable[..., Case], tmp_path: Path) -> None:
    case = write_case("def run(bench):\n    bench.say(f'{__name__} {sorted(bench.features)} {bench.folder.name}')\n")
    watched = Watched()
    assert run(case, watched, tmp_path) == [f"case_310 ['a'] {tmp_path.name}"]
    assert watched.log == ["probe", "open 7", "close", "printed 1"]


def test_events_that_nobody_printed_are_printed_at_the_end(write_case: Callable[..., Case], tmp_path: Path) -> None:
    case = write_case(
        "def run(bench):\n"
        "    source, target = bench.disk('s', 512), bench.disk('t', 512)\n"
        "    bench.session.submit_command('blockdev-mirror',"
        " {'job-id': 'j', 'device': 's', 'target': 't', 'sync': 'none'})\n"
    )
    lines = run(case, Watched(), tmp_path)
    assert [line.split()[:2] for line in lines[2:]] == [["event", "JOB_STATUS_CHANGE"]] * 3 + [
        ["event", "BLOCK_JOB_READY"]
    ]


def test_case_that_needs_more_is_skipped_before_anything_is_opened(
    write_case: Callable[..., Case], tmp_path: Path
) -> None:
    case = write_case("raise AssertionError('it was executed')\n\n\ndef run(bench):\n    pass\n", needs="a b c")
    watched = Watched()
    with pytest.raises(CaseSkipped, match=r"^needs b c, which watched does not offer$"):
        run(case, watched, tmp_path)
    assert watched.log == ["probe", "printed 0"]


@pytest.mark.parametrize(
    ("body", "error", "text", "opened"),
    [
        (
            "def run(bench):\n    pass\n\n\nrun = 5\n",
            CaseError,
            r"^.*310-writes\.py: a case file needs a function run\(bench\)$",
            False,
        ),
        ("1 / 0\n\n\ndef run(bench):\n    pass\n", ZeroDivisionError, r"^division by zero$", False),
        ("def run(bench):\n    1 / 0\n", ZeroDivisionError, r"^division by zero$", True),
        ("def run(bench):\n    raise KeyboardInterrupt\n", KeyboardInterrupt, r"^$", True),
        (
            "from harness.errors import Disagreement\ndef run(bench):\n    raise Disagreement('wrong')\n",
            Disagreement,
            r"^wrong$",
            True,
        ),
    ],
    ids=["run is no function", "file raises", "run raises", "interrupt", "disagreement"],
)
def test_case_that_ends_badly_leaves_no_session_open(
    write_case: Callable[..., Case],
    tmp_path: Path,
    body: str,
    error: type[BaseException],
    text: str,
    opened: bool,
) -> None:
    watched = Watched()
    with pytest.raises(error, match=text):
        run(write_case(body), watched, tmp_path)
    assert ("open 7" in watched.log, "close" in watched.log) == (opened, opened)
