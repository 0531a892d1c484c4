"""A progress bar on the error stream: one line that fills on a terminal, a line for every quarter in a log."""

import sys
import time
from types import TracebackType

_WIDTH = 30
_EVERY_S = 0.1
_A_MOMENT_S = 1.0
_QUARTERS = 4


class Bar:
    """Shows how far something is that takes longer than a moment. ``whole`` is 0 where nobody knows how much there is;
    then the count alone is shown.
    """

    def __init__(self, what: str, whole: int) -> None:
        self._what = what
        self._whole = whole
        self._started = self._shown = time.monotonic()
        self._quarter = 0
        self._drawn = False
        self._is_terminal = sys.stderr.isatty()

    def __enter__(self) -> "Bar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the line clean."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def show(self, done: int, count: str) -> None:
        """Show that ``done`` of the whole is done; ``count`` is told beside it."""
        now = time.monotonic()
        if self._is_terminal:
            if now - self._shown >= _EVERY_S:
                self._shown = now
                self._draw(done, count, now)
            return
        quarter = done * _QUARTERS // self._whole if self._whole else 0
        if quarter > self._quarter and now - self._started >= _A_MOMENT_S:
            self._quarter = quarter
            print(
                f"{quarter * 100 // _QUARTERS:3d} % {count} {self._what}, {now - self._started:.1f} s", file=sys.stderr
            )

    def _draw(self, done: int, count: str, now: float) -> None:
        self._drawn = True
        bar = ""
        if self._whole:
            filled = min(_WIDTH, done * _WIDTH // self._whole)
            bar = f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {min(100, done * 100 // self._whole):3d} % "
        sys.stderr.write(f"\r\x1b[K{bar}{count} {self._what}, {now - self._started:.1f} s")
        sys.stderr.flush()
