"""The live stage as the page sees it: the counter's glass and paper, head office's books, and the terminal's journal
on its disk.

The books are read anew at most twice a second, in a thread of their own, because verifying every signature takes
longer than a picture may.
"""

import io
import threading
import time
from collections import deque
from itertools import count
from typing import Literal, Self

import qrcode
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from demo import cast, page_state
from demo import site as places
from demo.books_state import books_state
from demo.page_state import Snapshot, StageRefusal
from demo.processes import Process
from demo.site import TILL
from demo.stage import Stage
from hq.errors import OfficeError
from simulator.cards import Card

BOOKS_PERIOD_S = 0.5
HOLD_S = 4.0
"""A card is held to the reader until the glass answers, at most so long."""

SHOWN_RECEIPTS = 30
KEPT_EVENTS = 40
REPRINT_MARK = "补打"


class DemoView:
    """A :class:`demo.page_state.StageView` of a started stage; entering starts its reader of the books, leaving ends
    it.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._counter = stage.counter
        self._tray = {item.name: item for item in cast.tray()}
        cast.give_value(stage)
        self._codes = {item.name: item for item in cast.codes(stage)}
        self._journal_file = _read_only(stage)
        self._events: deque[page_state.EventState] = deque(maxlen=KEPT_EVENTS)
        self._event_ids = count(1)
        self._books = books_state(stage, frozenset())
        self._published: set[str] = set()
        self._drawn: dict[int, bytes] = {}
        self._acting = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="books", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._closing.set()
        self._thread.join()
        self._journal_file.dispose()

    def snapshot(self) -> Snapshot:
        """Return the state now."""
        glass = self._counter.glass
        frame, sounds = glass.frame, glass.sounds
        receipts = self._counter.roll.receipts[-SHOWN_RECEIPTS:]
        return {
            "parts": [
                _part(self._stage.broker, "broker", "消息代理", "Broker"),
                _part(self._stage.hq, "hq", "总部", "Head office"),
                _part(self._stage.agent, "terminal", "收银终端", "Terminal"),
            ],
            "tft": {
                "frame": frame.number if frame else 0,
                "text": list(frame.text) if frame else [],
                "lang": _language(frame.text if frame else ()),
            },
            "sounds": {"count": len(sounds), "last": sounds[-1].name if sounds else ""},
            "journal": self._journal(),
            "network": not self._counter.broken("network"),
            "paper": not self._counter.broken("paper"),
            "printer": self._printer(),
            "drawer": len(self._counter.printer.pulses),
            "pole": list(self._counter.pole.rows),
            "receipts": [
                {"id": slip.number, "reprint": REPRINT_MARK in slip.text, "rows": list(slip.rows)}
                for slip in reversed(receipts)
            ],
            "cards": [item.state for item in self._tray.values()],
            "codes": [item.state for item in self._codes.values()],
            "books": self._books,
            "events": list(self._events),
        }

    def tft_png(self) -> bytes | None:
        """Return the newest frame as PNG."""
        return self._counter.glass.png or None

    def receipt_png(self, number: int) -> bytes | None:
        """Return a slip as PNG, drawn from its ESC/POS bytes; drawn once, for a slip never changes."""
        if number not in self._drawn:
            slip = next((slip for slip in self._counter.roll.receipts if slip.number == number), None)
            if slip is None:
                return None
            self._drawn[number] = slip.png()
        return self._drawn[number]

    def qr_png(self, name: str) -> bytes | None:
        """Return the QR code the phone shows under this name."""
        code = self._codes.get(name)
        if code is None:
            return None
        picture = io.BytesIO()
        qrcode.make(code.text(), border=2).save(picture, "PNG")
        return picture.getvalue()

    def press(self, key: str) -> None:
        """Press a key."""
        self._counter.keypad.press(key)

    def tap(self, card_name: str) -> None:
        """Hold a card to the reader until the glass answers; the hasty one is pulled away while it is read."""
        item = self._tray.get(card_name)
        if item is None:
            raise StageRefusal("unknown_card", "托盘里没有这张卡", "There is no such card in the tray")
        with self._acting:
            self._hold(item.card(), hasty=item.state["look"] == "pulled")

    def scan(self, name_or_text: str) -> None:
        """Scan a code of the phone by its name, or any text."""
        code = self._codes.get(name_or_text)
        self._counter.scanner.scan((code.text() if code is not None else name_or_text).encode())

    def set_network(self, on: bool) -> None:
        """Plug the terminal's cable in or pull it."""
        self._counter.breaks("network", on=not on)
        self._say(
            "cable", "good" if on else "bad", *(("网线已接上", "Cable in") if on else ("网线已拔掉", "Cable out"))
        )

    def set_paper(self, on: bool) -> None:
        """Put a roll into the printer or take it out."""
        self._counter.breaks("paper", on=not on)
        self._say("printer", "good" if on else "bad", *(("已装纸", "Paper in") if on else ("纸已取出", "Paper out")))

    def publish(self, pack_name: str) -> None:
        """Let head office sign and publish a rule pack, as its staff do."""
        if pack_name not in cast.PACKS:
            raise StageRefusal("unknown_pack", "没有这个规则包", "There is no such rule pack")
        with self._acting:
            if pack_name in self._published:
                raise StageRefusal("already_published", "这个规则包已经发布", "This rule pack is published already")
            try:
                places.publish_pack(self._stage.site, pack_name)
            except (OfficeError, OSError) as error:
                raise StageRefusal("not_published", "总部没有发布", f"Head office did not publish: {error}") from error
            self._published.add(pack_name)
        self._say("hq", "good", "总部已签署并发布新规则", "Head office signed and published new rules")

    def _hold(self, card: Card, hasty: bool) -> None:
        before = self._counter.glass.frame
        if hasty:
            self._counter.cards.remove_during_read()
        self._counter.cards.present(card)
        self._counter.glass.wait_for(lambda glass: glass.frame is not before, HOLD_S)
        self._counter.cards.remove(card)

    def _printer(self) -> str:
        faults = {"paper": "paper_out", "cover": "cover_open", "printer": "off"}
        broken = next((state for fault, state in faults.items() if self._counter.broken(fault)), None)
        return broken or ("printing" if self._counter.roll.current is not None else "ready")

    def _journal(self) -> page_state.JournalState:
        """The terminal's journal as it lies on its disk; all zero before there is one."""
        try:
            with self._journal_file.connect() as connection:
                # The open epoch is the newest; its entries lie at the end of the table.
                open_epoch = "SELECT epoch << 32, acked_seq FROM identity ORDER BY epoch DESC LIMIT 1"
                start, acked = connection.execute(text(open_epoch)).one_or_none() or (0, 0)
                newest = connection.scalar(text("SELECT max(place) FROM journal")) or start
                head = newest - start
                waiting = {"place": start + acked + 1}
                oldest = connection.scalar(text("SELECT wall_ms FROM journal WHERE place = :place"), waiting)
        except SQLAlchemyError:
            return {"head": 0, "acked": 0, "backlog": 0, "oldest_s": 0}
        age_s = 0 if oldest is None else max(0, int(time.time()) - oldest // 1000)
        return {"head": head, "acked": acked, "backlog": head - acked, "oldest_s": age_s}

    def _watch(self) -> None:
        """Read the books again and again, and tell what is new in them."""
        while not self._closing.wait(BOOKS_PERIOD_S):
            try:
                fresh = books_state(self._stage, frozenset(self._published))
            except SQLAlchemyError:
                continue
            known = self._books["exceptions"]
            for line in reversed([line for line in fresh["exceptions"] if line not in known]):
                self._say("hq", "bad", f"总部:{line['code']}", f"Head office: {line['code']} {line['detail']}")
            self._books = fresh

    def _say(self, source: str, tone: Literal["plain", "good", "bad"], zh: str, en: str) -> None:
        at = time.strftime("%H:%M:%S")
        self._events.appendleft(
            {"id": next(self._event_ids), "at": at, "source": source, "zh": zh, "en": en, "tone": tone}
        )


def _part(process: Process, name: str, zh: str, en: str) -> page_state.PartState:
    pid = process.pid
    return {
        "name": name,
        "zh": zh,
        "en": en,
        "state": "up" if pid is not None else "down",
        "note": f"pid {pid}" if pid is not None else "",
    }


def _language(rows: tuple[str, ...]) -> Literal["zh", "en"]:
    # The status bar, which is the first row; further down an English screen may hold Chinese names.
    return "zh" if any("\u4e00" <= char <= "\u9fff" for row in rows[:1] for char in row) else "en"


def _read_only(stage: Stage) -> Engine:
    """The terminal's store, opened so that nothing can be written."""
    path = stage.site.terminal(TILL) / "tapledger.db"
    return create_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
