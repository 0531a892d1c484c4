"""Returns, top-ups, redemptions, shifts and showings of a phone's code are judged like sales: posted as they happened,
and put before people where the rules make something else of them.
"""

from dataclasses import replace

import pytest

from contract.basket import Customer
from contract.bodies import (
    EntryKind,
    OfficeBody,
    OutageBody,
    OutageCause,
    ShiftCloseBody,
    TrainingBody,
)
from contract.documents import DocumentKind
from contract.journal import Entry
from contract.postings import POINTS, Posting, cash_account, points_taken_account
from contract.trace import AppliedEffect
from contract.trade import (
    Original,
    PackRef,
    PerpetualTotals,
    RedemptionBody,
    RefundBody,
    SaleBody,
    Tender,
    TenderKind,
)
from contract.value import Account, Asset, Draw
from hq import books, ledger
from hq.unsettled import Cause
from hq.waiting import AT_ONCE
from rules.engine.compiled import compile_pack
from rules.postings import redemption_postings, refund_postings
from rules.refund import Refund, Sold, refund
from tests.hq.borrowers import require_sound
from tests.hq.tills import A1, B1, GOLD_AT_TILL, NOW_MS, HeadOffice, Till
from tests.hq.trades import refund_body, top_up_body

JUDGED_BY_LENDING = frozenset([Cause.LEASE_UNKNOWN, Cause.DRAWS_DIFFER, Cause.LEASE_OVERDRAWN])


def told(hq: HeadOffice) -> dict[str, str]:
    """Why people must look, and at what; not what is the lending's to find."""
    lines = hq.look(books.exception_lines)
    return {line.reason: line.detail for line in lines if line.reason not in JUDGED_BY_LENDING}


def balance(hq: HeadOffice, account: str, unit: str) -> int:
    return hq.look(lambda connection: ledger.balance(connection, account, unit))


def origin(entry: Entry) -> Original:
    header = entry.header
    here = (header.address.shop, header.address.terminal, header.epoch, header.seq)
    return Original(*here, header.transaction, entry.digest)


def returned(hq: HeadOffice, till: Till, sale: Entry, earlier: tuple[Refund, ...] = ()) -> RefundBody:
    """The whole of a sale of one thing comes back, as an honest till records it."""
    sold = sale.body()
    assert isinstance(sold, SaleBody)
    found = refund(Sold(sold.basket, sold.effects, sold.payable_minor), compile_pack(hq.pack), (1,), earlier)
    return RefundBody(
        cashier="01",
        pack=sold.pack,
        currency="CNY",
        original=origin(sale),
        units=found.units,
        refund_minor=found.refund_minor,
        to_stored_minor=0,
        points_back=found.points_back,
        points_restored=0,
        tenders=(Tender(TenderKind.CASH, found.refund_minor),),
        postings=refund_postings(found, "CNY", till.address.shop, till.address.terminal, "m1"),
        totals=PerpetualTotals(1, 1, 1, found.refund_minor),
        member=GOLD_AT_TILL,
    )


def test_a_return_of_what_was_sold_here_is_posted_and_nothing_is_told(hq: HeadOffice) -> None:
    till = hq.enrolled()
    sale = till.sell(hq.sale(till))
    hq.offer(till, sale, till.append(EntryKind.REFUND, returned(hq, till, sale)))
    assert told(hq) == {}
    assert balance(hq, cash_account("shop-a", "a1"), "CNY") == 0
    assert balance(hq, "member/m1/points", POINTS) == 0
    assert set(hq.look(books.ledger_sums).values()) == {0}


def test_what_comes_back_in_another_shop_is_reckoned_from_the_sale_s_own_trace(hq: HeadOffice) -> None:
    a1, b1 = hq.enrolled(A1), hq.enrolled(B1)
    sale = a1.sell(hq.sale(a1))
    hq.offer(a1, sale)
    hq.offer(b1, b1.append(EntryKind.REFUND, returned(hq, b1, sale)))
    assert told(hq) == {}
    assert balance(hq, cash_account("shop-b", "b1"), "CNY") == -22_120


def test_the_second_return_of_the_same_thing_is_posted_as_it_happened_and_put_before_people(hq: HeadOffice) -> None:
    a1, b1 = hq.enrolled(A1), hq.enrolled(B1)
    sale = a1.sell(hq.sale(a1))
    hq.offer(a1, sale, a1.append(EntryKind.REFUND, returned(hq, a1, sale)))
    hq.offer(b1, b1.append(EntryKind.REFUND, returned(hq, b1, sale)))
    assert list(told(hq)) == [Cause.RETURNED_TWICE]
    assert balance(hq, cash_account("shop-b", "b1"), "CNY") == -22_120


