"""Training: everything goes as always, and nothing of it enters the books.

What a sale, a return or a top-up would have booked becomes an entry that says only so much; no lease is drawn, no total
grows, no receipt is owed. What would leave the till all the same, a slip or the end of a shift, is refused.
"""

from __future__ import annotations

from dataclasses import replace

from agent.txn.answers import Step, nod, refuse
from agent.txn.effects import Commit
from agent.txn.state import Committing, Notice, Selling, TillState
from contract.bodies import Body, EntryKind, TrainingBody
from contract.refusals import RefusalCode
from contract.trade import RefundBody, SaleBody, TopUpBody

_FOR_REAL = frozenset([EntryKind.SLIP_OUT, EntryKind.SLIP_IN, EntryKind.SHIFT_CLOSE])
"""What cannot be practised: it would carry value away, or end what was not begun in training."""


def training_turned(state: TillState, scene: Selling) -> Step:
    """Begin training, or leave it, between baskets."""
    if scene.basket is not None or scene.keyed or scene.phone_entry:
        return refuse(state, RefusalCode.KEY_NOT_NOW)
    notice = Notice.TRAINING_OVER if state.training else Notice.TRAINING_BEGUN
    return nod(replace(state, training=not state.training), Selling(), notice)


def practised(before: TillState, answer: Step) -> Step:
    """Return what follows in training instead of ``answer``: what would be booked is journalled as practice."""
    after, effects = answer
    orders = [effect for effect in effects if isinstance(effect, Commit)]
    if not orders or not isinstance(after.scene, Committing):
        return answer
    (order,) = orders
    if order.kind in _FOR_REAL:
        return refuse(before, RefusalCode.NOT_IN_TRAINING)
    cashier = after.cashier.cashier if after.cashier else "0"
    body = TrainingBody(cashier, order.kind, _amount_minor(order.body))
    practice = Commit(EntryKind.TRAINING, order.transaction, body, owes_receipt=False)
    scene = replace(after.scene, asked=practice, practised=order.body)
    return replace(after, scene=scene), tuple(practice if effect is order else effect for effect in effects)


def _amount_minor(body: Body) -> int:
    match body:
        case SaleBody():
            return body.payable_minor
        case RefundBody():
            return body.refund_minor
        case TopUpBody():
            return body.amount_minor
    return 0
