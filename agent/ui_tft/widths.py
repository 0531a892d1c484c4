"""How wide words will be, known without a font: so that a screen can be laid out, and tested, as plain values.

The advances are those of Noto Sans CJK SC, Regular and Bold, in thousandths of the size (its ``hmtx`` table), each
rounded to whole pixels as FreeType does. What is neither printable ASCII nor the yen sign counts as a full square,
which is right for Chinese and never too small for the rest.
"""

from __future__ import annotations

ELLIPSIS = "…"
_SQUARE = 1000
_CLOSING = frozenset("，。！？；：、）》」』”’…,.!?;:)%")
_HALF_PX = 510  # A little more than half, because FreeType rounds its own scale first and then at times goes up.
# fmt: off
_REGULAR = (
    224, 323, 474, 555, 555, 921, 680, 278, 338, 338, 467, 555, 278, 347, 278, 392, 555, 555, 555, 555, 555, 555, 555,
    555, 555, 555, 278, 278, 555, 555, 555, 474, 946, 608, 657, 638, 688, 589, 552, 689, 728, 293, 535, 646, 543, 812,
    723, 742, 633, 742, 635, 596, 599, 721, 575, 878, 573, 531, 603, 338, 392, 338, 555, 559, 606, 563, 618, 510, 620,
    554, 325, 564, 607, 275, 275, 552, 284, 926, 610, 606, 620, 620, 388, 468, 377, 607, 521, 802, 498, 521, 475, 338,
    270, 338, 555,
)
_BOLD = (
    227, 370, 574, 590, 590, 963, 740, 325, 378, 378, 507, 590, 325, 370, 325, 387, 590, 590, 590, 590, 590, 590, 590,
    590, 590, 590, 325, 325, 590, 590, 590, 514, 1007, 641, 681, 656, 714, 615, 585, 717, 757, 330, 568, 686, 578, 853,
    749, 770, 667, 770, 682, 624, 625, 748, 619, 915, 627, 580, 613, 378, 387, 378, 590, 567, 626, 591, 644, 527, 644,
    581, 372, 597, 640, 304, 306, 604, 315, 964, 641, 626, 644, 644, 436, 495, 421, 637, 576, 863, 562, 574, 511, 378,
    296, 378, 590,
)
# fmt: on


def width_px(text: str, size: int, bold: bool = False) -> int:
    """Return how many pixels wide ``text`` will be."""
    advances = _BOLD if bold else _REGULAR
    return sum((_advance(char, advances) * size + _HALF_PX) // 1000 for char in text)


def fitted(text: str, size: int, most_px: int, bold: bool = False) -> str:
    """Return ``text``, cut and ended by an ellipsis where it would be wider than ``most_px``."""
    if width_px(text, size, bold) <= most_px:
        return text
    kept = text
    while kept and width_px(kept + ELLIPSIS, size, bold) > most_px:
        kept = kept[:-1]
    return kept.rstrip() + ELLIPSIS


def wrapped(text: str, size: int, most_px: int, bold: bool = False) -> list[str]:
    """Return ``text`` in lines no wider than ``most_px``, broken between words, and between any two Chinese characters
    where the second is no mark that closes.
    """
    lines, rest = [], text.strip()
    while width_px(rest, size, bold) > most_px:
        fits = next(count for count in range(len(rest), 0, -1) if width_px(rest[:count], size, bold) <= most_px)
        end = next((at for at in range(fits, 0, -1) if _may_break(rest[at - 1], rest[at])), fits)
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*lines, rest] if rest else lines


def _may_break(before: str, after: str) -> bool:
    """Whether a line may end between these characters."""
    if before == " " or after == " ":
        return True
    return after not in _CLOSING and not (before.isascii() and after.isascii())


def largest_size(text: str, sizes: tuple[int, ...], most_px: int, bold: bool = False) -> int:
    """Return the first of ``sizes`` (largest first) at which ``text`` is no wider than ``most_px``, else the last."""
    return next((size for size in sizes if width_px(text, size, bold) <= most_px), sizes[-1])


def _advance(char: str, advances: tuple[int, ...]) -> int:
    if " " <= char <= "~":
        return advances[ord(char) - 32]
    return advances[ord("0") - 32] if char == "¥" else _SQUARE