def test_a_return_that_pays_out_more_than_the_rules_is_put_before_people(hq: HeadOffice) -> None:
    till = hq.enrolled()
    sale = till.sell(hq.sale(till))
    body = returned(hq, till, sale)
    more = {cash_account("shop-a", "a1"): -100, "shop/shop-a/sales": 100}
    postings = tuple(replace(item, amount=item.amount + more.get(item.account, 0)) for item in body.postings)
    paid = (Tender(TenderKind.CASH, body.refund_minor + 100),)
    generous = replace(body, refund_minor=body.refund_minor + 100, tenders=paid, postings=postings)
    hq.offer(till, sale, till.append(EntryKind.REFUND, generous))
    assert told(hq) == {
        Cause.REFUND_DIFFERS: "the till says refund 222.20, -221 points; by the rules it is refund 221.20, -221 points"
    }


def test_a_return_of_a_sale_that_head_office_has_not_got_is_posted_and_put_before_people(hq: HeadOffice) -> None:
    a1, b1 = hq.enrolled(A1), hq.enrolled(B1)
    sale = a1.sell(hq.sale(a1))
    hq.offer(b1, b1.append(EntryKind.REFUND, returned(hq, b1, sale)))
    assert list(told(hq)) == [Cause.ORIGINAL_UNKNOWN]
    assert balance(hq, cash_account("shop-b", "b1"), "CNY") == -22_120
    assert hq.worker.review_returns(NOW_MS) == 0
    # The other till comes back, and the return is as the sale's trace says.
    hq.offer(a1, sale)
    assert hq.worker.review_returns(NOW_MS + 1) == 1
    (line,) = [line for line in hq.look(books.exception_lines) if line.reason == Cause.ORIGINAL_UNKNOWN]
    assert line.settled_ms == NOW_MS + 1
    assert list(told(hq)) == [Cause.ORIGINAL_UNKNOWN]


