"""The paper that comes out of the simulated printer: slip after slip, to be read by a test or looked at by a person."""

from __future__ import annotations

import io
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from simulator.printed import CutPaper, Printed, PrintedLine, PrintedQr
from simulator.receipt_drawing import draw_receipt

RECEIPTS_MOST = 500


@dataclass(frozen=True, slots=True)
class Receipt:
    """One slip. `number` counts from 1, `raw` are the bytes it was printed from, `cut` whether it was cut off."""

    number: int
    things: tuple[Printed, ...]
    raw: bytes
    cut: bool

    @property
    def rows(self) -> tuple[str, ...]:
        """The lines of text, without spaces at their right end."""
        return tuple(thing.text.rstrip() for thing in self.things if isinstance(thing, PrintedLine))

    @property
    def text(self) -> str:
        """The lines of text as one."""
        return "\n".join(self.rows)

    @property
    def codes(self) -> tuple[bytes, ...]:
        """What the QR codes on it carry."""
        return tuple(thing.data for thing in self.things if isinstance(thing, PrintedQr))

    def png(self) -> bytes:
        """A picture of it, as PNG with a transparent margin; one pixel is one printed dot."""
        picture = io.BytesIO()
        draw_receipt(self.things, self.cut).save(picture, "PNG")
        return picture.getvalue()


class ReceiptRoll:
    """Collects what is printed, the last `RECEIPTS_MOST` slips of it. Any thread may look."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._receipts: deque[Receipt] = deque(maxlen=RECEIPTS_MOST)
        self._number = 1
        self._things: list[Printed] = []
        self._raw = bytearray()

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """The slips that were cut or torn off, oldest first."""
        with self._changed:
            return tuple(self._receipts)

    @property
    def current(self) -> Receipt | None:
        """What hangs out of the printer and was not cut off yet."""
        with self._changed:
            return self._open() if self._things else None

    @property
    def last(self) -> Receipt | None:
        """The newest slip that came off."""
        with self._changed:
            return self._receipts[-1] if self._receipts else None

    def wait_for(self, predicate: Callable[[ReceiptRoll], bool], timeout_s: float = 10) -> bool:
        """Wait until `predicate` holds for this roll; False when `timeout_s` passed first."""
        with self._changed:
            return self._changed.wait_for(lambda: predicate(self), timeout_s)

    def tear_off(self) -> Receipt | None:
        """Tear off by hand what hangs out of the printer."""
        with self._changed:
            return self._finish(cut=False) if self._things else None

    def add(self, thing: Printed) -> None:
        """Print one thing; a cut ends the slip."""
        with self._changed:
            self._things.append(thing)
            if isinstance(thing, CutPaper):
                self._finish(cut=True)
            self._changed.notify_all()

    def feed_raw(self, data: bytes) -> None:
        """Remember bytes as part of the slip that is being printed."""
        with self._changed:
            self._raw += data

    def _open(self, cut: bool = False) -> Receipt:
        return Receipt(self._number, tuple(self._things), bytes(self._raw), cut)

    def _finish(self, cut: bool) -> Receipt:
        receipt = self._open(cut)
        self._receipts.append(receipt)
        self._number += 1
        self._things = []
        self._raw = bytearray()
        self._changed.notify_all()
        return receipt
