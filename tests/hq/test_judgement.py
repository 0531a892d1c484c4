"""What an entry means is judged after it is stored: a sale that is not what the rules make of it goes before people,
and blocks nothing.
"""

from dataclasses import replace

import pytest
from sqlalchemy import insert, text, update

from contract.bodies import CancelBody, DocumentChangeBody, EntryKind, TechnicalEventBody
from contract.documents import DocumentKind
from contract.postings import POINTS, Posting, cash_account, sales_account
from contract.trace import Share
from contract.trade import PackRef, SaleBody, Tender, TenderKind
from hq import books, ledger
from hq.db import writing
from hq.documents import sign
from hq.judgement import EARLIEST_MS, FURTHEST_AHEAD_MS
from hq.ledger_text import books_text
from hq.tables import balances, entries, exceptions
from hq.unsettled import Cause
from rules.pack import write_pack
from tests.hq.tills import A1, B1, GOLD_AT_TILL, NOW_MS, HeadOffice, sale_body


def reasons(hq: HeadOffice) -> set[str]:
    return {line.reason for line in hq.look(books.exception_lines)}


def take(hq: HeadOffice, body: SaleBody) -> tuple[books.SaleLine, set[str]]:
    """Send ``body`` as a sale, see that the till may go on, and return the line in the books and the reasons."""
    till = hq.enrolled()
    ack = hq.offer(till, till.sell(body))
    assert (ack.upto_seq, ack.refused) == (1, ())
    assert hq.offer(till, till.tell("and_on")).upto_seq == 2
    (line,) = hq.look(books.sale_lines)
    return line, reasons(hq)


def honest(hq: HeadOffice, amount_minor: int = 26_800) -> SaleBody:
    return sale_body(hq.pack, hq.ref, A1, amount_minor, GOLD_AT_TILL)


def test_an_honest_sale_raises_nothing(hq: HeadOffice) -> None:
    line, found = take(hq, honest(hq))
    assert (line.list_minor, line.payable_minor, line.posted, found) == (26_800, 22_120, True, set())


def test_a_sale_one_fen_too_cheap_is_posted_as_it_happened_and_put_before_people(hq: HeadOffice) -> None:
    body = honest(hq)
    postings = tuple(
        replace(item, amount=item.amount - 1)
        if item.account.endswith("/cash")
        else replace(item, amount=item.amount + 1)
        if item.account.endswith("/discounts")
        else item
        for item in body.postings
    )
    cheap = replace(
        body,
        payable_by_line=(22_119,),
        payable_minor=22_119,
        tenders=(Tender(TenderKind.CASH, 22_119),),
        postings=postings,
    )
    line, found = take(hq, cheap)
    assert line.posted
    assert found == {Cause.LINES_DIFFER, Cause.PRICE_DIFFERS, Cause.POSTINGS_DIFFER}
    assert set(line.exceptions) == found
    detail = {item.reason: item.detail for item in hq.look(books.exception_lines)}
    assert detail[Cause.PRICE_DIFFERS] == "the till says 221.19; by the rules it is 221.20"
    assert hq.look(books.ledger_sums) == {"CNY": 0, POINTS: 0}


def test_points_that_the_rules_do_not_give_are_put_before_people(hq: HeadOffice) -> None:
    body = honest(hq)
    generous = replace(
        body,
        points_earned=500,
        postings=tuple(
            replace(item, amount=500 if item.amount > 0 else -500) if item.unit == POINTS else item
            for item in body.postings
        ),
    )
    assert take(hq, generous)[1] == {Cause.POINTS_DIFFER, Cause.POSTINGS_DIFFER}


def test_an_effect_that_no_rule_had_is_put_before_people(hq: HeadOffice) -> None:
    body = honest(hq)
    renamed = replace(body, effects=(replace(body.effects[0], rule="gold-99"), *body.effects[1:]))
    assert take(hq, renamed)[1] == {Cause.EFFECTS_DIFFER}


def test_of_the_effects_each_one_that_differs_is_named(hq: HeadOffice) -> None:
    body = honest(hq)
    first, second, third = body.effects
    told = replace(body, effects=(first, replace(second, shares=(Share(0, 1_000), Share(0, 1_000))), third, third))
    assert take(hq, told)[1] == {Cause.EFFECTS_DIFFER}
    (line,) = hq.look(books.exception_lines)
    assert line.detail == (
        "the till says spend-200-save-20[0] -20.00 of 241.20 (line 0: 1 x 10.00, line 0: 1 x 10.00), "
        "points-1[0] +221 points; by the rules it is spend-200-save-20[0] -20.00 of 241.20 (line 0: 1 x 20.00), nothing"
    )


def test_points_spent_stored_value_and_rounding_are_judged_as_well(hq: HeadOffice) -> None:
    body = honest(hq)
    generous = replace(body, points_spent=7, rounding_minor=-20, stored_minor=500, bonus_minor=30)
    causes = {Cause.POINTS_DIFFER, Cause.PRICE_DIFFERS, Cause.TENDERS_DIFFER, Cause.DRAWS_DIFFER}
    assert take(hq, generous)[1] == causes
    detail = {item.reason: item.detail for item in hq.look(books.exception_lines)}
    assert detail[Cause.POINTS_DIFFER] == "the till says 221, 7 spent; by the rules it is 221"
    assert detail[Cause.PRICE_DIFFERS] == (
        "the till says 221.20, rounding -0.20, stored 5.00, bonus 0.30; by the rules it is 221.20"
    )


