"""One ordinary body of every kind of entry, for the tests and for the test vectors of the wire."""

from __future__ import annotations

from dataclasses import replace

from contract.basket import Basket, Customer
from contract.bodies import (
    Body,
    CancelBody,
    CarryOverBody,
    DocumentChangeBody,
    EntryKind,
    EpochReason,
    EpochStartBody,
    LeaseReturnBody,
    OfficeBody,
    OutageBody,
    OutageCause,
    Returned,
    ReturnReason,
    ShiftCloseBody,
    SlipInBody,
    SlipOutBody,
    TechnicalEventBody,
    TrainingBody,
)
from contract.journal import seal_entry
from contract.postings import (
    COUPONS,
    USES,
    Posting,
    bonus_cost_account,
    cash_account,
    coupon_account,
    granted_account,
    member_bonus_account,
    member_principal_account,
    member_uses_account,
    sales_account,
    taken_account,
)
from contract.signing import Signer
from contract.slips import GRAMMAR, Slip, seal_slip
from contract.trace import AppliedEffect, Given
from contract.trade import (
    Assurance,
    Medium,
    MemberRef,
    Original,
    PackRef,
    PerpetualTotals,
    RedemptionBody,
    RefundBody,
    SaleBody,
    Tender,
    TenderKind,
    TopUpBody,
)
from contract.value import Account, Asset, Lease, born_lease_id, draw, floor_draw
from tests.contract.samples import ADDRESS, NEIGHBOUR, header, sale

MEMBER = MemberRef("m-0001", Medium.QR, Assurance.SIGNED, bytes(range(16)))
STORED = Account(Asset.STORED, "m-0001")
TOP_UP = (7).to_bytes(16, "big")
LEASE = Lease(
    lease=born_lease_id(TOP_UP, STORED),
    account=STORED,
    amount=10_000,
    spend_until_ms=1_760_600_000_000,
    bonus_minor=2_000,
    lot=TOP_UP,
    issuer="s01",
)
USES_LEASE = Lease((9).to_bytes(16, "big"), Account(Asset.USES, "m-0001", "coffee"), 10, 1_760_600_000_000)
TOTALS = PerpetualTotals(1, 22_120, 1, 1_200, 1, 10_000)


def slip(signer: Signer) -> bytes:
    """50.00 of principal and 10.00 of bonus on their way from ADDRESS to NEIGHBOUR."""
    carried = Lease((8).to_bytes(16, "big"), STORED, 5_000, 1_760_600_000_000, 1_000, TOP_UP, "s01")
    return seal_slip(signer, Slip(GRAMMAR, ADDRESS, 1, NEIGHBOUR, carried))


def top_up() -> TopUpBody:
    """100.00 in cash, and 20.00 of bonus with it."""
    return TopUpBody(
        cashier="1001",
        pack=PackRef(1, bytes(32)),
        currency="CNY",
        basket=Basket((), Customer("gold"), ADDRESS.shop, ADDRESS.terminal, "store", 1_760_000_000_000),
        member=MEMBER,
        amount_minor=10_000,
        bonus_minor=2_000,
        effects=(AppliedEffect("top-up-100", bonus_minor=2_000),),
        tenders=(Tender(TenderKind.CASH, 10_000),),
        postings=(
            Posting(cash_account("s01", "t1"), "CNY", 10_000),
            Posting(member_principal_account("m-0001"), "CNY", -10_000),
            Posting(bonus_cost_account("s01"), "CNY", 2_000),
            Posting(member_bonus_account("m-0001"), "CNY", -2_000),
        ),
        totals=TOTALS,
        born=(LEASE,),
    )


def sale_on_floor(transaction: bytes) -> SaleBody:
    """The sale of the samples as ``transaction``, paid from stored value beyond what was lent to the till."""
    plain = sale()
    postings = [Posting(member_principal_account("m-0001"), "CNY", 22_120), *plain.postings[1:]]
    return replace(
        plain,
        tenders=(Tender(TenderKind.STORED_VALUE, 22_120),),
        postings=tuple(postings),
        draws=(floor_draw(transaction, STORED, 22_120),),
    )


def refund() -> RefundBody:
    """One article of a sale paid from stored value comes back: 12.00, five parts principal to one of bonus."""
    return RefundBody(
        cashier="1001",
        pack=PackRef(1, bytes(32)),
        currency="CNY",
        original=Original("s01", "t1", 1, 1, (1).to_bytes(16, "big"), bytes(32)),
        units=(1,),
        refund_minor=1_200,
        to_stored_minor=1_200,
        points_back=0,
        points_restored=0,
        tenders=(),
        postings=(
            Posting(sales_account("s01"), "CNY", 1_200),
            Posting(member_principal_account("m-0001"), "CNY", -1_000),
            Posting(member_bonus_account("m-0001"), "CNY", -200),
        ),
        totals=TOTALS,
        member=MEMBER,
        returned=(draw(LEASE, 1_000, 200),),
        born=(
            replace(
                LEASE, lease=born_lease_id((12).to_bytes(16, "big"), STORED, TOP_UP), amount=1_000, bonus_minor=200
            ),
        ),
    )


def redemption() -> RedemptionBody:
    """A coffee for one use of a count card."""
    return RedemptionBody(
        cashier="1001",
        pack=PackRef(1, bytes(32)),
        currency="CNY",
        member=MEMBER,
        given=(Given("COFFEE", 1),),
        draws=(draw(USES_LEASE, 1),),
        postings=(
            Posting(member_uses_account("m-0001", "coffee"), USES, 1),
            Posting(taken_account("s01", "uses"), USES, -1),
        ),
    )


def office() -> OfficeBody:
    """Head office issues a coupon."""
    return OfficeBody(
        "coupon_issued",
        "ten off, for m-0001",
        (Posting(coupon_account("T-10-7F3K"), COUPONS, -1), Posting(granted_account("coupon"), COUPONS, 1)),
    )


def every_body(signer: Signer) -> dict[EntryKind, Body]:
    """One body of each kind; ``signer`` signs the entry that is carried over and the slips."""
    return {
        EntryKind.SALE: sale(),
        EntryKind.REFUND: refund(),
        EntryKind.TOP_UP: top_up(),
        EntryKind.REDEMPTION: redemption(),
        EntryKind.CANCEL: CancelBody("1001", 2, 5_000),
        EntryKind.TRAINING: TrainingBody("1001", EntryKind.SALE, 22_120),
        EntryKind.SHIFT_CLOSE: ShiftCloseBody("1001", 1, 1, 22_120, 22_120, TOTALS),
        EntryKind.OUTAGE: OutageBody(OutageCause.POWER, 1_760_000_000_000, 1_760_000_060_000, ""),
        EntryKind.LEASE_RETURN: LeaseReturnBody(ReturnReason.ASKED, (Returned(LEASE.lease, 4_000, 800),)),
        EntryKind.SLIP_OUT: SlipOutBody("1001", (draw(LEASE, 5_000, 1_000),), slip(signer)),
        EntryKind.SLIP_IN: SlipInBody("1001", slip(signer)),
        EntryKind.DOCUMENT_CHANGE: DocumentChangeBody("pack", 2, bytes(32), 1),
        EntryKind.TECHNICAL_EVENT: TechnicalEventBody("document_refused", "pack 3: bad_signature"),
        EntryKind.EPOCH_START: EpochStartBody(EpochReason.CHAIN_DISPUTED, 1, 40, bytes(32), 43),
        EntryKind.CARRY_OVER: CarryOverBody(1, 41, seal_entry(signer, header(41), sale()).sealed),
        EntryKind.OFFICE: office(),
    }
