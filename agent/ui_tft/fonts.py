"""Where the typeface is on a terminal. Noto Sans CJK SC, under the SIL Open Font License, comes with the system."""

from __future__ import annotations

import subprocess
from pathlib import Path

from contract.making import dataclass

FOLDERS = (
    "/usr/share/fonts/opentype/noto",
    "/usr/share/fonts/opentype/noto-cjk",
    "/usr/share/fonts/noto-cjk",
    "/usr/share/fonts/google-noto-cjk",
)
"""Where Debian, Arch and Fedora keep the collections, tried in this order before fontconfig is asked."""

SC_INDEX = 2
"""The simplified Chinese face within the collection (JP, KR, SC, TC, HK)."""

FC_MATCH_TIMEOUT_S = 5.0


class FontMissing(Exception):
    """No typeface with Chinese is installed; the message says which package brings it."""


@dataclass(frozen=True, slots=True)
class FontFile:
    """A face inside a font file."""

    path: str
    index: int


def find_font(bold: bool, folders: tuple[str, ...] = FOLDERS, fc_match: str = "fc-match") -> FontFile:
    """Return the face to write with: from ``folders``, else what fontconfig's program thinks nearest.

    Raises FontMissing where neither finds one.
    """
    name = f"NotoSansCJK-{'Bold' if bold else 'Regular'}.ttc"
    for folder in folders:
        if (path := Path(folder, name)).is_file():
            return FontFile(str(path), SC_INDEX)
    wanted = "Noto Sans CJK SC:lang=zh-cn" + (":bold" if bold else "")
    try:
        found = subprocess.run(
            [fc_match, "-f", "%{index} %{file}", wanted],
            capture_output=True,
            text=True,
            timeout=FC_MATCH_TIMEOUT_S,
            check=True,
        ).stdout
        index, _, path_text = found.partition(" ")
        if Path(path_text).is_file():
            return FontFile(path_text, int(index))
    except (OSError, ValueError, subprocess.SubprocessError):
        pass
    raise FontMissing("no Chinese typeface found: install the package fonts-noto-cjk")
