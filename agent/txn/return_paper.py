"""What stands on the receipt of a return: what came back, what the customer has back, and where it went."""

from __future__ import annotations

from collections.abc import Iterator

from agent import paper
from agent.txn.state import Refunded
from agent.txn.withdrawn import Gone
from contract.ids import receipt_number
from contract.money import format_minor
from contract.value import Asset
from rules.explain import points_text

_WITHDRAWN = {
    Gone.COUPON: "收回券 Coupons withdrawn",
    Gone.USES: "收回次数 Uses withdrawn",
    Gone.GIFT: "收回赠品 Gifts due",
}


def return_rows(done: Refunded) -> Iterator[paper.Row]:
    """Yield the rows between the head and the code."""
    body, original = done.body, done.body.original
    address = done.entry.header.address
    number = receipt_number(address, original.epoch, original.seq)
    yield paper.Pair("原单号 Of receipt", number)
    yield paper.Rule()
    for line, count in enumerate(body.units):
        if count:
            name = done.names[line] if line < len(done.names) else f"第 {line + 1} 行 Line {line + 1}"
            yield paper.Pair(name, f"-{count}")
    yield paper.Rule()
    yield paper.Pair("退款 Refund", f"{body.currency} {format_minor(body.refund_minor)}", bold=True)
    stored = [item for item in body.returned if item.account.asset is Asset.STORED]
    for item in stored:
        bonus = f" + {format_minor(item.bonus_minor)} 赠 bonus" if item.bonus_minor else ""
        lot = "" if item.lot is None else item.lot.hex()[:6].upper()
        yield paper.Pair(f"退回储值 Stored {lot}".rstrip(), f"{format_minor(item.amount)}{bonus}")
    cash_minor = sum(tender.amount_minor for tender in body.tenders)
    if cash_minor or not stored:
        yield paper.Pair("退现金 Cash paid out", format_minor(cash_minor))
    if body.bonus_back_minor:
        yield paper.Pair("收回赠送金 Bonus taken", f"-{format_minor(body.bonus_back_minor)}")
    if body.points_back:
        yield paper.Pair("扣回积分 Points taken", f"-{points_text(body.points_back, body.points_scale)}")
    if body.points_restored:
        yield paper.Pair("退回积分 Points back", f"+{points_text(body.points_restored, body.points_scale)}")
    for code in body.codes_restored:
        yield paper.Pair("券恢复可用 Coupon good again", code)
    for one in done.withdrawn:
        yield paper.Pair(_WITHDRAWN[one.kind], f"{one.title} × {one.count}")
