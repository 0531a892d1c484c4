"""A stage that exists in memory only: enough of a till and a head office for the page to be looked at and driven.

It keeps the promises of `demo.page_state.StageView` and remembers what was done to it; it prices nothing.
"""

from __future__ import annotations

import copy
import io
import threading
from collections.abc import Sequence
from typing import Literal

import qrcode
from PIL import Image, ImageDraw, ImageFont

from demo.page_state import BooksState, CardState, EventState, SaleState, Snapshot, StageRefusal
from simulator.printed import CutPaper, FedPaper, Printed, PrintedLine, PrintedQr, Run, Style
from simulator.receipt_drawing import draw_receipt

Look = Literal["gold", "silver", "plain", "phone", "pulled"]
FONT = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
SIGNED_IN = ["收银员 1001 · 一号店", "请刷会员卡、扫码或输入金额", "规则包 1"]
SOLD = [
    "金卡 会员一",
    "商品 1 × 268.00",
    "金卡9折  268.00 打9折  -26.80",
    "满200减20  241.20 已满200  -20.00",
    "应付 221.20",
]
SOLD += ["得 221 分", "按 现金 收款"]


def sale(seq: int, receipt: str = "") -> SaleState:
    """A sale to a gold member as HQ's books show it."""
    return {
        "receipt": receipt or f"S01.T1-1-{seq:06d}",
        "seq": seq,
        "at": f"10:{seq:02d}:07",
        "member": "m-1" if seq % 2 else "",
        "list_minor": 26_800,
        "payable_minor": 22_120 if seq % 2 else 26_800,
        "points": 221 if seq % 2 else 0,
        "pack_version": 1,
        "verdict": "agrees",
        "signed": True,
        "chained": True,
    }


def event(number: int, zh: str, en: str, bad: bool = False) -> EventState:
    return {"id": number, "at": "10:05:31", "source": "till", "zh": zh, "en": en, "tone": "bad" if bad else "plain"}


def starting_state() -> Snapshot:
    """A till that signed in, has sold nothing, and is connected."""
    return {
        "parts": [
            {"name": "broker", "zh": "消息服务", "en": "Broker", "state": "up", "note": ""},
            {"name": "hq", "zh": "总部", "en": "Head office", "state": "up", "note": ""},
            {"name": "terminal", "zh": "终端", "en": "Terminal", "state": "up", "note": ""},
        ],
        "tft": {"frame": 1, "text": list(SIGNED_IN), "lang": "zh"},
        "sounds": {"count": 0, "last": ""},
        "journal": {"head": 4, "acked": 4, "backlog": 0, "oldest_s": 0},
        "network": True,
        "paper": True,
        "printer": "ready",
        "drawer": 0,
        "pole": ["合计", "￥221.20"],
        "receipts": [],
        "cards": cards(),
        "codes": [
            {"name": "member-2", "zh": "会员二", "en": "Member 2"},
            {"name": "tampered", "zh": "被改过", "en": "tampered"},
            {"name": "expired", "zh": "过期的会员码", "en": "An expired code"},
            {"name": "article", "zh": "春茶 250 克（商品码）", "en": "Spring tea 250 g (article)"},
        ],
        "books": opening_books(),
        "events": [event(1, "终端启动，流水 4 条", "The terminal started, 4 entries in its journal")],
    }


def cards() -> list[CardState]:
    """What lies on the counter to be held to the reader."""
    table: tuple[tuple[str, Look, str, str, str, str], ...] = (
        ("gold", "gold", "金卡", "Gold card", "会员一", "Member 1"),
        ("unknown", "plain", "陌生卡", "Unknown card", "本机没有登记", "not known here"),
        ("silver", "silver", "银卡", "Silver card", "会员二", "Member 2"),
        ("foreign", "plain", "其他制式卡", "Foreign card", "读不懂的制式", "another standard"),
        ("phone", "phone", "手机 NFC", "Phone by NFC", "不支持的卡种", "not supported"),
        ("pulled", "pulled", "拿得太快", "Pulled away", "金卡，读到一半拿开", "gold card, mid-read"),
    )
    return [
        {"name": name, "look": look, "zh": zh, "en": en, "note_zh": note_zh, "note_en": note_en}
        for name, look, zh, en, note_zh, note_en in table
    ]


