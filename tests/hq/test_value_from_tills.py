"""What real tills did with stored value, offline, stands in the books without an exception, and settles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract.documents import CatalogueContent, CatalogueItem, DocumentKind, open_document
from contract.envelope import keyring
from contract.ids import TerminalAddress
from contract.value import Account, Asset, Lease
from hq.books import exception_lines, ledger_sums
from hq.coupons import CouponTerms, issue_coupon
from hq.db import reading, writing
from hq.documents import sealed_bytes
from hq.grants import pay_in
from hq.ledger import balance
from hq.people import enrol, replace_catalogue, replace_members
from hq.periods import open_entries, settle_entries
from hq.settlement.plain import plain_report
from hq.sources import Enrolment, MemberRow
from tests.agent.real_till import RealTill, real_till
from tests.hq.tills import A1, B1, NOW_MS, TENANT, HeadOffice, Till
from tests.hq.trading import Chain, quiet
from tests.txn.desk import promising
from tests.txn.purse import coupon, new_signer

LADDER = {"amount_minor": 10_000, "bonus_minor": 2_000}
TOPPING = {"rule": "top-100", "title": "充100送20", "title_en": "Pay in 100, get 20", "lane": "points"}
RULES = json.dumps(promising({**TOPPING, "then": [{"top_up": {"steps": [LADDER]}}]}))


def two_tills(hq: HeadOffice, folder: Path, rules: str, second: TerminalAddress = B1) -> tuple[RealTill, RealTill]:
    """Two tills, of two shops unless ``second`` says otherwise, that head office knows, with these rules, a member, and
    each the other's key.
    """
    signed = hq.sign_pack(rules)
    here, there = new_signer(), new_signer()
    with writing(hq.engine) as connection:
        replace_members(connection, (MemberRow("m-1", "会员一", "gold", (), ("5a1c9e07",), None),))
        sealed = sealed_bytes(connection, DocumentKind.PACK, signed.digest)
        for address, signer in ((A1, here), (second, there)):
            enrol(connection, Enrolment(address, 1, signer.public), TENANT, NOW_MS)
    assert sealed is not None
    believed = keyring(hq.desk.signer.public)
    pack = open_document(sealed, believed)
    return (
        real_till(folder / "a", A1, here, (second, there), pack, believed),
        real_till(folder / "b", second, there, (A1, here), pack, believed),
    )


def sync(hq: HeadOffice, one: RealTill) -> None:
    """Send everything a till did."""
    journal = one.journal()
    assert hq.offer(Till(one.book.address), *journal).upto_seq == len(journal)
    one.store.close()


def test_value_topped_up_spent_and_carried_offline_is_posted_and_settled(hq: HeadOffice, tmp_path: Path) -> None:
    a1, b1 = two_tills(hq, tmp_path, RULES)
    a1.tap()
    a1.keys("100", "topup", "cash")
    a1.tap()
    a1.keys("12", "enter", "stored")
    b1.scan(a1.slip("60"))
    b1.tap()
    b1.keys("100", "enter", "stored", "cash")
    assert (a1.left, b1.left) == (4_800, 0)

    # B's journal comes first: head office hears of the slip's value before it hears of who let it out.
    for one in (b1, a1):
        sync(hq, one)

    with reading(hq.engine) as connection:
        assert [(line.address, line.seq, line.reason, line.detail) for line in exception_lines(connection)] == []
        assert set(ledger_sums(connection).values()) == {0}
        said = plain_report(settle_entries(connection, TENANT, open_entries(connection, quiet), NOW_MS))
        stands = [balance(connection, f"member/m-1/{part}", "CNY") for part in ("principal", "bonus")]
        booked = [balance(connection, f"shop/{shop}/settlement", "CNY") for shop in ("shop-a", "shop-b")]
    # Of 100 + 20, drawn 5:1, 12 were spent at A and 60 at B: principal 40 and bonus 8 are left.
    assert stands == [-4_000, -800]
    assert {(row["payer"], row["payee"], row["kind"]): row["amount_minor"] for row in said["rows"]} == {
        ("shop-a", "@pool", "principal"): 10_000,
        ("@pool", "shop-a", "principal"): 1_000,
        ("@pool", "shop-b", "principal"): 5_000,
        ("shop-a", "shop-b", "bonus"): 1_000,
    }
    assert booked == [shop["net_minor"] for shop in said["shops"]] == [-10_000, 6_000]


def test_topped_up_online_head_office_pays_where_it_is_spent(hq: HeadOffice) -> None:
    """Online top-up 100; 20 are spent at B and 30 at C: head office pays 20 and 30."""
    chain = Chain(hq)
    transaction = b"w" * 16
    with writing(hq.engine) as connection:
        replace_catalogue(
            connection,
            CatalogueContent("CNY", "示范店", "open", (CatalogueItem("open", "商品", "Goods", "general", 0),)),
        )
        pay_in(connection, hq.desk, "m1", 10_000, 0, transaction, NOW_MS)
    wallet = Account(Asset.STORED, "m1")
    for number, (shop, amount) in enumerate((("shop-b", 2_000), ("shop-c", 3_000)), start=1):
        chain.lease = Lease(bytes([number]) * 16, wallet, amount, 2**50, 0, transaction, "office")
        chain.spend(shop, amount, 0)
    said = chain.report()
    assert {(row["payer"], row["payee"]): row["amount_minor"] for row in said["rows"]} == {
        ("office", "@pool"): 10_000,
        ("@pool", "shop-b"): 2_000,
        ("@pool", "shop-c"): 3_000,
    }
    assert [chain.balance(f"shop/{shop}/settlement") for shop in ("office", "shop-b", "shop-c")] == [
        -10_000,
        2_000,
        3_000,
    ]


COUPON_RULE = {"rule": "coupon-5", "title": "5元券", "title_en": "5 off by coupon", "lane": "basket"}
COUPON_RULES = json.dumps(
    promising({**COUPON_RULE, "when": [{"code": ["C-1"]}], "then": [{"amount": {"off_minor": 500, "scope": "basket"}}]})
)


@pytest.mark.row("G27")
def test_a_coupon_is_verified_offline_taken_once_at_a_till_and_a_second_till_is_found_out(
    hq: HeadOffice, tmp_path: Path
) -> None:
    a1, b1 = two_tills(hq, tmp_path, COUPON_RULES)
    now_ms = a1.book.now().wall_ms
    with writing(hq.engine) as connection:
        shown, over, elsewhere = (
            issue_coupon(connection, hq.desk, terms, NOW_MS)
            for terms in (
                CouponTerms("C-1", 0, 2 * NOW_MS, member="m-1"),
                CouponTerms("C-2", 0, now_ms - 1),
                CouponTerms("C-3", 0, 2 * NOW_MS, shops=("shop-b",)),
            )
        )
    # Without a network: signature, validity, store and owner.
    for code, refusal in (
        (coupon(new_signer()), "coupon_not_here"),
        (over, "coupon_not_now"),
        (elsewhere, "coupon_not_here"),
        (shown, "member_needed"),
    ):
        a1.scan(code)
        assert a1.refused == refusal
    for one in (a1, b1):
        one.tap()
        one.scan(shown)
        one.keys("60", "enter", "cash")
    a1.tap()
    a1.scan(shown)
    assert a1.refused == "coupon_used"
    for one in (a1, b1):
        sync(hq, one)
    # Not made out to one till, it can be taken once at each: the second is put before people, and names the first.
    with reading(hq.engine) as connection:
        found = [(line.address, line.reason, line.detail) for line in exception_lines(connection)]
        assert set(ledger_sums(connection).values()) == {0}
        assert balance(connection, "coupon/C-1", "coupons") == 0
    assert found == [(B1, "coupon_doubled", "coupon C-1 was used first as acme/shop-a/a1 epoch 1 seq 5")]
