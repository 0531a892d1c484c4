"""What stands on a receipt: Chinese first, English small words beside it, and a code that binds paper and journal."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from agent import paper
from agent.paper import Paper
from agent.txn.report_paper import z_rows
from agent.txn.return_paper import return_rows
from agent.txn.state import Buyer, Done, HandedOut, Refunded, ShiftClosed, SlippedOut, SoldSale, ToppedUp
from agent.txn.tiers import tier_name
from contract.bodies import EntryKind
from contract.ids import receipt_number
from contract.journal import Entry, TimeQuality
from contract.money import format_minor
from contract.slips import slip_text
from contract.trade import SaleBody, TenderKind
from rules.explain import Explanation, points_text

QR_PREFIX = "TLR1:"
QR_DIGEST_BYTES = 16

_TITLES = {
    SoldSale: "销售小票 Receipt",
    ToppedUp: "储值充值单 Top-up receipt",
    SlippedOut: "储值转值单 Value slip",
    HandedOut: "兑换凭证 Voucher",
    Refunded: "退货单 Refund receipt",
    ShiftClosed: "Z 报告 交班 Z report",
}


def receipt_of(done: Done, shop_name: str, reprint: bool) -> Paper:
    """Return the receipt of a committed sale or top-up. ``reprint`` says 补打, large, at the top and at the bottom:
    this paper may be the second.
    """
    mark = _marks(done, reprint)
    match done:
        case SoldSale():
            body = _sale(done)
        case ToppedUp():
            body = _top_up(done)
        case SlippedOut():
            body = _slip(done)
        case HandedOut():
            body = _handed_out(done)
        case Refunded():
            body = return_rows(done)
        case ShiftClosed():
            body = z_rows(done.body, done.since)
    rows = (
        *mark,
        *_head(done, shop_name),
        paper.Rule(),
        *body,
        paper.Rule(),
        *_code(done),
        *_foot(done),
        *mark,
        paper.Cut(),
    )
    return Paper(rows)


def _marks(done: Done, reprint: bool) -> tuple[paper.Row, ...]:
    """What must strike the eye: training, goods that came back, a second paper."""
    marks = []
    if done.entry.header.kind is EntryKind.TRAINING:
        marks.append("训练 TRAINING")
    if isinstance(done, Refunded):
        marks.append("退货 REFUND")
    if reprint:
        marks.append("补打 REPRINT")
    return tuple(paper.Text(mark, "center", bold=True, size=2) for mark in marks)


def _code(done: Done) -> Iterator[paper.Row]:
    """The code that binds paper and journal; what was practised has none that anybody could show."""
    if isinstance(done, SlippedOut):
        yield paper.Qr(slip_text(done.body.slip))
    elif done.entry.header.kind is not EntryKind.TRAINING:
        yield paper.Qr(qr_text(done.entry))


def paid_by(sale: SaleBody) -> tuple[int, int]:
    """Return what was paid from stored value, because a rule or the customer said so, and in cash."""
    by_kind = {kind: 0 for kind in TenderKind}
    for tender in sale.tenders:
        by_kind[tender.kind] += tender.amount_minor
    return by_kind[TenderKind.STORED_VALUE] + sale.stored_minor, by_kind[TenderKind.CASH]


def on_floor_minor(sale: SaleBody) -> int:
    """Return what of stored value went beyond what was lent to the till, on the shop's floor limit."""
    return sum(item.whole for item in sale.draws if item.on_floor)


def number_of(entry: Entry) -> str:
    """The receipt number of an entry."""
    header = entry.header
    return receipt_number(header.address, header.epoch, header.seq)


def qr_text(entry: Entry) -> str:
    """Return ``TLR1:<receipt number>:<base32 of the first 16 bytes of the entry's SHA-256>``, all within a QR code's
    alphanumeric mode (ISO/IEC 18004).
    """
    digest = base64.b32encode(entry.digest[:QR_DIGEST_BYTES]).decode().rstrip("=")
    return f"{QR_PREFIX}{number_of(entry)}:{digest}"


def _head(done: Done, shop_name: str) -> Iterator[paper.Row]:
    if shop_name:
        yield paper.Text(shop_name, "center", bold=True, size=2)
    yield paper.Text(_TITLES[type(done)], "center")
    yield paper.Pair("单号 No.", number_of(done.entry))
    yield paper.Pair("时间 Time", done.when)
    if done.entry.header.time_quality is TimeQuality.DOUBTFUL:
        yield paper.Text("时钟未校准 Clock not set", "right")
    yield paper.Pair("收银员 Cashier", (done.sale if isinstance(done, SoldSale) else done.body).cashier)
    if done.buyer is not None:
        yield paper.Pair("会员 Member", _member(done.buyer))


