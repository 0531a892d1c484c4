"""What a cashier books, up to the one key that books it: sales, and all beside them that moves money or value."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from contract.bodies import EntryKind
from rules.authoring import read_authored
from rules.grammar.pack import Pack
from tests.crashes.promises import read_books
from tests.crashes.till_process import Till
from tests.txn.desk import GOLD_PHONE, promising

AMOUNT = "268.00"


@dataclass(frozen=True, slots=True)
class Doing:
    """One kind of it: ``lead`` brings a till that is signed in to where only the key ``last`` is missing."""

    kind: EntryKind
    lead: Callable[[Till], None]
    last: str


def giving_pack() -> Pack:
    """Points that may be spent at once, something to have for them, bonus money for top-ups; also for who only says a
    phone number, for these tills have no card reader.
    """
    earn = {"points_per_money": {"points": 1, "spend_minor": 100}}
    step = {"amount_minor": 10_000, "bonus_minor": 2_000, "points": 5}
    rules = (
        {"rule": "earn", "lane": "points", "then": [earn]},
        {"rule": "wash", "lane": "points", "then": [{"redeem": {"sku": "WASH", "points": 2, "service": True}}]},
        {"rule": "top", "lane": "points", "then": [{"top_up": {"steps": [step]}}]},
    )
    spending = [{"medium": "phone", "assurance": "claimed", "points_sale": 100_000}]
    return read_authored(json.dumps(promising(*rules, points={"at_once": True}, spending=spending)))


def recognise(till: Till) -> None:
    """The member says the phone number."""
    till.press(*GOLD_PHONE, "enter")
    till.see("金卡")


def _sale(till: Till) -> None:
    till.key_amount(AMOUNT)


def _refund(till: Till) -> None:
    """All of a sale comes back that is made for it."""
    recognise(till)
    till.sell(AMOUNT)
    (*_, sale) = read_books(till.premises).sales.values()
    till.press("refund", *str(sale.header.seq), "enter", "refund")
    till.see("共退")


def _top_up(till: Till) -> None:
    recognise(till)
    till.press(*"100", "topup")
    till.see("到账储值")


def _redemption(till: Till) -> None:
    recognise(till)
    till.press("redeem")
    till.see("兑换什么")


def _shift_close(till: Till) -> None:
    papers = len(till.counter.printer.roll.receipts)
    till.press("report")
    till.see("应有现金")
    till.await_that("the X report", lambda: len(till.counter.printer.roll.receipts) > papers)
    till.press(*"100")
    till.see("交班")


SALE = Doing(EntryKind.SALE, _sale, "cash")
REFUND = Doing(EntryKind.REFUND, _refund, "enter")
TOP_UP = Doing(EntryKind.TOP_UP, _top_up, "cash")
REDEMPTION = Doing(EntryKind.REDEMPTION, _redemption, "1")
SHIFT_CLOSE = Doing(EntryKind.SHIFT_CLOSE, _shift_close, "enter")
BESIDE_SALES = (TOP_UP, REDEMPTION, REFUND, SHIFT_CLOSE)