def opening_books() -> BooksState:
    """Head office's books of a till that has sold nothing."""
    return {
        "terminal": {"address": "acme/s01/t1", "epoch": 1, "seq": 4, "acked": 4, "backlog": 0, "heard_s": 1},
        "sales": [],
        "members": [
            {"member": "m-1", "name": "会员一", "tier": "gold", "points": 0, "stored_minor": 22_000},
            {"member": "m-2", "name": "会员二", "tier": "silver", "points": 1_204, "stored_minor": 0},
        ],
        "lent": {
            "loss_minor": 11_000,
            "leases": [
                {
                    "lease": "00" * 16,
                    "asset": "stored",
                    "holder": "m-1",
                    "left": 11_000,
                    "money": True,
                    "until": "11-29 15:17",
                    "suspended": False,
                }
            ],
        },
        "accounts": [],
        "sums": [{"unit": "CNY", "amount": 0}, {"unit": "points", "amount": 0}],
        "exceptions": [],
        "documents": [
            {"kind": "pack", "hq_version": 1, "terminal_version": 1},
            {"kind": "members", "hq_version": 1, "terminal_version": 1},
            {"kind": "cashiers", "hq_version": 1, "terminal_version": 1},
            {"kind": "catalogue", "hq_version": 1, "terminal_version": 1},
        ],
        "packs": [{"name": "pack2", "zh": "规则包 2", "en": "pack 2", "version": 2, "published": False}],
    }


