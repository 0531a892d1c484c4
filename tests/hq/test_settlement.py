"""Who owes whom for stored value follows from signed entries alone, and everything sums to what members are owed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.bodies import Body, CancelBody, OfficeBody
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.postings import Posting, require_balanced
from contract.value import Account, Asset, Draw, Lease
from hq.settlement.merkle import EMPTY_ROOT, Tree
from hq.settlement.movements import POOL, Beyond, Kind, movements, reissued_postings, settlement_postings
from hq.settlement.report import Line, Payment, Report, Settling, SignedEntry, settle
from hq.settlement.terms import (
    ISSUER_BEARS,
    OFFICE,
    OFFICE_BEARS,
    SPENDER_BEARS,
    WHOLE_BP,
    BonusShares,
    SettlementClass,
    ShopTerms,
    Terms,
)
from rules.postings import merged
from tests.hq.trades import refund_body, sale_body, top_up_body

NOW_MS = 1_800_000_000_000
OWN = Terms("acme")
LOT = bytes([9]) * 16


def drawn(amount: int, bonus: int, issuer: str | None = "shop-a") -> Draw:
    """A draw of stored value from one top-up."""
    return Draw(bytes(16), Account(Asset.STORED, "m1"), amount, bonus, LOT, issuer)


def made(shop: str, body: Body, seq: int = 1, wall_ms: int = NOW_MS) -> SignedEntry:
    """A signed entry as settlement sees it."""
    name = hashlib.sha256(f"{shop} {seq}".encode()).digest()
    return SignedEntry(TerminalAddress("acme", shop, "t1"), 1, seq, wall_ms, name[:16], name, body)


def topped(shop: str, amount: int, bonus: int = 0, seq: int = 1) -> SignedEntry:
    return made(shop, top_up_body(shop, amount, bonus), seq)


def spent(shop: str, *draws: Draw, seq: int = 2) -> SignedEntry:
    return made(shop, sale_body(shop, draws), seq)


def returned(shop: str, *draws: Draw, seq: int = 3) -> SignedEntry:
    return made(shop, refund_body(shop, draws), seq)


def rows(report: Report) -> dict[tuple[str, str, str], int]:
    """The amount of each row by payer, payee and kind."""
    return {(row.key.payer, row.key.payee, row.key.kind.value): row.amount_minor for row in report.rows}


A_100_20 = (
    topped("shop-a", 10_000, 2_000),
    spent("shop-b", drawn(5_000, 1_000)),
    spent("shop-c", drawn(2_500, 500)),
    returned("shop-c", drawn(1_000, 200)),
)


def test_topped_up_at_a_spent_at_b_and_c_and_refunded_at_c() -> None:
    report = settle(A_100_20, OWN, NOW_MS)
    assert rows(report) == {
        ("shop-a", POOL, "principal"): 10_000,
        (POOL, "shop-b", "principal"): 5_000,
        (POOL, "shop-c", "principal"): 1_500,
        ("shop-a", "shop-b", "bonus"): 1_000,
        ("shop-a", "shop-c", "bonus"): 300,
    }
    (liability,) = report.liabilities
    assert (liability.principal_minor, liability.bonus_minor, liability.pool_minor) == (3_500, 700, 3_500)
    assert liability.difference_minor == 0
    assert {result.terms.shop: result.net_minor for result in report.shops} == {
        "shop-a": -11_300,
        "shop-b": 6_000,
        "shop-c": 1_800,
    }


def test_top_up_100_at_b_spend_20_at_b_and_30_at_c() -> None:
    report = settle(
        [topped("shop-b", 10_000), spent("shop-b", drawn(2_000, 0)), spent("shop-c", drawn(3_000, 0))], OWN, NOW_MS
    )
    assert {result.terms.shop: result.net_minor for result in report.shops} == {"shop-b": -8_000, "shop-c": 3_000}


def test_topped_up_online_it_is_head_office_that_pays() -> None:
    wallet = Account(Asset.STORED, "m1")
    lease = Lease(bytes(16), wallet, 10_000, NOW_MS, 0, LOT)
    postings = (Posting("office/web", "CNY", 10_000), Posting("member/m1/principal", "CNY", -10_000))
    online = made(OFFICE, OfficeBody("web_top_up", "", postings, (), (lease,)))
    online_draw = drawn(2_000, 0, None)
    report = settle(
        [online, spent("shop-b", online_draw), spent("shop-c", replace(online_draw, amount=3_000))], OWN, NOW_MS
    )
    assert rows(report) == {
        (OFFICE, POOL, "principal"): 10_000,
        (POOL, "shop-b", "principal"): 2_000,
        (POOL, "shop-c", "principal"): 3_000,
    }
    assert report.liabilities[0].difference_minor == 0


def test_points_a_merchant_bought_of_head_office_are_owed_like_everything_else() -> None:
    body = OfficeBody(
        "pool_bought",
        "",
        (Posting("shop/shop-a/settlement", "CNY", -5_000), Posting("pool/settlement/shop-a", "CNY", 5_000)),
    )
    report = settle([made(OFFICE, body)], OWN, NOW_MS)
    assert rows(report) == {("shop-a", OFFICE, "points"): 5_000}
    assert {result.terms.shop: result.net_minor for result in report.shops} == {OFFICE: 5_000, "shop-a": -5_000}
    assert {posting.account: posting.amount for posting in settlement_postings(OFFICE, NOW_MS, body, OWN)} == {
        "shop/office/settlement": 5_000,
        "pool/settlement/office": -5_000,
    }


def franchise(shop: str, rate_bp: int, bonus: BonusShares = ISSUER_BEARS) -> ShopTerms:
    return ShopTerms(shop, 0, "other", SettlementClass.FRANCHISE, rate_bp, bonus)


def direct(shop: str, bonus: BonusShares = ISSUER_BEARS, company: str = "acme") -> ShopTerms:
    return ShopTerms(shop, 0, company, SettlementClass.DIRECT, WHOLE_BP, bonus)


def test_direct_shops_of_one_owner_net_inside_and_a_franchise_is_owed_by_its_rate() -> None:
    report = settle(A_100_20, Terms("acme", [franchise("shop-c", 9_700)]), NOW_MS)
    assert rows(report)["shop-c", OFFICE, "fee"] == 45
    assert report.payments == (
        # A pays 100 and B gets 50 of one owner's money; between them nothing is paid.
        Payment("company:acme", POOL, "CNY", 5_000),
        Payment(POOL, "shop:shop-c", "CNY", 1_500),
        Payment("company:acme", "shop:shop-c", "CNY", 300 - 45),
    )
    (third,) = (result for result in report.shops if result.terms.shop == "shop-c")
    assert (third.spent_minor, third.bonus_minor, third.fee_minor, third.net_minor) == (1_500, 300, 45, 1_755)


def test_direct_shops_of_two_owners_pay_each_other() -> None:
    report = settle(A_100_20, Terms("acme", [direct("shop-b", company="south")]), NOW_MS)
    assert Payment("company:acme", "company:south", "CNY", 1_000) in report.payments


@pytest.mark.parametrize(
    ("bonus", "wanted"),
    [
        (ISSUER_BEARS, {("shop-a", "shop-b", "bonus"): 1_001}),
        (SPENDER_BEARS, {}),
        (OFFICE_BEARS, {(OFFICE, "shop-b", "bonus"): 1_001}),
        (BonusShares(500, 250, 250), {("shop-a", "shop-b", "bonus"): 501, (OFFICE, "shop-b", "bonus"): 250}),
    ],
)
def test_who_bears_bonus_money_is_what_the_issuers_terms_say(
    bonus: BonusShares, wanted: dict[tuple[str, str, str], int]
) -> None:
    report = settle([spent("shop-b", drawn(0, 1_001))], Terms("acme", [direct("shop-a", bonus)]), NOW_MS)
    assert rows(report) == wanted


@pytest.mark.parametrize("shares", [ISSUER_BEARS, SPENDER_BEARS, OFFICE_BEARS])
@pytest.mark.parametrize(
    ("guess", "giver"), [("shop-b", None), ("shop-b", "shop-a"), (None, "shop-a"), ("shop-a", "shop-a")]
)
def test_bonus_that_settled_by_a_guess_comes_to_what_whoever_gave_it_owes(
    guess: str | None, giver: str | None, shares: BonusShares
) -> None:
    """A lease that was told of late says whose bonus a sale spent: what was booked before is turned into that."""
    terms = Terms("acme", [direct("shop-a", shares)])

    def settled(issuer: str | None) -> tuple[Posting, ...]:
        return settlement_postings("shop-b", NOW_MS, sale_body("shop-b", [drawn(0, 700, issuer)]), terms)

    turned = reissued_postings(Beyond("shop-b", "shop-b", guess, 0, 700), giver, NOW_MS, "CNY", terms)
    assert set(merged([*settled(guess), *turned])) == set(settled(giver))


def test_terms_hold_from_their_moment_on() -> None:
    terms = Terms("acme", [replace(franchise("shop-c", 9_000), from_ms=NOW_MS)])
    before, after = (
        movements("shop-c", wall_ms, sale_body("shop-c", (drawn(1_000, 0),)), terms) for wall_ms in (NOW_MS - 1, NOW_MS)
    )
    assert [item.kind for item in before] == [Kind.PRINCIPAL]
    assert [(item.kind, item.amount_minor) for item in after] == [(Kind.PRINCIPAL, 1_000), (Kind.FEE, 100)]


@pytest.mark.parametrize(
    "wrong",
    [
        [direct("shop-a"), direct("shop-a", SPENDER_BEARS)],
        [direct("shop-a", BonusShares(500, 400, 0))],
        [replace(direct("shop-a"), rate_bp=9_000)],
        [replace(direct("shop-a"), company="Not A Name")],
    ],
)
def test_terms_that_contradict_themselves_are_refused(wrong: list[ShopTerms]) -> None:
    with pytest.raises(ContractError):
        Terms("acme", wrong)


SHOPS = st.sampled_from(["shop-a", "shop-b", "shop-c", "shop-d"])
ENTRIES = st.lists(
    st.builds(
        lambda kind, shop, amount, bonus, issuer: kind(shop, amount, bonus, issuer),
        st.sampled_from(
            [
                lambda shop, amount, bonus, issuer: topped(shop, amount + 1, bonus),
                lambda shop, amount, bonus, issuer: spent(shop, drawn(amount, bonus, issuer)),
                lambda shop, amount, bonus, issuer: returned(shop, drawn(amount, bonus, issuer)),
            ]
        ),
        SHOPS,
        st.integers(0, 99_999),
        st.integers(0, 9_999),
        SHOPS | st.none(),
    ),
    max_size=12,
)
TERMS = Terms(
    "acme", [franchise("shop-c", 9_333, BonusShares(333, 333, 334)), direct("shop-d", SPENDER_BEARS, "south")]
)


@given(ENTRIES, st.randoms(use_true_random=False))
def test_rows_and_liability_sum_to_nothing_in_whatever_order_entries_come(
    entries: list[SignedEntry], chance: Random
) -> None:
    lines: list[Line] = []
    settling = Settling(TERMS, NOW_MS, lines.append)
    for entry in entries:
        settling.add(entry)
    report = settling.report()
    assert all(liability.difference_minor == 0 for liability in report.liabilities)
    # What each pays and is paid by the rows is what the ledger's accounts say, and what the payments come to.
    ledger: dict[str, int] = {}
    for entry in entries:
        found = settlement_postings(entry.address.shop, entry.wall_ms, entry.body, TERMS)
        require_balanced(found)
        for posting in found:
            ledger[posting.account] = ledger.get(posting.account, 0) + posting.amount
    for result in report.shops:
        shop = result.terms.shop
        assert ledger.get(f"shop/{shop}/settlement", 0) == result.net_minor
        assert ledger.get(f"pool/settlement/{shop}", 0) == -result.net_minor
    assert sum(result.net_minor for result in report.shops) + sum(
        liability.pool_minor for liability in report.liabilities
    ) == 0  # fmt: skip
    # Every row is the sum of its lines, and a shuffled pile of entries makes the same report.
    for row in report.rows:
        of_row = [line for line in lines if line.key == row.key]
        assert (sum(line.amount_minor for line in of_row), len(of_row)) == (row.amount_minor, row.entries)
    chance.shuffle(entries)
    assert settle(entries, TERMS, NOW_MS) == report


def test_what_moves_no_stored_value_settles_nothing() -> None:
    assert movements("shop-a", NOW_MS, CancelBody("01", 1, 100), OWN) == ()
    assert movements("shop-a", NOW_MS, sale_body("shop-a", ()), OWN) == ()
    assert settle([made("shop-a", CancelBody("01", 1, 100))], OWN, NOW_MS).rows == ()


def _root_by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    left, right = _root_by_definition(leaves[:k]), _root_by_definition(leaves[k:])
    return hashlib.sha256(b"\x01" + left + right).digest()


@given(st.lists(st.binary(max_size=4), max_size=70))
def test_the_root_of_a_tree_is_the_one_of_rfc_6962(leaves: list[bytes]) -> None:
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    assert (tree.root(), tree.size) == (_root_by_definition(leaves), len(leaves))


def test_the_roots_that_certificate_transparency_publishes() -> None:
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    tree = Tree()
    roots = [tree.root()]
    for leaf in leaves:
        tree.add(bytes.fromhex(leaf))
        roots.append(tree.root())
    assert roots[0] == EMPTY_ROOT
    assert roots[1].hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert roots[2].hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert roots[8].hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
