"""What a line editor has drawn: the text that a person would see on the terminal.

QEMU's own editor answers every key with the whole line again, an escape that clears what stood behind it, and one step
to the left for each character (real-qemu H). This plays the terminal for the few things that it sends.
"""

from __future__ import annotations

import re

TOKEN = re.compile(
    r"\x1b\[(?P<count>\d*)(?P<action>[CDK])|(?P<end>\r*\n)|(?P<return>\r)|(?P<back>\x08)|(?P<text>.)", re.S
)


def visible(drawn: str) -> str:
    """The lines that are on the terminal in the end, each but the last with its end ``\\n``.

    Any number of carriage returns may stand before a line feed: a terminal adds one to those that QEMU sends.
    """
    lines: list[str] = []
    cells: list[str] = []
    column = 0
    for token in TOKEN.finditer(drawn):
        steps = int(token["count"] or 1)
        if token["end"]:
            lines.append("".join(cells))
            cells, column = [], 0
        elif token["return"]:
            column = 0
        elif token["back"]:
            column = max(0, column - 1)
        elif token["action"] == "D":
            column = max(0, column - steps)
        elif token["action"] == "C":
            column += steps
        elif token["action"] == "K":
            del cells[column:]
        else:
            cells += " " * (column - len(cells))
            cells[column : column + 1] = [token["text"]]
            column += 1
    return "\n".join([*lines, "".join(cells)])
