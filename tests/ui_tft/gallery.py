"""Every screen there is, by name, made by playing a till: for the tests, and for people who want to look.

``python -m tests.ui_tft.gallery FOLDER`` paints all of them, in both languages, as PNG files.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from agent.txn.events import ReceiptPrinted, ReceiptWaiting, Started
from agent.txn.state import Lang, Notice, TillState
from agent.ui_tft.paint import Painter
from agent.ui_tft.view import DeviceNote, StatusBar, compose
from contract.documents import CatalogueItem
from contract.refusals import Refusal, RefusalCode
from tests.txn.desk import GOLD_PHONE, NOTHING_OFF, PACK_1, SILVER_UID, Desk, pack, promising

ONLINE = StatusBar(True, 0, 0, "15:06", 1, shop_name="示范珠宝店")
OFFLINE = replace(ONLINE, online=False, backlog=2, oldest_age_s=190)
NO_PAPER = replace(ONLINE, devices=(DeviceNote("printer", "self_check_failed", "paper_out"),))
ALL_TROUBLE = replace(
    OFFLINE,
    backlog=12_345,
    oldest_age_s=86_400 * 12,
    devices=(
        DeviceNote("card", "gone", "reader_aborted"),
        DeviceNote("printer", "self_check_failed", "paper_out"),
        DeviceNote("code", "config_error", "in_use"),
        DeviceNote("keypad", "ready", ""),
    ),
)
UNPROVISIONED = replace(ONLINE, pack_version=0, fetching="members", shop_name="")

Shown = tuple[TillState, StatusBar]
Script = Callable[[Desk], None]


def _gold(desk: Desk) -> None:
    desk.tap()
    desk.keys("268.00", "enter")


def _crowded(desk: Desk) -> None:
    """Long names, many lines, many rules: what a screen must survive."""
    titles = "中秋国庆双节会员尊享黄金珠宝首饰满额立减大促销活"
    rules = [
        {
            "rule": f"r{number}",
            "title": titles[:24],
            "title_en": "Mid-autumn members' golden week promotion",
            "lane": "basket",
            "then": [{"spend_save": {"steps": [{"spend_minor": 100_00, "save_minor": 12_34}], "every": True}}],
        }
        for number in range(9)
    ]
    rules = [{**rule, "title_en": str(rule["title_en"])[:40]} for rule in rules]
    points = dict(PACK_1["rules"][2]) if isinstance(PACK_1["rules"], list) else {}
    desk.book.active = pack(3, promising(*rules, points))
    desk.book.open_article = CatalogueItem("LONG", "足" * 40, "W" * 40, "gold", 0)
    desk.tap()
    for _line in range(5):
        desk.keys("199999.99", "enter")


def _recovered(desk: Desk) -> None:
    _gold(desk)
    desk.keys("cash")
    desk.commit()
    desk.keys("5", "enter", "cash")
    desk.commit()
    desk.state = TillState(lang=desk.state.lang)
    desk.tell(Started())


def _paid(desk: Desk) -> None:
    desk.keys(GOLD_PHONE, "enter", "268.00", "enter", "cash")
    desk.commit()


def _waiting(desk: Desk) -> None:
    _paid(desk)
    desk.tell(ReceiptWaiting(1, "paper_out"))


def _printed(desk: Desk) -> None:
    _paid(desk)
    desk.tell(ReceiptPrinted(1))


def _large(desk: Desk) -> None:
    desk.book.active = pack(2, NOTHING_OFF)
    desk.scan(desk.credential())
    desk.keys("999999.99", "enter")


def _lines(desk: Desk) -> None:
    for amount in ("1", "22.22", "333.33", "9.99"):
        desk.keys(amount, "enter")
    desk.scan("6901234567892")
    desk.scan("6901234567892")


def _replaced(desk: Desk) -> None:
    _gold(desk)
    desk.tap(SILVER_UID)


def _keys(*keys: str) -> Script:
    """A script that only presses keys."""
    return lambda desk: (desk.keys(*keys), None)[1]


def _then(first: Script, *steps: Callable[[Desk], object]) -> Script:
    """A script that goes on after another."""

    def script(desk: Desk) -> None:
        first(desk)
        for step in steps:
            step(desk)

    return script


def _tap(desk: Desk) -> None:
    desk.tap()


_ready = _keys()
SCENES: dict[str, tuple[Script, StatusBar]] = {
    "sign-in": (_keys("signout"), ONLINE),
    "sign-in-pin": (_keys("signout", "1001", "enter", "135"), OFFLINE),
    "sign-in-wrong": (_keys("signout", "1001", "enter", "1", "enter"), ALL_TROUBLE),
    "sign-in-no-rules": (_keys("signout"), UNPROVISIONED),
    "ready": (_ready, ONLINE),
    "ready-offline": (_ready, OFFLINE),
    "ready-no-paper": (_ready, NO_PAPER),
    "ready-no-rules": (_ready, UNPROVISIONED),
    "ready-no-rules-waiting": (_ready, replace(UNPROVISIONED, fetching="", online=False)),
    "ready-all-trouble": (_ready, ALL_TROUBLE),
    "ready-refused": (_keys("cash"), ONLINE),
    "ready-refused-trouble": (_keys("cash"), ALL_TROUBLE),
    "amount": (_keys("268.00"), ONLINE),
    "amount-in-basket": (_then(_tap, _keys("100", "enter", "1688")), OFFLINE),
    "amount-longest": (_keys("9" * 16), ONLINE),
    "phone": (_keys("member", "1380000"), ONLINE),
    "phone-straight": (_keys(GOLD_PHONE), ONLINE),
    "phone-refused": (_keys("member", "138", "enter"), ALL_TROUBLE),
    "member": (_tap, ONLINE),
    "basket": (_gold, ONLINE),
    "basket-phone": (_keys(GOLD_PHONE, "enter", "268.00", "enter"), ONLINE),
    "basket-offline": (_gold, OFFLINE),
    "basket-trouble": (_gold, ALL_TROUBLE),
    "basket-refused": (_then(_gold, lambda desk: desk.tap(b"1234")), NO_PAPER),
    "basket-no-member": (_keys("268", "enter"), ONLINE),
    "basket-lines": (_lines, ONLINE),
    "basket-large": (_large, ONLINE),
    "basket-crowded": (_crowded, ALL_TROUBLE),
    "basket-replaced": (_replaced, ONLINE),
    "committing": (_then(_gold, _keys("cash")), ONLINE),
    "cancelling": (_then(_gold, _keys("cancel")), ONLINE),
    "paid": (_paid, ONLINE),
    "paid-printed": (_printed, OFFLINE),
    "paid-held": (_paid, NO_PAPER),
    "paid-waiting": (_waiting, NO_PAPER),
    "paid-refused": (_then(_paid, _keys("cash")), ALL_TROUBLE),
    "paid-no-member": (_then(_ready, lambda desk: desk.sell("268")), ONLINE),
    "paid-large": (_then(_large, _keys("cash"), Desk.commit), ONLINE),
    "store-failed": (_then(_gold, _keys("cash"), Desk.fail_commit), ONLINE),
    "recovered": (_recovered, ONLINE),
    "recovered-printing": (_then(_recovered, _keys("cancel", "reprint")), ONLINE),
    "recovered-waiting": (
        _then(_recovered, _keys("reprint"), lambda desk: desk.tell(ReceiptWaiting(1, "paper_out"))),
        NO_PAPER,
    ),
    "recovered-refused": (_then(_recovered, _keys("cash")), ALL_TROUBLE),
}


def played(name: str, lang: Lang) -> Shown:
    """The state and status of a screen of that name."""
    script, status = SCENES[name]
    desk = Desk(state=TillState.started(lang)).sign_in()
    script(desk)
    return desk.state, status


def refused(code: RefusalCode, lang: Lang) -> Shown:
    """A basket with this refusal below it."""
    state, _ = played("basket", lang)
    return replace(state, refusal=Refusal(code)), ONLINE


def noticed(notice: Notice, lang: Lang) -> Shown:
    """A basket with this notice below it."""
    state, _ = played("basket", lang)
    return replace(state, notice=notice), ONLINE


def main(folder: Path) -> None:
    """Paint everything into ``folder``."""
    painter = Painter()
    folder.mkdir(parents=True, exist_ok=True)
    for lang in Lang:
        for name in SCENES:
            painter.paint(compose(*played(name, lang))).save(folder / f"{name}-{lang}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
