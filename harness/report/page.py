"""The report as one HTML page that needs nothing else: no network, no server, no other file.

The matrix stands in the page as plain HTML. What a person sees only after a click (transcripts, timelines) is there as
compressed blocks, one a case and one a timeline, which the page's script unpacks when they are asked for. Everything
that a run has printed is escaped: in the matrix by the template, in the blocks by being base64, and in what the script
makes of them by being text and never markup. The page forbids itself everything but its own script and style.

What does not fit into the size is left out, timelines of runs that passed first, and the page says so.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import msgspec

from harness import __version__, trace_file
from harness.artefacts import UNREMARKABLE
from harness.comparison import GOLDEN, Column, Comparison, Row, compare
from harness.errors import UsageError
from harness.judge import SUITE_ITSELF, Judge
from harness.records import Record, Verdict
from harness.report import summary, visible
from harness.report.timeline import timeline
from harness.side_by_side import first_difference, lines_of, shown
from harness.stored_runs import Coverage, Mutants, StoredRun

DEFAULT_BYTES_MAX = 5_000_000

#: Of one transcript; a longer one is a case gone wild.
TRANSCRIPT_LINES_MAX = 5000
REASON_LENGTH_MAX = 300

_TEMPLATES = Path(__file__).resolve().parent / "templates"


class Cell(msgspec.Struct, kw_only=True):
    """A case on an implementation, as the matrix shows it.

    :ivar step: the first line that differs from what is expected, 0 when none does.
    """

    column: int
    verdict: str
    letter: str
    step: int
    reason: str
    duration_ms: int


class Line(msgspec.Struct, kw_only=True):
    """A row of the matrix."""

    index: int
    case: str
    claim: str
    groups: list[str]
    needs: list[str]
    sources: list[str]
    cells: list[Cell]
    has_difference: bool


class Block(msgspec.Struct, kw_only=True):
    """A part of the page that is unpacked on demand."""

    name: str
    data: str


def document(
    run: StoredRun,
    records: Sequence[Record],
    judge: Judge,
    *,
    coverage: Sequence[Coverage] = (),
    mutants: Sequence[Mutants] = (),
    bytes_max: int = DEFAULT_BYTES_MAX,
) -> bytes:
    """Return the page about a run.

    :param records: the run's, judged by ``judge``.
    :param bytes_max: no page is larger; at least what the matrix alone takes.
    :raise UsageError: when the matrix alone does not fit.
    """
    implementations = run.header.implementations
    columns = [_column(name, records) for name in implementations]
    # Some case may have no header: a suite's own record, or a run of an older mirrorcheck.
    infos = {info.id: info for info in run.header.cases}
    case_ids = sorted({*infos, *(record.case for record in records if record.implementation != SUITE_ITSELF)})
    golden = Column(name=GOLDEN, is_golden=True)
    comparison = compare([*columns, golden], case_ids, judge.goldens, judge.deviations)
    lines = []
    for index, row in enumerate(comparison.rows):
        info = infos.get(row.case)
        lines.append(
            Line(
                index=index,
                case=visible(row.case),
                claim=shown(info.claim) if info else "",
                groups=[visible(group) for group in info.groups] if info else [],
                needs=[visible(need) for need in info.needs] if info else [],
                sources=[visible(source) for source in info.sources] if info else [],
                cells=[_cell(number, row, column.name) for number, column in enumerate(columns, 1)],
                has_difference=bool(row.differences),
            )
        )
    style, script = (_TEMPLATES / "page.css").read_text("utf-8"), (_TEMPLATES / "page.js").read_text("utf-8")
    values: dict[str, Any] = {
        "version": __version__,
        "run": run,
        "command": shown(" ".join(["mirrorcheck", *run.header.command]), 500),
        "started": visible(run.header.started),
        "environment": {visible(name): shown(value, 200) for name, value in run.header.environment.items()},
        "summary": summary(records),
        "missing_count": len(run.missing()),
        "columns": [
            {"number": number, "name": visible(column.name), "version": shown(column.version, 200)}
            for number, column in enumerate(columns, 1)
        ],
        "lines": lines,
        "groups": sorted({group for line in lines for group in line.groups}),
        "verdicts": [verdict.value for verdict in Verdict if any(record.verdict is verdict for record in records)],
        "suite_records": [
            (visible(record.case), shown(record.reason)) for record in records if record.implementation == SUITE_ITSELF
        ],
        "coverage": _coverage_tables(coverage),
        "mutants": _mutant_rows(mutants),
        "style": style,
        "script": script,
        "style_hash": _hash(style),
        "script_hash": _hash(script),
    }
    return _fitted(values, _blocks(run, comparison, columns, judge), bytes_max)


def _fitted(values: dict[str, Any], blocks: list[Block], bytes_max: int) -> bytes:
    """Render the page with as many blocks as fit, the first ones first."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("page.html.j2")
    empty = template.render(**values, blocks=[], left_out_count=len(blocks)).encode("utf-8", "backslashreplace")
    left = bytes_max - len(empty)
    if left < 0:
        raise UsageError(f"the matrix alone takes {len(empty)} bytes, and the page may have {bytes_max}")
    kept = []
    for block in blocks:
        size = len(block.data) + len(block.name) + 60
        if size <= left:
            left -= size
            kept.append(block)
    text: str = template.render(**values, blocks=kept, left_out_count=len(blocks) - len(kept))
    return text.encode("utf-8", "backslashreplace")