def test_returns_that_never_find_their_sale_do_not_stand_before_those_that_do(hq: HeadOffice) -> None:
    a1, b1 = hq.enrolled(A1), hq.enrolled(B1)
    first, sale = a1.sell(hq.sale(a1)), a1.sell(hq.sale(a1))
    hq.offer(a1, first)
    other = returned(hq, b1, first)
    other = replace(other, original=replace(other.original, digest=bytes(32)))
    for _ in range(4):
        hq.offer(b1, *(b1.append(EntryKind.REFUND, other) for _ in range(AT_ONCE // 4)))
    hq.offer(b1, b1.append(EntryKind.REFUND, returned(hq, b1, sale)))
    hq.offer(a1, sale)
    assert [hq.worker.review_returns(NOW_MS + round) for round in range(3)] == [0, 1, 0]


def test_a_return_looked_at_late_is_measured_by_the_returns_before_it_alone(hq: HeadOffice) -> None:
    a1, b1 = hq.enrolled(A1), hq.enrolled(B1)
    sale = a1.sell(hq.sale(a1))
    hq.offer(b1, *(b1.append(EntryKind.REFUND, returned(hq, b1, sale)) for _ in range(2)))
    hq.offer(a1, sale)
    assert hq.worker.review_returns(NOW_MS + 1) == 2
    told_twice = [line for line in hq.look(books.exception_lines) if line.reason == Cause.RETURNED_TWICE]
    assert [line.seq for line in told_twice] == [2]


def test_a_return_on_somebody_else_s_account_is_held_back(hq: HeadOffice) -> None:
    till = hq.enrolled()
    sale = till.sell(hq.sale(till))
    body = returned(hq, till, sale)
    stolen = replace(
        body,
        postings=tuple(
            replace(item, account=item.account.replace("member/m1/", "member/m2/")) for item in body.postings
        ),
    )
    hq.offer(till, sale, till.append(EntryKind.REFUND, stolen))
    assert Cause.POSTINGS_FOREIGN in told(hq)
    assert balance(hq, "member/m2/points", POINTS) == 0


def test_a_top_up_without_a_rule_brings_what_was_paid_and_no_more(hq: HeadOffice) -> None:
    till = hq.enrolled()
    honest = replace(top_up_body("shop-a", 10_000, pack=hq.ref, terminal="a1", transaction=b"u" * 16))
    hq.offer(till, till.append(EntryKind.TOP_UP, honest, b"u" * 16))
    assert told(hq) == {}
    assert balance(hq, "member/m1/principal", "CNY") == -10_000


def test_a_bonus_that_no_rule_brings_is_posted_and_put_before_people(hq: HeadOffice) -> None:
    till = hq.enrolled()
    body = top_up_body("shop-a", 10_000, 2_000, pack=hq.ref, terminal="a1", transaction=b"u" * 16)
    hq.offer(till, till.append(EntryKind.TOP_UP, body, b"u" * 16))
    assert list(told(hq)) == [Cause.TOP_UP_DIFFERS]
    assert balance(hq, "member/m1/bonus", "CNY") == -2_000


SPREAD = """{"currency": "CNY", "zones": ["Asia/Shanghai"], "rules": [
  {"rule": "spread", "title": "分期赠", "title_en": "In parts", "lane": "line",
   "then": [{"top_up": {"steps": [{"amount_minor": 10000, "bonus_minor": 1000}], "parts": 3, "every_days": 30}}]}],
  "golden": [{"basket": {"lines": [{"sku": "open", "categories": ["general"], "quantity": 1, "unit_price_minor": 100}]},
              "payable_minor": 100}]}"""
DAY_MS = 86_400_000


@pytest.mark.parametrize("paid_out", [False, True])
def test_bonus_promised_in_parts_is_granted_on_its_days_by_the_clock_of_its_shop_and_once(
    hq: HeadOffice, paid_out: bool
) -> None:
    stored = hq.sign_pack(SPREAD)
    hq.publish(DocumentKind.PACK)
    till, ref = hq.enrolled(), PackRef(stored.version, stored.digest)
    body = top_up_body("shop-a", 10_000, 334, pack=ref, terminal="a1", transaction=b"u" * 16)
    honest = replace(
        body, basket=replace(body.basket, moment_ms=NOW_MS), effects=(AppliedEffect("spread", bonus_minor=334),)
    )
    top_up = till.append(EntryKind.TOP_UP, honest, b"u" * 16)
    hq.offer(till, top_up)
    assert told(hq) == {}
    # Midnight of the thirtieth day in Shanghai; there it is 16:00 of the day before in UTC.
    began_ms = (NOW_MS + 8 * 3_600_000) // DAY_MS * DAY_MS - 8 * 3_600_000
    for wall_ms, bonus in (
        (NOW_MS, 334),
        (began_ms + 30 * DAY_MS - 1, 334),
        (began_ms + 30 * DAY_MS, 667),
        (began_ms + 31 * DAY_MS, 667),
        (began_ms + 90 * DAY_MS, 1_000),
        (began_ms + 120 * DAY_MS, 1_000),
    ):
        hq.worker.renew(wall_ms)
        assert balance(hq, "member/m1/bonus", "CNY") == -bonus
        if paid_out and wall_ms == began_ms + 31 * DAY_MS:
            # Whoever has the money back gets nothing more for it.
            hq.offer(till, till.append(EntryKind.REFUND, refund_body("shop-a", [], origin(top_up), ref, "a1")))
            break
    hq.worker.renew(began_ms + 120 * DAY_MS)
    require_sound(hq)
    assert balance(hq, "shop/shop-a/bonus_issued", "CNY") == (667 if paid_out else 1_000)


def test_a_top_up_whose_money_is_not_what_was_paid_is_put_before_people(hq: HeadOffice) -> None:
    till = hq.enrolled()
    body = top_up_body("shop-a", 10_000, pack=hq.ref, terminal="a1", transaction=b"u" * 16)
    short = replace(body, tenders=(Tender(TenderKind.CASH, 9_000),))
    hq.offer(till, till.append(EntryKind.TOP_UP, short, b"u" * 16))
    assert told(hq) == {Cause.TENDERS_DIFFER: "the till says 90.00; by the rules it is 100.00"}


def redemption(hq: HeadOffice, postings: tuple[Posting, ...] | None = None) -> RedemptionBody:
    draws = (Draw(bytes(16), Account(Asset.POINTS, "m1"), 100),)
    made = redemption_postings(draws, "CNY", "shop-a") if postings is None else postings
    return RedemptionBody("01", hq.ref, "CNY", GOLD_AT_TILL, (), draws, made)


def test_a_redemption_moves_what_its_draws_say(hq: HeadOffice) -> None:
    till = hq.enrolled()
    hq.offer(till, till.append(EntryKind.REDEMPTION, redemption(hq)))
    assert told(hq) == {}
    assert balance(hq, points_taken_account("shop-a"), POINTS) == -100


def test_a_redemption_that_posts_something_else_than_it_drew_is_put_before_people(hq: HeadOffice) -> None:
    till = hq.enrolled()
    postings = (Posting("member/m1/points", POINTS, 10), Posting(points_taken_account("shop-a"), POINTS, -10))
    hq.offer(till, till.append(EntryKind.REDEMPTION, redemption(hq, postings)))
    assert list(told(hq)) == [Cause.POSTINGS_DIFFER]


def test_one_showing_of_a_phone_that_two_tills_took_is_put_before_people_and_names_both(hq: HeadOffice) -> None:
    a1, b1 = hq.enrolled(A1), hq.enrolled(B1)
    shown = replace(GOLD_AT_TILL, presentation=b"p" * 16)
    hq.offer(a1, a1.sell(hq.sale(a1, member=shown)))
    hq.offer(b1, b1.sell(hq.sale(b1, member=shown)))
    assert told(hq) == {Cause.PRESENTATION_TWICE: f"the same showing at {A1} epoch 1 seq 1 and {B1} epoch 1 seq 1"}
    assert [sale.posted for sale in hq.look(books.sale_lines)] == [True, True]


def test_one_showing_taken_twice_in_one_batch_is_seen_too(hq: HeadOffice) -> None:
    till = hq.enrolled()
    shown = replace(GOLD_AT_TILL, presentation=b"p" * 16)
    hq.offer(till, *(till.sell(hq.sale(till, member=shown)) for _ in range(2)))
    assert list(told(hq)) == [Cause.PRESENTATION_TWICE]


@pytest.mark.parametrize(("counted", "causes"), [(10_000, []), (9_950, [Cause.CASH_DIFFERS])])
def test_a_shift_whose_cash_was_counted_otherwise_is_put_before_people(
    hq: HeadOffice, counted: int, causes: list[str]
) -> None:
    till = hq.enrolled()
    body = ShiftCloseBody("01", 1, 1, 10_000, counted, PerpetualTotals(1, 1))
    hq.offer(till, till.append(EntryKind.SHIFT_CLOSE, body))
    assert list(told(hq)) == causes


def test_training_and_outages_are_noted_and_move_nothing(hq: HeadOffice) -> None:
    till = hq.enrolled()
    hq.offer(
        till,
        till.append(EntryKind.TRAINING, TrainingBody("01", EntryKind.SALE, 10_000)),
        till.append(EntryKind.OUTAGE, OutageBody(OutageCause.POWER, NOW_MS, NOW_MS + 1, "")),
    )
    assert (told(hq), hq.look(books.trial_balance)) == ({}, ())


def test_a_till_cannot_book_as_head_office(hq: HeadOffice) -> None:
    till = hq.enrolled()
    postings = (Posting("member/m1/principal", "CNY", -100), Posting("office/granted/budget", "CNY", 100))
    hq.offer(till, till.append(EntryKind.OFFICE, OfficeBody("grant", "", postings)))
    assert list(told(hq)) == [Cause.FOREIGN_OFFICE]
    assert hq.look(books.trial_balance) == ()


def test_a_draw_of_another_member_s_value_is_held_back(hq: HeadOffice) -> None:
    till = hq.enrolled()
    draw = Draw(bytes(16), Account(Asset.STORED, "m2"), 0)
    hq.offer(till, till.sell(replace(hq.sale(till), draws=(draw,))))
    assert told(hq)[Cause.POSTINGS_FOREIGN] == "stored of m2"
    assert hq.look(books.trial_balance) == ()


def test_customer_facts_do_not_matter_to_a_top_up_without_rules(hq: HeadOffice) -> None:
    till = hq.enrolled()
    body = top_up_body("shop-a", 5_000, pack=hq.ref, terminal="a1", transaction=b"u" * 16)
    other = replace(body, basket=replace(body.basket, customer=Customer("plain"), shop="shop-b"))
    hq.offer(till, till.append(EntryKind.TOP_UP, other, b"u" * 16))
    assert list(told(hq)) == [Cause.PLACE_DIFFERS]
