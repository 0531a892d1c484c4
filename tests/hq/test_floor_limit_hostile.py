"""Whatever day, currency or crowd an entry comes with, members pay no more on a floor limit than the pack allows, and
what they have free reaches the shop that bears it.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from contract import topics
from contract.bodies import EntryKind
from contract.documents import DocumentKind
from contract.journal import Entry
from contract.topics import Up
from contract.trade import Assurance, Medium, MemberRef, PackRef, RefundBody, SaleBody, TopUpBody
from contract.value import Account, Asset, Draw, floor_draw
from hq.books import exception_lines
from hq.db import reading, writing
from hq.documents import sign
from hq.grants import pay_in
from hq.holds import Asked, Hold, release, reserve
from hq.ledger import balance
from hq.people import replace_members
from hq.sources import MemberRow
from rules.authoring import read_authored
from rules.pack import write_pack
from tests.hq.borrowers import DAY_MS, Borrower, lend, require_sound, take_step
from tests.hq.tills import A1, B1, NOW_MS, HeadOffice, Till
from tests.hq.trades import refund_body, sale_body, top_up_body
from tests.txn.desk import NOTHING_OFF

LEVEL = {"medium": "card", "assurance": "claimed", "floor_day_minor": 5_000, "stored_day_minor": 900_000}
RULES = json.dumps(NOTHING_OFF | {"zones": ["UTC"], "spending": [LEVEL]})
MEMBERS = tuple(MemberRef(name, Medium.CARD, Assurance.CLAIMED) for name in ("m1", "m2"))
FAR_AHEAD_MS = NOW_MS + 70 * 365 * DAY_MS


class Risky:
    """A head office whose pack has a floor limit of 50 a day, and tills that sell on it."""

    def __init__(self, hq: HeadOffice) -> None:
        self.hq = hq
        self.pack = read_authored(RULES)
        signed = hq.sign_pack(RULES)
        hq.publish(DocumentKind.PACK)
        self.ref = PackRef(signed.version, signed.digest)
        with writing(hq.engine) as connection:
            rows = [MemberRow(who.member, "会员", "gold", (), (), None) for who in MEMBERS]
            replace_members(connection, rows)

    def sells(self, till: Till, amount: int, wall_ms: int = NOW_MS, member: MemberRef = MEMBERS[0]) -> Entry:
        """A sale that is paid on the floor limit alone."""
        transaction = f"{till.address.terminal} {len(till.entries)}".encode().ljust(16, b"\0")
        draws = (floor_draw(transaction, Account(Asset.STORED, member.member), amount),)
        address = till.address
        body = sale_body(address.shop, draws, self.pack, self.ref, address.terminal, NOW_MS, member)
        till.wall_ms = wall_ms
        return till.append(EntryKind.SALE, body, transaction)

    def pays_in(self, amount: int, member: str = "m1", number: int = 1) -> None:
        with writing(self.hq.engine) as connection:
            pay_in(connection, self.hq.desk, member, amount, 0, bytes([number]) * 16, NOW_MS)

    def stands(self, member: str = "m1") -> tuple[int, int]:
        """What a member has, and what shop A bears."""
        with reading(self.hq.engine) as connection:
            has = -balance(connection, f"member/{member}/principal", "CNY")
            return has, balance(connection, "shop/shop-a/beyond_leases", "CNY")

    def lends(self, times: int = 3) -> None:
        for time in range(times):
            take_step(self.hq, NOW_MS + time * 2_000)


@pytest.fixture
def risky(hq: HeadOffice) -> Risky:
    return Risky(hq)


def test_naming_other_days_brings_the_limit_again_for_no_day_that_cannot_be(risky: Risky) -> None:
    risky.pays_in(100_000)
    till = risky.hq.enrolled(A1)
    # Long before its pack was signed, and in the next century: each would be a day of its own, and the rest forgotten.
    for number in range(6):
        wall_ms = NOW_MS, NOW_MS - (40 + number) * DAY_MS, FAR_AHEAD_MS + number * DAY_MS
        risky.hq.offer(till, *(risky.sells(till, 5_000, each) for each in wall_ms))
    risky.lends()
    assert risky.stands() == (95_000, 17 * 5_000)
    require_sound(risky.hq)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_whoever_has_a_till_s_key_claims_the_days_of_a_month_once_and_none_before(risky: Risky) -> None:
    risky.pays_in(1_000_000)
    till, later_ms = risky.hq.enrolled(A1), NOW_MS + 200 * DAY_MS
    claimed = [risky.sells(till, 5_000, NOW_MS + day * DAY_MS + DAY_MS // 2) for day in range(200)]
    for first in range(0, 200, 20):
        batch = till.batch(*claimed[first : first + 20], first_seq=first + 1)
        risky.hq.worker.together([(topics.up(till.address, Up.BATCH), batch)], later_ms)
    for time in range(10):
        take_step(risky.hq, later_ms + time * 2_000)
    # Those of the last month, and the day they came.
    assert risky.stands() == (1_000_000 - 32 * 5_000, (200 - 32) * 5_000)
    require_sound(risky.hq)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_by_a_pack_that_restored_books_have_forgotten_the_newest_they_know_allows(risky: Risky) -> None:
    risky.pays_in(100_000)
    till = risky.hq.enrolled(A1)
    risky.ref = PackRef(9, b"f" * 32)
    risky.hq.offer(till, risky.sells(till, 4_000))
    risky.hq.offer(till, risky.sells(till, 4_000))
    risky.lends()
    assert risky.stands() == (100_000 - 5_000, 3_000)
    require_sound(risky.hq)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_pack_that_tills_of_the_shop_were_not_told_of_allows_nothing(risky: Risky) -> None:
    risky.pays_in(100_000)
    till, generous = risky.hq.enrolled(A1), write_pack(read_authored(RULES.replace("5000", "50000")))
    with writing(risky.hq.engine) as connection:
        signed = [
            sign(connection, risky.hq.desk, DocumentKind.PACK, generous, NOW_MS, shop) for shop in (None, "shop-b")
        ]
    risky.hq.publish(DocumentKind.PACK, signed[1].version)
    for item in signed:
        risky.ref = PackRef(item.version, item.digest)
        risky.hq.offer(till, risky.sells(till, 5_000))
    risky.lends()
    assert risky.stands() == (100_000, 10_000)
    require_sound(risky.hq)


def test_a_clock_far_ahead_makes_nobody_forget_what_was_spent_at_another_till(risky: Risky) -> None:
    risky.pays_in(100_000)
    a, b = risky.hq.enrolled(A1), risky.hq.enrolled(B1)
    risky.hq.offer(a, risky.sells(a, 5_000))
    messages = [
        (topics.up(till.address, Up.BATCH), till.batch(risky.sells(till, 1, wall_ms)))
        for till, wall_ms in ((a, NOW_MS), (b, FAR_AHEAD_MS))
    ]
    answers, left = risky.hq.worker.together(messages, NOW_MS)
    assert (len(answers), left) == (2, [])
    risky.hq.offer(a, risky.sells(a, 5_000))
    risky.lends()
    assert risky.stands() == (100_000 - 5_001, 5_001)
    require_sound(risky.hq)


def test_those_who_have_nothing_keep_no_shop_from_being_paid_by_those_who_have(risky: Risky) -> None:
    till = risky.hq.enrolled(A1)
    poor = [risky.sells(till, 10) for _time in range(140)]
    for first in range(0, 140, 35):
        risky.hq.offer(till, *poor[first : first + 35])
    risky.lends()
    risky.hq.offer(till, risky.sells(till, 1_000, member=MEMBERS[1]))
    risky.lends()
    assert risky.stands("m2") == (0, 2_400)
    risky.pays_in(5_000, "m2")
    risky.lends(6)
    assert risky.stands("m2") == (4_000, 1_400)
    with reading(risky.hq.engine) as connection:
        still = [line.reason for line in exception_lines(connection) if line.settled_ms is None]
    assert still == ["floor_borne"] * 140
    require_sound(risky.hq)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_money_in_many_small_lots_pays_before_any_of_it_is_lent(risky: Risky) -> None:
    till = risky.hq.enrolled(A1)
    risky.hq.offer(till, risky.sells(till, 4_000))
    for number in range(1, 41):
        risky.pays_in(100, number=number)
    risky.lends(6)
    assert risky.stands() == (0, 0)
    require_sound(risky.hq)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_money_that_a_web_shop_lets_go_of_pays_as_soon_as_it_does(risky: Risky) -> None:
    hq, till = risky.hq, risky.hq.enrolled(A1)
    risky.pays_in(6_000)
    with writing(hq.engine) as connection:
        kept, _left = (
            reserve(connection, Asked("web", key, "m1", Asset.STORED, 3_000, 60), NOW_MS) for key in ("kept", "left")
        )
    hq.offer(till, risky.sells(till, 5_000))
    risky.lends()
    assert risky.stands() == (6_000, 5_000)
    assert isinstance(kept, Hold)
    with writing(hq.engine) as connection:
        release(connection, "web", kept.hold, NOW_MS)
    risky.lends()
    assert risky.stands() == (3_000, 2_000)
    # The other is over by itself.
    for passed_ms in (70_000, 72_000):
        take_step(hq, NOW_MS + passed_ms)
    assert risky.stands() == (1_000, 0)
    require_sound(hq)


def in_yen(body: SaleBody | TopUpBody | RefundBody) -> SaleBody | TopUpBody | RefundBody:
    """The same in another currency."""
    return replace(body, currency="JPY", postings=tuple(replace(item, unit="JPY") for item in body.postings))


def test_value_in_another_currency_than_members_have_moves_nothing(risky: Risky) -> None:
    risky.pays_in(10_000)
    hq, signed = risky.hq, (risky.pack, risky.ref)
    a = Borrower(hq, hq.enrolled(A1))
    assert lend(hq, A1, 4_000) == 4_000
    a.activate()
    (lease,) = a.held.values()
    own = Draw(lease.lease, lease.account, 1_000, 0, lease.lot, lease.issuer)
    beyond = floor_draw(b"y" * 16, lease.account, 1_000)
    top_up = replace(top_up_body("shop-a", 5_000, 0, risky.ref, b"t" * 16, "a1", MEMBERS[0]), born=())
    for kind, body, transaction in (
        (EntryKind.SALE, sale_body("shop-a", (own,), *signed, "a1", NOW_MS, MEMBERS[0]), b"x" * 16),
        (EntryKind.SALE, sale_body("shop-a", (beyond,), *signed, "a1", NOW_MS, MEMBERS[0]), b"y" * 16),
        (EntryKind.REFUND, refund_body("shop-a", (own,), None, risky.ref, "a1", (1,), MEMBERS[0]), b"z" * 16),
        (EntryKind.TOP_UP, top_up, b"t" * 16),
    ):
        a.till.append(kind, in_yen(body), transaction)
    a.sync()
    risky.lends()
    with reading(hq.engine) as connection:
        held = [line.detail for line in exception_lines(connection) if line.reason == "postings_foreign"]
        assert held == ["value in JPY; members' value is in CNY"] * 4
        assert balance(connection, "member/m1/principal", "JPY") == 0
    assert risky.stands() == (10_000, 0)
    require_sound(hq)
