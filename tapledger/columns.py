"""Tables for people: columns that stand under each other although Chinese characters are two columns wide."""

import unicodedata
from collections.abc import Container, Sequence

Row = Sequence[str]
_GAP = "  "


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: East Asian wide characters take two, marks that combine none
    (Unicode annex 11).
    """
    return sum(_of_char(char) for char in text)


def table(head: Row, rows: Sequence[Row], right: Container[int] = ()) -> str:
    """Return lines of columns under their heads; the columns numbered in ``right`` end under each other instead. The
    last column is not padded. Without rows there is no table.
    """
    if not rows:
        return ""
    every = [[_on_one_line(cell) for cell in row] for row in (head, *rows)]
    widths = [max(columns(row[place]) for row in every) for place in range(len(head))]
    lines = []
    for row in every:
        cells = []
        for place, cell in enumerate(row):
            space = " " * (widths[place] - columns(cell))
            cells.append(space + cell if place in right else cell + space)
        lines.append(_GAP.join(cells).rstrip())
    return "\n".join(lines) + "\n"


def _of_char(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _on_one_line(text: str) -> str:
    """What people are shown comes from outside: nothing in it moves the cursor."""
    return "".join(char if char.isprintable() else "?" for char in text)
