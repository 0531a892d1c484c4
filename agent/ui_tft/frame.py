"""A picture on its way to the glass."""

from __future__ import annotations

from PIL.Image import Image

from agent.ui_tft.screen import Target
from contract.making import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """One painted screen: its running number, the image (480 x 320, RGB), the words on it from top to bottom, and when
    it was made (CLOCK_MONOTONIC); and where a finger on it presses which key, where it can be touched.
    """

    number: int
    image: Image
    text: tuple[str, ...]
    made_monotonic_ns: int
    targets: tuple[Target, ...] = ()