def test_points_shown_in_other_units_than_the_pack_says_are_put_before_people(hq: HeadOffice) -> None:
    """221 units are 221 points of this pack; a receipt at a hundred to the point says 2.21."""
    assert take(hq, replace(honest(hq), points_scale=100))[1] == {Cause.POINTS_SCALE_DIFFERS}
    (line,) = hq.look(books.exception_lines)
    assert line.detail == "the till says 100; by the rules it is 1"


def test_money_that_was_not_paid_is_put_before_people(hq: HeadOffice) -> None:
    assert take(hq, replace(honest(hq), tenders=(Tender(TenderKind.CASH, 1),)))[1] == {Cause.TENDERS_DIFFER}


@pytest.mark.parametrize(
    "foreign",
    [
        (Posting("member/m2/points", POINTS, -1_000_000), Posting("shop/shop-a/points_issued", POINTS, 1_000_000)),
        (Posting(cash_account("shop-b", "b1"), "CNY", -5), Posting(sales_account("shop-a"), "CNY", 5)),
        (Posting(sales_account("shop-a"), "USD", -5), Posting(cash_account("shop-a", "a1"), "USD", 5)),
        (Posting(sales_account("shop-a"), "CNY", -(2**53)), Posting(cash_account("shop-a", "a1"), "CNY", 2**53)),
    ],
)
def test_postings_that_a_sale_here_cannot_make_are_held_back(hq: HeadOffice, foreign: tuple[Posting, Posting]) -> None:
    body = honest(hq)
    line, found = take(hq, replace(body, postings=(*body.postings, *foreign)))
    assert not line.posted
    assert found == {Cause.POSTINGS_DIFFER, Cause.POSTINGS_FOREIGN}
    assert hq.look(books.trial_balance) == ()


def test_a_sale_by_a_pack_that_head_office_never_signed_is_posted_and_put_before_people(hq: HeadOffice) -> None:
    line, found = take(hq, replace(honest(hq), pack=PackRef(7, bytes(32))))
    assert (line.posted, line.pack_version, found) == (True, 7, {Cause.PACK_UNKNOWN})


def test_a_sale_that_names_the_wrong_version_of_its_pack_is_put_before_people(hq: HeadOffice) -> None:
    assert take(hq, replace(honest(hq), pack=replace(hq.ref, version=2)))[1] == {Cause.PACK_VERSION_DIFFERS}


def test_a_sale_by_a_pack_for_another_shop_is_posted_and_put_before_people(hq: HeadOffice) -> None:
    with writing(hq.engine) as connection:
        content = write_pack(hq.pack)
        signed = sign(connection, hq.desk, DocumentKind.PACK, content, NOW_MS, "shop-b")
    hq.publish(DocumentKind.PACK, signed.version)
    line, found = take(hq, replace(honest(hq), pack=PackRef(signed.version, signed.digest)))
    assert (line.posted, found) == (True, {Cause.PACK_ELSEWHERE})


def test_a_sale_in_another_currency_than_its_rules_is_put_before_people(hq: HeadOffice) -> None:
    body = honest(hq)
    postings = tuple(replace(item, unit="USD") if item.unit == "CNY" else item for item in body.postings)
    assert take(hq, replace(body, currency="USD", postings=postings))[1] == {Cause.CURRENCY_DIFFERS}


def test_a_basket_beyond_the_largest_amount_is_put_before_people(hq: HeadOffice) -> None:
    body = honest(hq)
    line = replace(body.basket.lines[0], quantity=9_999, unit_price_minor=99_999_999)
    assert Cause.UNPRICEABLE in take(hq, replace(body, basket=replace(body.basket, lines=(line,))))[1]


def test_a_sale_priced_as_another_shop_s_is_put_before_people(hq: HeadOffice) -> None:
    body = honest(hq)
    line, found = take(hq, replace(body, basket=replace(body.basket, shop="shop-b")))
    assert (line.posted, found) == (True, {Cause.PLACE_DIFFERS})


def test_points_for_somebody_head_office_does_not_know_are_put_before_people(hq: HeadOffice) -> None:
    body = sale_body(hq.pack, hq.ref, A1, 26_800, replace(GOLD_AT_TILL, member="nobody"))
    line, found = take(hq, body)
    assert (line.posted, found) == (True, {Cause.MEMBER_UNKNOWN})


def test_a_transaction_that_comes_twice_is_posted_once(hq: HeadOffice) -> None:
    till = hq.enrolled()
    first = till.sell(hq.sale(till), transaction=b"t" * 16)
    second = till.sell(hq.sale(till), transaction=b"t" * 16)
    assert hq.offer(till, first, second).upto_seq == 2
    assert [line.posted for line in hq.look(books.sale_lines)] == [True, False]
    (told,) = hq.look(books.exception_lines)
    assert (told.seq, told.reason) == (2, Cause.TRANSACTION_DOUBLED)
    assert told.detail == f"first seen as {A1} epoch 1 seq 1"
    assert [balance.points for balance in hq.look(books.member_balances)] == [221]