def _column(name: str, records: Sequence[Record]) -> Column:
    own = {record.case: record for record in records if record.implementation == name}
    version = next((record.run.version for record in own.values() if record.run.version), "")
    return Column(name=name, records=own, version=version)


def _cell(number: int, row: Row, name: str) -> Cell:
    cell, golden = row.cells[name], row.cells[GOLDEN]
    step = 0
    if cell.transcript is not None and golden.transcript is not None:
        step = first_difference(lines_of(golden.transcript), lines_of(cell.transcript)) or 0
    return Cell(
        column=number,
        verdict=cell.outcome,
        letter=cell.letter,
        step=step,
        reason=shown(cell.record.reason, REASON_LENGTH_MAX) if cell.record is not None else "",
        duration_ms=round(cell.record.run.duration_s * 1000) if cell.record is not None else 0,
    )


def _blocks(run: StoredRun, comparison: Comparison, columns: Sequence[Column], judge: Judge) -> list[Block]:
    """Return all blocks in the order of their worth: transcripts before timelines, what failed before what passed."""
    transcripts: list[tuple[int, Block]] = []
    timelines: list[tuple[int, Block]] = []
    for index, row in enumerate(comparison.rows):
        remarkable = any(
            cell.record is not None and cell.record.verdict not in UNREMARKABLE for cell in row.cells.values()
        )
        rank = 0 if remarkable else 1 if row.differences else 2
        transcripts.append((rank, Block(name=f"c{index}", data=_packed(_case_block(row, columns, judge)))))
        for number, column in enumerate(columns, 1):
            record = column.records.get(row.case)
            drawn = None if record is None else _timeline_block(run, record)
            if drawn is not None:
                timelines.append((rank, Block(name=f"t{index}-{number}", data=_packed(drawn))))
    ordered = sorted(transcripts, key=lambda pair: pair[0]) + sorted(timelines, key=lambda pair: pair[0])
    return [block for _, block in ordered]


def _case_block(row: Row, columns: Sequence[Column], judge: Judge) -> dict[str, Any]:
    """Return what is shown of a case: each different transcript once, and who has which."""
    texts: dict[str, int] = {}

    def number_of(transcript: str | None) -> int:
        return -1 if transcript is None else texts.setdefault(transcript, len(texts))

    sides = []
    for column in columns:
        cell = row.cells[column.name]
        record = cell.record
        expected = judge.expected(record) if record is not None else None
        sides.append(
            {
                "transcript": number_of(cell.transcript),
                "expected": number_of(expected.text if expected is not None else row.cells[GOLDEN].transcript),
                "golden": visible(record.golden or "") if record is not None else "",
                "reason": shown(record.reason) if record is not None else "",
                "detail": [shown(line) for line in lines_of(record.run.detail)[:200]] if record is not None else [],
                "repeat": visible(record.repeat_command) if record is not None else "",
                "explanation": _explanation(row, column.name),
            }
        )
    golden = number_of(row.cells[GOLDEN].transcript)
    return {"golden": golden, "sides": sides, "transcripts": [_shown_lines(text) for text in texts]}


def _explanation(row: Row, name: str) -> str:
    letter = row.cells[name].letter
    for difference in row.differences:
        if row.cells[difference.right].letter == letter:
            return shown(difference.explanation or "unexplained")
    return ""


def _shown_lines(transcript: str) -> list[str]:
    lines = lines_of(transcript)
    found = [shown(line) for line in lines[:TRANSCRIPT_LINES_MAX]]
    if len(lines) > len(found):
        found.append(f"… ({len(lines) - len(found)} more lines are not on this page)")
    return found


def _timeline_block(run: StoredRun, record: Record) -> dict[str, Any] | None:
    folder = run.folder_of(record)
    if folder is None or not (folder / trace_file.TRACE_FILE).is_file():
        return None
    try:
        drawn = timeline(trace_file.read(folder / trace_file.TRACE_FILE))
    except UsageError as error:
        return {"problem": shown(str(error))}
    return msgspec.to_builtins(drawn) if drawn.length else None


def _coverage_tables(coverage: Sequence[Coverage]) -> list[dict[str, Any]]:
    """Return a table for each dimension: what is reached, and by how many cases."""
    tables = []
    for dimension in dict.fromkeys(line.dimension for line in coverage):
        lines = [line for line in coverage if line.dimension == dimension]
        names = dict.fromkeys(name for line in lines for name in [*line.known, *line.reached])
        # Each name once a case; a case may come from several implementations.
        reached = {name: list(dict.fromkeys(line.case for line in lines if name in line.reached)) for name in names}
        tables.append(
            {
                "dimension": visible(dimension),
                "reached_count": sum(map(bool, reached.values())),
                "rows": [(shown(name, 200), len(cases), shown(" ".join(cases[:8]))) for name, cases in reached.items()],
            }
        )
    return tables


def _mutant_rows(mutants: Sequence[Mutants]) -> list[dict[str, Any]]:
    return [
        {
            "mutant": shown(line.mutant, 200),
            "summary": shown(line.summary, 500),
            "verdict": line.verdict,
            "caught_by": [shown(case, 100) for case in line.caught_by[:12]],
            "more_count": max(0, len(line.caught_by) - 12),
        }
        for line in mutants
    ]


def _packed(value: Any) -> str:
    data = gzip.compress(msgspec.json.encode(value), 9, mtime=0)
    return base64.b64encode(data).decode("ascii")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
