"""Where each character of a paper comes to stand: rows in, lines of a fixed number of columns out.

Pure: no printer is known here but its width. A printer in Kanji mode gives one column to ASCII and two to every
other character, whatever Unicode says of its width; so does this module.
"""

from __future__ import annotations

import unicodedata
from typing import Literal

from agent.paper import Align, Cut, Feed, Pair, Paper, Qr, Rule, Text
from contract.making import dataclass

COLUMNS_80_MM = 48
"""Columns of font A on 80 mm paper: 576 dots of 12."""

Charset = Literal["gb18030", "gbk"]
"""The character set of the printer's Kanji mode. GB18030 has every character, GBK the 21,886 of two bytes."""

_SAME_LOOKING = str.maketrans({"\u00a5": "\uffe5", "\u00a0": " ", "\t": " ", "\u2212": "-", "\u2022": "\u00b7"})
"""Characters that Chinese printers do not have, and those they have that look the same."""


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line, at most as wide as the paper; a column is two wide when `size` is 2."""

    text: str
    align: Align = "left"
    bold: bool = False
    size: Literal[1, 2] = 1


Item = Line | Qr | Feed | Cut
"""What a printer does next."""


def layout(paper: Paper, columns: int = COLUMNS_80_MM, charset: Charset = "gb18030") -> tuple[Item, ...]:
    """Break a paper into lines and things that are no text, in the order they are printed."""
    items: list[Item] = []
    for row in paper.rows:
        match row:
            case Text(text, align, bold, size):
                lines = wrap(printable(text, charset), columns // size)
                items += [Line(line, align, bold, size) for line in lines]
            case Pair(left, right, bold):
                pair = _pair(printable(left, charset), printable(right, charset), columns)
                items += [Line(line, "left", bold) for line in pair]
            case Rule():
                items.append(Line("-" * columns))
            case _:
                items.append(row)
    return tuple(items)


def width(text: str) -> int:
    """The columns a text takes at size 1."""
    return sum(1 if character < "\x80" else 2 for character in text)


def printable(text: str, charset: Charset = "gb18030") -> str:
    """The text as the printer can show it: no control characters but line feeds, "?" for what it does not have.

    A name typed by anybody may hold an ESC: it must not command the printer.
    """
    composed = unicodedata.normalize("NFC", text).replace("\r\n", "\n").translate(_SAME_LOOKING)
    plain = "".join(
        c if c == "\n" or unicodedata.category(c)[0] not in "CZ" or c in " \u3000" else "?" for c in composed
    )
    return plain.encode(charset, "replace").decode(charset)


def wrap(text: str, columns: int) -> list[str]:
    """Break a text into lines of at most `columns`, between words or Chinese characters where that can be."""
    return [line for paragraph in text.split("\n") for line in _wrap_paragraph(paragraph, columns)]


def _wrap_paragraph(paragraph: str, columns: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in _words(paragraph):
        if width(line) + width(word.rstrip(" ")) <= columns:
            line += word
            continue
        if line.strip():
            lines.append(line.rstrip(" "))
        line = ""
        for character in word:
            if width(line) + width(character) > columns:
                lines.append(line)
                line = ""
            line += character
    return [*lines, line.rstrip(" ")] if line.strip() or not lines else lines


def _words(paragraph: str) -> list[str]:
    """Pieces that stay together: an ASCII word with the spaces after it, or one Chinese character.

    A closing mark stays with what it closes, as Chinese typesetting wants it.
    """
    words: list[str] = []
    for character in paragraph:
        before = words[-1][-1:] if words else ""
        ascii_word = character < "\x80" and "" < before < "\x80"
        same_word = ascii_word and (character == " " or before != " ")
        if words and (same_word or character in "，。、；：！？）》」』】％" or (character == " " and before)):
            words[-1] += character
        else:
            words.append(character)
    return words


def _pair(left: str, right: str, columns: int) -> list[str]:
    """Left and right on one line when they fit, or the right one by itself after the left."""
    lefts = wrap(left, columns)
    rights = wrap(right, columns)
    room = columns - width(lefts[-1]) - width(rights[0])
    if room >= 1 and len(rights) == 1:
        return [*lefts[:-1], lefts[-1] + " " * room + rights[0]]
    return [*lefts, *(" " * (columns - width(line)) + line for line in rights)]