def test_a_transaction_of_one_till_that_another_till_sends_too_is_posted_once(hq: HeadOffice) -> None:
    a1, b1 = hq.enrolled(A1), hq.enrolled(B1)
    hq.offer(a1, a1.sell(hq.sale(a1), transaction=b"t" * 16))
    hq.offer(b1, b1.sell(hq.sale(b1), transaction=b"t" * 16))
    assert [line.posted for line in hq.look(books.sale_lines)] == [True, False]


def test_what_is_no_sale_is_noted_in_columns_and_moves_nothing(hq: HeadOffice) -> None:
    till = hq.enrolled()
    hq.offer(
        till,
        till.append(EntryKind.DOCUMENT_CHANGE, DocumentChangeBody("pack", 1, bytes(32), 0)),
        till.append(EntryKind.TECHNICAL_EVENT, TechnicalEventBody("document_refused", "bad_signature")),
        till.append(EntryKind.CANCEL, CancelBody("01", 2, 5_000)),
    )
    (activation,) = hq.look(books.activation_lines)
    assert (activation.address, activation.kind, activation.version) == (A1, "pack", 1)
    (event,) = hq.look(books.technical_event_lines)
    assert (event.code, event.detail) == ("document_refused", "bad_signature")
    assert (hq.look(books.trial_balance), reasons(hq)) == ((), set())


@pytest.mark.parametrize("wall_ms", [0, EARLIEST_MS - 9, NOW_MS + FURTHEST_AHEAD_MS, 2**53 - 2])
def test_a_time_that_cannot_be_is_put_before_people_once_and_the_books_can_be_read(
    hq: HeadOffice, wall_ms: int
) -> None:
    till = hq.enrolled()
    till.wall_ms = wall_ms
    hq.offer(till, till.sell(hq.sale(till)), till.tell("event"))
    (told,) = hq.look(books.exception_lines)
    assert (told.seq, told.reason, str(wall_ms + 1) in told.detail) == (1, Cause.TIME_IMPLAUSIBLE, True)
    (sale,) = hq.look(books.sale_lines)
    assert (sale.posted, sale.wall_ms) == (True, wall_ms + 1)
    assert "time_implausible" in hq.look(books_text)


def test_a_clock_a_few_hours_off_is_nothing_to_settle(hq: HeadOffice) -> None:
    till = hq.enrolled()
    for hours in (-9_000, 23):
        till.wall_ms = NOW_MS + hours * 3_600_000
        hq.offer(till, till.tell("event"))
    assert reasons(hq) == set()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_of_a_batch_only_the_entry_that_cannot_be_written_waits_and_it_is_judged_once_it_can(hq: HeadOffice) -> None:
    till = hq.enrolled()
    # A balance at the end of what the database can count: the next of this member's points does not fit.
    with writing(hq.engine) as connection:
        connection.execute(insert(balances).values(account="member/m1/points", unit=POINTS, amount=-(2**63)))
    entries_sent = [till.sell(hq.sale(till, member=who)) for who in (None, GOLD_AT_TILL, None)]
    ack = hq.offer(till, *entries_sent)
    assert (ack.upto_seq, ack.refused) == (3, ())
    assert [item.seq for item in ack.quarantined] == [2]
    assert [(sale.seq, sale.posted) for sale in hq.look(books.sale_lines)] == [(1, True), (3, True)]
    assert reasons(hq) == {Cause.JUDGING_FAILED}
    with writing(hq.engine) as connection:
        connection.execute(update(balances).where(balances.c.unit == POINTS).values(amount=0))
    assert hq.worker.judge_waiting(NOW_MS + 1) == 1
    assert [sale.posted for sale in hq.look(books.sale_lines)] == [True] * 3
    assert [line.settled_ms for line in hq.look(books.exception_lines)] == [NOW_MS + 1]
    assert hq.look(ledger.differences) == ()


def test_what_could_not_be_judged_is_judged_an_hour_later_and_its_exception_settled(
    hq: HeadOffice,
) -> None:
    till = hq.enrolled()
    hq.offer(till, till.tell("event"))
    # As an older head office left it: stored, not understood.
    with writing(hq.engine) as connection:
        connection.execute(text("DELETE FROM technical_events"))
        connection.execute(text("DELETE FROM transactions"))
        connection.execute(update(entries).values(judged="waiting", kind="unreadable", transaction_id=None))
        connection.execute(
            insert(exceptions).values(
                address=str(A1), epoch=1, seq=1, reason=Cause.UNREADABLE.value, detail="", at_ms=NOW_MS
            )
        )
    # Done when head office starts, and once an hour.
    hq.worker.renew(NOW_MS + 1)
    assert [event.code for event in hq.look(books.technical_event_lines)] == ["event"]
    assert [line.settled_ms for line in hq.look(books.exception_lines)] == [NOW_MS + 1]
    assert hq.worker.judge_waiting(NOW_MS + 2) == 0
