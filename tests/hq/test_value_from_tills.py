"""What real tills did with stored value, offline, stands in the books without an exception, and settles."""

from __future__ import annotations

import json
from pathlib import Path

from contract.documents import CatalogueContent, CatalogueItem, DocumentKind, open_document
from contract.envelope import keyring
from contract.value import Account, Asset, Lease
from hq.books import exception_lines, ledger_sums
from hq.db import reading, writing
from hq.documents import sealed_bytes
from hq.grants import pay_in
from hq.ledger import balance
from hq.people import enrol, replace_catalogue, replace_members
from hq.periods import open_entries, settle_entries
from hq.settlement.plain import plain_report
from hq.sources import MemberRow
from tests.agent.real_till import real_till
from tests.hq.tills import A1, B1, NOW_MS, TENANT, HeadOffice, Till
from tests.hq.trading import Chain, quiet
from tests.txn.desk import promising
from tests.txn.purse import new_signer

LADDER = {"amount_minor": 10_000, "bonus_minor": 2_000}
TOPPING = {"rule": "top-100", "title": "充100送20", "title_en": "Pay in 100, get 20", "lane": "points"}
RULES = json.dumps(promising({**TOPPING, "then": [{"top_up": {"steps": [LADDER]}}]}))


def test_value_topped_up_spent_and_carried_offline_is_posted_and_settled(hq: HeadOffice, tmp_path: Path) -> None:
    signed = hq.sign_pack(RULES)
    with writing(hq.engine) as connection:
        replace_members(connection, (MemberRow("m-1", "会员一", "gold", (), ("5a1c9e07",), None),))
        sealed = sealed_bytes(connection, DocumentKind.PACK, signed.digest)
    assert sealed is not None
    pack = open_document(sealed, keyring(hq.desk.signer.public))
    here, there = new_signer(), new_signer()
    a1 = real_till(tmp_path / "a", A1, here, (B1, there), pack)
    b1 = real_till(tmp_path / "b", B1, there, (A1, here), pack)
    a1.tap()
    a1.keys("100", "topup", "cash")
    a1.tap()
    a1.keys("12", "enter", "stored")
    b1.scan(a1.slip("60"))
    b1.tap()
    b1.keys("100", "enter", "stored", "cash")
    assert (a1.left, b1.left) == (4_800, 0)

    known_b, known_a = Till(B1), Till(A1)
    known_b.signer, known_a.signer = there, here
    with writing(hq.engine) as connection:
        for known in (known_b, known_a):
            enrol(connection, known.enrolment, TENANT, NOW_MS)
    # B's journal comes first: head office hears of the slip's value before it hears of who let it out.
    for one, known in ((b1, known_b), (a1, known_a)):
        entries = one.journal()
        assert hq.offer(known, *entries).upto_seq == len(entries)
        one.store.close()

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
