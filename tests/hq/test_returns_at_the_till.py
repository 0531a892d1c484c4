"""What real tills took back offline: head office finds nothing to say, and every balance is exact."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agent.lookups import StoreBook
from agent.paper import Pair, Paper, Qr, Text
from agent.txn.effects import Effect, Print, PrintReport
from agent.txn.state import Selling, SignedIn, TillState
from contract.bodies import EntryKind, ShiftCloseBody, TrainingBody
from contract.trade import RefundBody
from contract.value import Account, Asset
from hq.books import exception_lines, ledger_sums
from hq.coupons import CouponTerms, issue_coupon
from hq.db import reading, writing
from hq.ledger import balance
from hq.periods import open_entries, settle_entries
from hq.settlement.plain import plain_report
from tests.agent.real_till import RealTill
from tests.hq.borrowers import require_sound
from tests.hq.test_value_from_tills import COUPON_RULE, LADDER, TOPPING, two_tills
from tests.hq.tills import NOW_MS, TENANT, HeadOffice, Till
from tests.hq.trading import quiet
from tests.txn.desk import promising

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

RULES = json.dumps(
    promising(
        {**TOPPING, "then": [{"top_up": {"steps": [LADDER]}}]},
        {
            **COUPON_RULE,
            "when": [{"code": ["C-1"]}],
            "then": [{"amount": {"off_minor": 500, "scope": "basket"}}],
        },
        {"rule": "points", "lane": "points", "then": [{"points_per_money": {"points": 1, "spend_minor": 100}}]},
    )
)


class Chained:
    """A till and how much of its journal head office has."""

    def __init__(self, hq: HeadOffice, till: RealTill) -> None:
        self.hq = hq
        self.till = till
        self._sender = Till(till.book.address)

    def sync(self) -> None:
        """Send all there is, also what was sent before."""
        journal = self.till.journal()
        assert self.hq.offer(self._sender, *journal).upto_seq == len(journal)

    def found(self) -> list[tuple[str, str]]:
        """What head office puts before people."""
        with reading(self.hq.engine) as connection:
            assert set(ledger_sums(connection).values()) <= {0}
            return [(line.reason, line.detail) for line in exception_lines(connection)]

    def stands(self) -> tuple[int, int, int]:
        """What the member has by the books: principal, bonus, points."""
        with reading(self.hq.engine) as connection:
            units = (("principal", "CNY"), ("bonus", "CNY"), ("points", "points"))
            principal, bonus, points = (-balance(connection, f"member/m-1/{part}", unit) for part, unit in units)
        return principal, bonus, points


def code_on(effects: list[Effect]) -> str:
    """The code of the receipt among ``effects``."""
    (printed,) = (effect for effect in effects if isinstance(effect, Print))
    (code,) = (row.data for row in printed.paper.rows if isinstance(row, Qr))
    return code


def last(till: RealTill) -> RefundBody:
    """The newest entry, which is a return."""
    body = till.journal()[-1].body()
    assert isinstance(body, RefundBody)
    return body


def bought(hq: HeadOffice, till: RealTill) -> tuple[str, str]:
    """Topped up 100 + 20 and 50; bought three pieces for 165 less a coupon of 5: 160 of stored value, 160 points. The
    coupon's code, and the receipt's.
    """
    with writing(hq.engine) as connection:
        shown = issue_coupon(connection, hq.desk, CouponTerms("C-1", 0, 2 * NOW_MS, member="m-1"), NOW_MS)
    for amount in ("100", "50"):
        till.tap()
        till.keys(amount, "topup", "cash")
    till.tap()
    till.scan(shown)
    return shown, code_on(till.keys("100", "enter", "40", "enter", "25", "enter", "stored"))


def test_a_part_returned_offline_is_spent_at_once_and_does_not_come_back_twice(hq: HeadOffice, tmp_path: Path) -> None:
    till, other = two_tills(hq, tmp_path, RULES)
    chained = Chained(hq, till)
    _shown, code = bought(hq, till)
    assert till.left == 1_000

    # The second and the third piece come back: 62.96 and 1.97 of the coupon stays theirs.
    till.keys("enter", "refund")
    till.scan(code)
    till.keys("0", "enter", "enter", "enter", "enter")
    first = last(till)
    assert (first.units, first.tenders, first.refund_minor) == ((0, 1, 1), (), first.to_stored_minor)
    assert first.codes_restored == ()
    assert till.left == 1_000 + first.refund_minor
    # It is spent here at once, offline; what came back cannot come back again.
    till.tap()
    till.keys("20", "enter", "stored")
    till.keys("enter", "refund")
    till.scan(code)
    till.keys("5", "enter")
    assert till.refused == "refund_too_many"
    chained.sync()
    assert chained.found() == []
    principal, bonus, points = chained.stands()
    assert principal + bonus == till.left
    assert points == 160 - first.points_back + 20

    require_sound(hq)
    for one in (till, other):
        one.store.close()


def test_part_after_part_everything_is_back_where_it_came_from(hq: HeadOffice, tmp_path: Path) -> None:
    till, other = two_tills(hq, tmp_path, RULES)
    chained = Chained(hq, till)
    shown, code = bought(hq, till)
    for keys in (("0", "enter", "enter", "enter", "enter"), ("refund", "enter")):
        till.keys("enter", "refund")
        till.scan(code)
        till.keys(*keys)
    first, rest = (body for body in (entry.body() for entry in till.journal()) if isinstance(body, RefundBody))
    assert (rest.refund_minor + first.refund_minor, rest.points_back + first.points_back) == (16_000, 160)
    assert (first.codes_restored, rest.codes_restored) == ((), ("C-1",))
    till.keys("enter", "refund")
    till.scan(code)
    assert till.refused == "refund_all_back"
    chained.sync()
    assert chained.found() == []
    assert (chained.stands(), till.left) == ((15_000, 2_000, 0), 17_000)
    require_sound(hq)
    till.keys("cancel")
    till.tap()
    till.scan(shown)
    assert till.refused == ""
    till.keys("cancel")

    # A till that pays the same goods back once more is found out.
    header = till.journal()[-1].header
    stamp = till.hands.clock().stamp()
    till.store.append(EntryKind.REFUND, b"again" + header.transaction[5:], stamp, replace(first, born=()))
    chained.sync()
    assert "returned_twice" in {reason for reason, _detail in chained.found()}
    for one in (till, other):
        one.store.close()


@pytest.mark.row("G04")
def test_a_top_up_is_kept_apart_drawn_pro_rata_and_paid_out_as_principal_alone(hq: HeadOffice, tmp_path: Path) -> None:
    """200 + 50; 60 spent draw 48 and 12; of the top-up 152 are paid out, the 38 of bonus go."""
    ladder = {"top_up": {"steps": [{"amount_minor": 20_000, "bonus_minor": 5_000}]}}
    till, other = two_tills(hq, tmp_path, json.dumps(promising({**TOPPING, "then": [ladder]})))
    chained = Chained(hq, till)
    till.tap()
    code = code_on(till.keys("200", "topup", "cash"))
    (held,) = till.book.spendable(Account(Asset.STORED, "m-1"))
    assert (held.amount, held.bonus_minor) == (20_000, 5_000)
    chained.sync()
    assert chained.stands() == (20_000, 5_000, 0)
    till.tap()
    till.keys("60", "enter", "stored")
    assert [(draw.amount, draw.bonus_minor) for draw in till.draws()] == [(4_800, 1_200)]
    till.keys("enter", "refund")
    till.scan(code)
    paper = words(next(effect for effect in till.keys("enter") if isinstance(effect, Print)).paper)
    assert {"退货 REFUND", "退现金 Cash paid out 152.00", "收回赠送金 Bonus taken -38.00"} <= {*paper}
    assert (last(till).refund_minor, last(till).bonus_back_minor, till.left) == (15_200, 3_800, 0)
    till.keys("enter", "refund")
    till.scan(code)
    assert till.refused == "refund_spent"
    chained.sync()
    assert (chained.found(), chained.stands()) == ([], (0, 0, 0))
    require_sound(hq)
    with writing(hq.engine) as connection:
        said = plain_report(settle_entries(connection, TENANT, open_entries(connection, quiet), NOW_MS))
    # Paid in 200, spent here 48, paid out 152: the shop owes nobody anything.
    assert {shop["net_minor"] for shop in said["shops"]} <= {0}

    # A till that pays out more than was paid in is found out.
    stamp, honest = till.hands.clock().stamp(), last(till)
    till.store.append(EntryKind.REFUND, b"again" + bytes(11), stamp, replace(honest, draws=()))
    chained.sync()
    assert "returned_twice" in {reason for reason, _detail in chained.found()}
    for one in (till, other):
        one.store.close()


def test_what_a_sale_gave_goes_with_its_goods(hq: HeadOffice, tmp_path: Path) -> None:
    """Bonus money and uses of a count card that came with the goods are gone when the goods are."""
    gives = {
        "rule": "gives",
        "lane": "points",
        "then": [{"rebate": {"minor": 30}}, {"grant_counts": {"card": "w", "uses": 5}}],
    }
    cards = [{"card": "w", "title": "洗车卡", "title_en": "Car wash", "valid_days": 9}]
    till, other = two_tills(hq, tmp_path, json.dumps(promising(gives, count_cards=cards)))
    chained = Chained(hq, till)
    for _time in range(2):
        till.tap()
        till.keys("100", "enter", "cash")
        assert till.left == 30
        till.keys("enter", "refund", str(till.journal()[-1].header.seq), "enter", "refund", "enter")
        assert till.left == 0
        assert (last(till).bonus_back_minor, [one.count for one in last(till).counts_withdrawn]) == (30, [5])
        till.keys("enter")
        chained.sync()
        assert chained.found() == []
        assert chained.stands() == (0, 0, 0)
        with reading(hq.engine) as connection:
            assert balance(connection, "member/m-1/uses/w", "uses") == 0
    require_sound(hq)
    for one in (till, other):
        one.store.close()


def test_the_z_report_says_what_the_entries_say_and_the_next_shift_begins_at_nothing(
    hq: HeadOffice, tmp_path: Path
) -> None:
    till, other = two_tills(hq, tmp_path, RULES)
    chained = Chained(hq, till)
    till.keys("80", "enter", "cash")
    till.tap()
    till.keys("100", "topup", "cash")
    till.tap()
    till.keys("30", "enter", "stored")
    till.keys("5", "enter", "cancel")
    till.keys("enter", "refund", str(seq_of_sale(till, 0)), "enter", "refund", "enter")
    # Leaving the till closes no shift.
    till.keys("signout")
    till.state = replace(till.state, scene=Selling(), cashier=SignedIn("1002", "接班"))
    (shown,) = (effect for effect in till.keys("report") if isinstance(effect, PrintReport))
    assert "应有现金 Cash expected 100.00" in words(shown.paper)
    till.keys("99.50", "enter")
    body = till.journal()[-1].body()
    assert isinstance(body, ShiftCloseBody) and body.figures is not None
    figures = body.figures
    assert (body.number, body.cash_expected_minor, body.cash_counted_minor) == (1, 10_000, 9_950)
    assert (figures.sales, figures.payable_minor) == (2, 11_000)
    assert (figures.refunds, figures.refunded_minor) == (1, 8_000)
    assert (figures.top_ups, figures.topped_up_minor, figures.cancels) == (1, 10_000, 1)
    assert (body.totals.sales, body.totals.refunds, body.totals.topped_up_minor) == (2, 1, 10_000)
    again = words(next(effect for effect in till.keys("reprint") if isinstance(effect, Print)).paper)
    for said in (
        "补打 REPRINT",
        "班次 Shift No. 1",
        "实点现金 Cash counted 99.50",
        "差额 Difference -0.50",
        "销售 Sales × 2 110.00",
    ):
        assert said in again
    till.keys("enter", "report", "0", "enter")
    body = till.journal()[-1].body()
    assert isinstance(body, ShiftCloseBody) and body.figures is not None
    assert (body.number, body.cash_expected_minor, body.figures.sales, body.totals.sales) == (2, 0, 0, 2)
    chained.sync()
    assert chained.found() == [("cash_differs", "shift 1: counted 99.50, expected 100.00")]
    # Where the till is set up so, what it holds goes back at the close, and nothing of it is spent any more.
    assert till.left
    till.book = StoreBook(till.store, till.identity, till.hands.clock(), returns_leases=True)
    till.keys("enter", "report", "0", "enter")
    assert (till.left, len(till.store.recalled())) == (0, 1)
    for one in (till, other):
        one.store.close()


def test_training_goes_the_whole_way_and_nothing_of_it_enters_the_books(hq: HeadOffice, tmp_path: Path) -> None:
    till, other = two_tills(hq, tmp_path, RULES)
    chained = Chained(hq, till)
    till.tap()
    till.keys("100", "topup", "cash")
    till.keys("enter")
    till.keys("30", "enter", "cash")
    real, totals, before = seq_of_sale(till, 0), till.store.totals(), till.left
    till.keys("enter", "training")
    papers = []
    for keys in (("50", "enter", "stored"), ("100", "topup", "cash"), ("60", "enter", "cash")):
        till.tap()
        papers += [effect.paper for effect in till.keys(*keys) if isinstance(effect, Print)]
        till.keys("enter")
    papers += [e.paper for e in till.keys("refund", str(real), "enter", "refund", "enter") if isinstance(e, Print)]
    assert all("训练 TRAINING" in words(paper) for paper in papers) and len(papers) == 4
    assert not any(isinstance(row, Qr) for paper in papers for row in paper.rows)
    till.keys("enter")
    till.tap()
    till.keys("20", "slip", "1")
    assert till.refused == "not_in_training"
    till.keys("cancel", "cancel")
    till.keys("report", "0", "enter")
    assert till.refused == "not_in_training"
    till.keys("cancel", "training")
    assert not till.state.training
    assert not TillState.started("zh").training, "a restart leaves it"
    assert [entry.header.kind for entry in till.journal()][real:] == [EntryKind.TRAINING] * 4
    told = [entry.body() for entry in till.journal()[real:]]
    assert [(body.kind, body.payable_minor) for body in told if isinstance(body, TrainingBody)] == [
        (EntryKind.SALE, 5_000),
        (EntryKind.TOP_UP, 10_000),
        (EntryKind.SALE, 6_000),
        (EntryKind.REFUND, 3_000),
    ]
    assert (till.left, till.store.totals()) == (before, totals)
    chained.sync()
    assert chained.found() == []
    assert chained.stands() == (10_000, 2_000, 0)
    for one in (till, other):
        one.store.close()


def seq_of_sale(till: RealTill, place: int) -> int:
    """Where a sale of the journal stands."""
    return [entry.header.seq for entry in till.journal() if entry.header.kind is EntryKind.SALE][place]


def words(paper: Paper) -> list[str]:
    """The words on a paper, row by row."""
    found = []
    for row in paper.rows:
        match row:
            case Text(text=text):
                found.append(text)
            case Pair(left=left, right=right):
                found.append(f"{left} {right}")
    return found