class MemoryStage:
    """A StageView; `done` lists what was asked of it. A test changes `state` under `lock` or by the methods below."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.state = starting_state()
        self.done: list[tuple[str, object]] = []
        self.broken = ""
        self.refuse: StageRefusal | None = None
        self.snapshots = 0

    def snapshot(self) -> Snapshot:
        with self.lock:
            self.snapshots += 1
            if self.broken:
                raise RuntimeError(self.broken)
            return copy.deepcopy(self.state)

    def tft_png(self) -> bytes | None:
        with self.lock:
            frame, text = self.state["tft"]["frame"], list(self.state["tft"]["text"])
        return draw_glass(text) if frame else None

    def receipt_png(self, number: int) -> bytes | None:
        with self.lock:
            found = [slip for slip in self.state["receipts"] if slip["id"] == number]
        return draw_slip(found[0]["rows"]) if found else None

    def qr_png(self, name: str) -> bytes | None:
        picture = io.BytesIO()
        qrcode.make(f"TLC1:{name}" * 3, border=1).save(picture, "PNG")
        return picture.getvalue() if name in {code["name"] for code in self.state["codes"]} else None

    def press(self, key: str) -> None:
        self._do("press", key)

    def tap(self, card_name: str) -> None:
        self._do("tap", card_name)
        if card_name == "gold":
            self.show(SOLD)
        else:
            self.show(["本机没有这张会员卡", "请用手机号或会员码"], sound="refused")

    def scan(self, name_or_text: str) -> None:
        self._do("scan", name_or_text)

    def set_network(self, on: bool) -> None:
        self._do("network", on)
        with self.lock:
            self.state["network"] = on
            self.state["books"]["terminal"]["heard_s"] = 1 if on else 240

    def set_paper(self, on: bool) -> None:
        self._do("paper", on)
        with self.lock:
            self.state["paper"] = on
            self.state["printer"] = "ready" if on else "paper_out"

    def publish(self, pack_name: str) -> None:
        self._do("publish", pack_name)
        with self.lock:
            self.state["books"]["packs"][0]["published"] = True
            self.state["books"]["documents"][0]["hq_version"] = 2

    def _do(self, action: str, value: object) -> None:
        with self.lock:
            if self.refuse is not None:
                raise self.refuse
            self.done.append((action, value))

    def show(self, text: Sequence[str], sound: str = "") -> None:
        """A new frame, and perhaps a sound."""
        with self.lock:
            self.state["tft"] = {"frame": self.state["tft"]["frame"] + 1, "text": list(text), "lang": "zh"}
            if sound:
                self.state["sounds"] = {"count": self.state["sounds"]["count"] + 1, "last": sound}

    def sell(self, acknowledged: bool = True, reprint: bool = False) -> None:
        """A sale: one entry more, a slip, and, where HQ has it, a line in the books."""
        with self.lock:
            journal, books = self.state["journal"], self.state["books"]
            journal["head"] += 1
            seq = journal["head"]
            number = f"S01.T1-1-{seq:06d}"
            rows = ["补  打"] if reprint else []
            rows += ["一号店", f"小票 {number}", "商品                1      268.00", "金卡9折                  -26.80"]
            rows += [
                "满200减20                -20.00",
                "应付                     221.20",
                "本次积分                   +221",
            ]
            self.state["receipts"].insert(0, {"id": seq, "reprint": reprint, "rows": rows})
            if acknowledged:
                self.acknowledge()
            else:
                journal["backlog"] += 1
                journal["oldest_s"] = 75 * journal["backlog"]
                books["terminal"]["backlog"] += 1
            self.show(["已记账", f"小票 {number}"], sound="success")

    def acknowledge(self) -> None:
        """HQ has everything: its books and the cursor follow the head."""
        with self.lock:
            journal, books = self.state["journal"], self.state["books"]
            for seq in range(journal["acked"] + 1, journal["head"] + 1):
                books["sales"].insert(0, sale(seq))
                books["members"][0]["points"] += books["sales"][0]["points"]
            journal.update({"acked": journal["head"], "backlog": 0, "oldest_s": 0})
            books["terminal"].update({"seq": journal["head"], "acked": journal["head"], "backlog": 0, "heard_s": 1})
            paid = sum(row["payable_minor"] for row in books["sales"])
            listed = sum(row["list_minor"] for row in books["sales"])
            points = books["members"][0]["points"]
            books["accounts"] = [
                {"account": "shop/s01/t1/cash", "unit": "CNY", "amount": paid},
                {"account": "shop/s01/discounts", "unit": "CNY", "amount": listed - paid},
                {"account": "shop/s01/sales", "unit": "CNY", "amount": -listed},
                {"account": "shop/s01/points_issued", "unit": "points", "amount": points},
                {"account": "member/m-1/points", "unit": "points", "amount": -points},
            ]


def draw_glass(text: Sequence[str]) -> bytes:
    """The lines of a screen as a picture of 480 by 320."""
    picture = Image.new("RGB", (480, 320), "#f7f5ef")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 480, 38), fill="#1d1b18")
    pen.text((14, 7), text[0] if text else "", font=ImageFont.truetype(FONT, 18), fill="#f7f5ef")
    for index, line in enumerate(text[1:]):
        pen.text((18, 54 + 36 * index), line, font=ImageFont.truetype(FONT, 22), fill="#1d1b18")
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()


def draw_slip(rows: Sequence[str]) -> bytes:
    """The lines of a slip as the simulated printer draws them."""
    big = Style(bold=True, width=2, height=2)
    things: list[Printed] = [FedPaper(16)]
    things += [
        PrintedLine(
            (Run(row, big if index == 0 else Style()),), "center" if index == 0 else "left", 60 if index == 0 else 30
        )
        for index, row in enumerate(rows)
    ]
    things += [PrintedQr(b"TLR1:S01.T1-1-000005:ABCDEFGH", 6, "M", "center"), FedPaper(60), CutPaper(True)]
    data = io.BytesIO()
    draw_receipt(things, True).save(data, "PNG")
    return data.getvalue()
