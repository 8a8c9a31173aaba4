"""The pages that are made from tables: the job's states and verbs, the known deviations, the known bugs.

``python docs/generated.py`` renews the page of known bugs, which is kept with the others so that it can be read there.
"""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from harness import rows
from reference_impl.job_states import TRANSITIONS, VERBS, JobState
from reference_impl.mutants import MUTANTS

#: Where each state stands in the drawing: column and row.
PLACES: Mapping[str, tuple[float, float]] = {
    "undefined": (0, 0),
    "created": (1, 0),
    "running": (2, 0),
    "paused": (2, 1.4),
    "ready": (3, 0),
    "standby": (3, 1.4),
    "waiting": (4, 0),
    "pending": (5, 0),
    "aborting": (4, -1.4),
    "concluded": (6, 0),
    "null": (6, 1.4),
}
_COLUMN, _ROW, _WIDTH, _HEIGHT = 130, 70, 92, 30


def write(folder: Path) -> None:
    """Write all generated pages into a folder; a page that would not change is not touched."""
    folder.mkdir(exist_ok=True)
    golden = Path(__file__).resolve().parent.parent / "golden" / "deviations.toml"
    pages = {
        "job-states.svg": state_diagram(),
        "verbs.md": verb_table(),
        "transitions.md": transition_table(),
        "deviations.md": deviation_list(golden.read_text("utf-8")),
    }
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def state_diagram() -> str:
    """Return the states and transitions of a job as SVG."""
    width, height = 7 * _COLUMN, 5 * _ROW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>',
    ]
    for state, following in TRANSITIONS.items():
        parts += [_arrow(state.value, other.value) for other in sorted(following)]
    for state in JobState:
        x, y = _centre(state.value)
        parts.append(
            f'<rect x="{x - _WIDTH / 2}" y="{y - _HEIGHT / 2}" width="{_WIDTH}" height="{_HEIGHT}" rx="8" '
            'fill="#eef4fb" stroke="#335"/>'
            f'<text x="{x}" y="{y + 5}" text-anchor="middle">{html.escape(state.value)}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _centre(state: str) -> tuple[float, float]:
    column, row = PLACES[state]
    return (column + 0.5) * _COLUMN, (row + 2.5) * _ROW


def _arrow(state: str, other: str) -> str:
    (x, y), (to_x, to_y) = _centre(state), _centre(other)
    if state == other:
        path = f"M{x - 15} {y - _HEIGHT / 2} C{x - 30} {y - 50} {x + 30} {y - 50} {x + 15} {y - _HEIGHT / 2}"
    elif x == to_x:  # between rows: the way there and the way back beside each other
        down = to_y > y
        shift = 12 if down else -12
        path = f"M{x + shift} {y + (_HEIGHT / 2 if down else -_HEIGHT / 2)} L{x + shift} {_edge(to_y, down)}"
    elif y == to_y and abs(to_x - x) > _COLUMN:  # over the states between
        bow = y + 0.55 * _ROW
        path = f"M{x + 20} {y + _HEIGHT / 2} C{x + 60} {bow} {to_x - 60} {bow} {to_x - 20} {to_y + _HEIGHT / 2}"
    elif y == to_y:
        side = _WIDTH / 2 if to_x > x else -_WIDTH / 2
        path = f"M{x + side} {y} L{to_x - side} {to_y}"
    else:
        down = to_y > y
        start_y, end_y = y + (_HEIGHT / 2 if down else -_HEIGHT / 2), _edge(to_y, down)
        path = f"M{x} {start_y} L{to_x - (20 if to_x > x else -20)} {end_y}"
    return (
        f'<path d="{path}" fill="none" stroke="#555" marker-end="url(#head)"><title>{state} to {other}</title></path>'
    )


def _edge(y: float, down: bool) -> float:
    return y - _HEIGHT / 2 if down else y + _HEIGHT / 2


def transition_table() -> str:
    """Return which state may follow which, as Markdown."""
    lines = ["| state | may become |", "|---|---|"]
    lines += [
        f"| `{state}` | {', '.join(f'`{other}`' for other in JobState if other in following) or 'nothing'} |"
        for state, following in TRANSITIONS.items()
    ]
    return "\n".join(lines) + "\n"


def verb_table() -> str:
    """Return which verb is allowed in which state, as Markdown."""
    states = [state for state in JobState if state is not JobState.UNDEFINED]
    lines = [f"| verb | {' | '.join(states)} |", f"|---|{'---|' * len(states)}"]
    lines += [
        f"| `{verb}` | {' | '.join('yes' if state in allowed else '' for state in states)} |"
        for verb, allowed in VERBS.items()
    ]
    return "\n".join(lines) + "\n"


def deviation_list(text: str) -> str:
    """Return the known deviations as Markdown, in the order of the file."""
    entries = tomllib.loads(text).get("deviation", [])
    if not entries:
        return "No deviation is known.\n"
    lines = []
    for entry in entries:
        instead = f"prints `{entry['transcript']}`" if "transcript" in entry else f"ends with a {entry['status']}"
        lines += [
            f"* **{entry['implementation']}**, versions `{entry['versions']}`: {entry['reason']}.",
            f"  Cases: {', '.join(f'`{case}`' for case in entry['cases'])}. It {instead}. Mended by: {entry['fix']}.",
        ]
    return "\n".join(lines) + "\n"


KNOWN_BUGS = Path(__file__).resolve().with_name("known-bugs.md")

_BUG_ROW = re.compile(r"[ABCD][0-9]+|BF-[0-9]+")


def known_bugs() -> str:
    """Return the table of the bugs that mirrors had: for each the mutants, or why there is none."""
    mutants: dict[str, list[str]] = {}
    for name, mutant in MUTANTS.items():
        for row in mutant.rows:
            mutants.setdefault(row, []).append(f"`{name}`")
    lines = [
        "# Known bugs",
        "",
        "Every bug of mirrors, bitmaps and jobs that this suite knows of, with the mutants that put it back into",
        "the reference (`mirrorcheck run --impl reference:NAME`), or why there is none. A: seen on real programs; B:",
        "bitmaps; C: copying and job states; D: drains, graph, threads; BF: found after the series of 2018. What shows",
        "each mutant is in `harness/mutants/known.toml`.",
        "",
        "| row | what was wrong | mutants, or why there is none |",
        "|---|---|---|",
    ]
    for row in rows.load().values():
        if _BUG_ROW.fullmatch(row.id):
            found = ", ".join(mutants.get(row.id, [])) or row.reason
            lines.append(f"| {row.id} | {row.meaning} | {found} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    KNOWN_BUGS.write_text(known_bugs(), "utf-8")
