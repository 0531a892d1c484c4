"""Bodies that move stored value, as honest tills write them, for tests of the books."""

from __future__ import annotations

from collections.abc import Sequence

from contract.basket import Basket, BasketLine, Customer
from contract.trade import (
    Assurance,
    Medium,
    MemberRef,
    Original,
    PackRef,
    PerpetualTotals,
    RefundBody,
    SaleBody,
    Tender,
    TenderKind,
    TopUpBody,
)
from contract.value import Account, Asset, Draw, Lease, born_lease_id
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.grammar.pack import Pack
from rules.postings import refund_postings, sale_postings, top_up_postings
from rules.refund import Refund

PACK = PackRef(1, bytes(32))
MEMBER = MemberRef("m1", Medium.CARD, Assurance.SIGNED)
TOTALS = PerpetualTotals(1, 1)
BARE = Pack(2, "CNY", (), ())


def top_up_body(
    shop: str,
    amount_minor: int,
    bonus_minor: int = 0,
    pack: PackRef = PACK,
    transaction: bytes = bytes(16),
    terminal: str = "t1",
    member: MemberRef = MEMBER,
) -> TopUpBody:
    """A top-up paid in cash."""
    wallet = Account(Asset.STORED, member.member)
    born = Lease(
        born_lease_id(transaction, wallet), wallet, amount_minor, 2**52, bonus_minor, lot=transaction, issuer=shop
    )
    return TopUpBody(
        cashier="01",
        pack=pack,
        currency="CNY",
        basket=Basket((), Customer("gold"), shop, terminal, "store"),
        member=member,
        amount_minor=amount_minor,
        bonus_minor=bonus_minor,
        effects=(),
        tenders=(Tender(TenderKind.CASH, amount_minor),),
        postings=top_up_postings("CNY", shop, terminal, member.member, amount_minor, bonus_minor),
        totals=TOTALS,
        born=(born,),
    )


def sale_body(
    shop: str,
    draws: Sequence[Draw],
    pack: Pack = BARE,
    ref: PackRef = PACK,
    terminal: str = "t1",
    moment_ms: int | None = None,
    member: MemberRef = MEMBER,
) -> SaleBody:
    """A sale of exactly what ``draws`` pay, or of 1.00 in cash where there are none."""
    whole = sum(item.whole for item in draws)
    line = BasketLine("open", 1, whole or 100, ("general",))
    basket = Basket((line,), Customer("plain"), shop, terminal, "store", moment_ms)
    priced = price(basket, compile_pack(pack))
    tender = Tender(TenderKind.STORED_VALUE, whole) if whole else Tender(TenderKind.CASH, 100)
    return SaleBody(
        cashier="01",
        pack=ref,
        currency="CNY",
        basket=basket,
        names=("商品",),
        payable_by_line=priced.payable_by_line,
        effects=priced.effects,
        payable_minor=priced.payable_minor,
        points_earned=priced.points,
        points_spent=0,
        tenders=(tender,),
        postings=sale_postings(priced, "CNY", shop, terminal, member.member, draws),
        totals=TOTALS,
        member=member,
        draws=tuple(draws),
    )


def refund_body(
    shop: str,
    returned: Sequence[Draw],
    original: Original | None = None,
    ref: PackRef = PACK,
    terminal: str = "t1",
    units: tuple[int, ...] = (1,),
    member: MemberRef = MEMBER,
) -> RefundBody:
    """A return of which everything goes back into stored value."""
    whole = sum(item.whole for item in returned)
    found = Refund(units, whole, whole, 0, 0, 0, 0, (), (), (), ())
    return RefundBody(
        cashier="01",
        pack=ref,
        currency="CNY",
        original=original or Original(shop, terminal, 1, 1, bytes(16), bytes(32)),
        units=units,
        refund_minor=whole,
        to_stored_minor=whole,
        points_back=0,
        points_restored=0,
        tenders=(),
        postings=refund_postings(found, "CNY", shop, terminal, member.member, returned),
        totals=TOTALS,
        member=member,
        returned=tuple(returned),
    )
