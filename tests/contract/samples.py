"""Ordinary values of the contract for tests to start from, and keys made on the spot."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from contract.basket import Basket, BasketLine, Customer
from contract.bodies import EntryKind
from contract.ids import TerminalAddress
from contract.journal import GRAMMAR, EntryHeader, TimeQuality
from contract.postings import (
    POINTS,
    Posting,
    cash_account,
    discounts_account,
    member_points_account,
    points_cost_account,
    sales_account,
)
from contract.signing import SoftwareSigner
from contract.trace import AppliedEffect, Share
from contract.trade import Assurance, Medium, MemberRef, PackRef, PerpetualTotals, SaleBody, Tender, TenderKind

ADDRESS = TerminalAddress("acme", "s01", "t1")
NEIGHBOUR = TerminalAddress("acme", "s01", "t2")


def eddsa_signer() -> SoftwareSigner:
    """A new Ed25519 key."""
    return SoftwareSigner(
        ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


def es256_signer() -> SoftwareSigner:
    """A new P-256 key."""
    return SoftwareSigner(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


def header(seq: int = 1, previous: bytes = bytes(32), kind: EntryKind = EntryKind.SALE) -> EntryHeader:
    """A header of the till at ADDRESS."""
    return EntryHeader(
        grammar=GRAMMAR,
        address=ADDRESS,
        epoch=1,
        seq=seq,
        previous=previous,
        kind=kind,
        transaction=seq.to_bytes(16, "big"),
        wall_ms=1_760_000_000_000 + seq,
        time_quality=TimeQuality.SYNCHRONISED,
        boot_id=bytes(16),
        monotonic_ms=1_000 + seq,
    )


def sale() -> SaleBody:
    """268.00 to a gold member for 221.20 and 221 points."""
    return SaleBody(
        cashier="1001",
        pack=PackRef(1, bytes(32)),
        currency="CNY",
        basket=Basket(
            lines=(BasketLine("OPEN", 1, 26_800, ("general",)),),
            customer=Customer("gold"),
            shop=ADDRESS.shop,
            terminal=ADDRESS.terminal,
            channel="store",
            moment_ms=1_760_000_000_000,
        ),
        names=("商品",),
        payable_by_line=(22_120,),
        effects=(
            AppliedEffect("gold-10", 0, 26_800, 2_680, (Share(0, 2_680),)),
            AppliedEffect("full-200-20", 0, 24_120, 2_000, (Share(0, 2_000),)),
            AppliedEffect("points", 0, 22_120, points=221),
        ),
        payable_minor=22_120,
        points_earned=221,
        points_spent=0,
        tenders=(Tender(TenderKind.CASH, 22_120),),
        postings=sale_postings(),
        totals=PerpetualTotals(1, 22_120),
        member=MemberRef("m-0001", Medium.CARD, Assurance.CLAIMED),
    )


def sale_postings() -> tuple[Posting, ...]:
    """The postings of :func:`sale`, balanced in money and points."""
    return (
        Posting(cash_account("s01", "t1"), "CNY", 22_120),
        Posting(discounts_account("s01"), "CNY", 4_680),
        Posting(sales_account("s01"), "CNY", -26_800),
        Posting(points_cost_account("s01"), POINTS, 221),
        Posting(member_points_account("m-0001"), POINTS, -221),
    )