def _foot(done: Done) -> Iterator[paper.Row]:
    if isinstance(done, SlippedOut):
        yield paper.Text("转值单 Slip: 只在收款机有效一次", "center")
        yield paper.Text("Good once, at the till named above", "center")
        return
    if done.entry.header.kind is EntryKind.TRAINING:
        yield paper.Text("练习单据，不作凭证 Not a receipt", "center")
        return
    yield paper.Text("单据码 Receipt code", "center")
    if not isinstance(done, ShiftClosed):
        yield paper.Text("谢谢惠顾 Thank you", "center")


def _handed_out(done: HandedOut) -> Iterator[paper.Row]:
    for explanation in done.explanations:
        yield paper.Pair(explanation.title, explanation.change, bold=True)
        yield paper.Text(f"  {explanation.reason}")
    for item in done.body.given:
        yield paper.Pair("兑换 Redeemed", f"{item.name} × {item.count}")


def _slip(done: SlippedOut) -> Iterator[paper.Row]:
    to = done.slip.addressee
    yield paper.Pair("转出 Carried", f"{done.currency} {format_minor(done.amount_minor)}".strip(), bold=True)
    yield paper.Pair("收款机 To", f"{to.shop}.{to.terminal}".upper(), bold=True)


def _sale(sold: SoldSale) -> Iterator[paper.Row]:
    yield from _lines(sold.sale)
    yield paper.Rule()
    yield from _reckoning(sold)


def _top_up(done: ToppedUp) -> Iterator[paper.Row]:
    body = done.body
    yield paper.Pair("充值 Top-up", f"{body.currency} {format_minor(body.amount_minor)}", bold=True)
    for explanation in done.explanations:
        yield from _effect(explanation)
    yield paper.Pair("储值增加 Stored value", f"+{format_minor(body.amount_minor + body.bonus_minor)}", bold=True)
    if body.points:
        yield paper.Pair("积分增加 Points", f"+{points_text(body.points, done.points_scale)}", bold=True)
    yield paper.Pair("现金 Cash", format_minor(sum(tender.amount_minor for tender in body.tenders)))


def _member(buyer: Buyer) -> str:
    return " ".join(part for part in (tier_name(buyer.customer.tier), buyer.name_masked, buyer.phone_masked) if part)


def _lines(sale: SaleBody) -> Iterator[paper.Row]:
    for line, name in zip(sale.basket.lines, sale.names, strict=True):
        yield paper.Pair(name, format_minor(line.list_minor))
        if line.quantity > 1:
            yield paper.Text(f"  {line.quantity} × {format_minor(line.unit_price_minor)}")


def _reckoning(sold: SoldSale) -> Iterator[paper.Row]:
    sale = sold.sale
    yield paper.Pair("原价 List price", format_minor(sale.basket.list_minor))
    for explanation in sold.explanations:
        yield from _effect(explanation)
    tax_minor = sale.payable_minor - sale.rounding_minor - sum(sale.payable_by_line)
    if tax_minor:
        yield paper.Pair("税 Tax", format_minor(tax_minor))
    yield paper.Pair("应付 Payable", f"{sale.currency} {format_minor(sale.payable_minor)}", bold=True)
    stored_minor, cash_minor = paid_by(sale)
    if stored_minor:
        yield paper.Pair("储值 Stored value", format_minor(stored_minor))
    if floor_minor := on_floor_minor(sale):
        yield paper.Pair("  其中垫付 On floor limit", format_minor(floor_minor))
    if cash_minor or not stored_minor:
        yield paper.Pair("现金 Cash", format_minor(cash_minor))
    if sale.points_spent:
        yield paper.Pair("使用积分 Points used", f"-{points_text(sale.points_spent, sale.points_scale)}")
    if sale.member is not None:
        yield paper.Pair("本单积分 Points earned", f"+{points_text(sale.points_earned, sale.points_scale)}")


def _effect(explanation: Explanation) -> Iterator[paper.Row]:
    yield paper.Pair(explanation.title, explanation.change)
    if explanation.reason:
        yield paper.Text(f"  {explanation.reason}")
