"""Value carried on paper: a slip for one other terminal, and one that was made out to this."""

from __future__ import annotations

from dataclasses import replace

from agent.txn.book import Book, Held
from agent.txn.effects import Commit
from agent.txn.masking import mask_name
from agent.txn.permission import allowed
from agent.txn.sale import begun
from agent.txn.state import MOST_CHOICES, Buyer, OpenBasket, PlannedSlip, ShownSlip, SlipTaken
from agent.txn.value import held_for
from contract import slips, wire
from contract.bodies import MAX_SLIP_BYTES, EntryKind, SlipInBody, SlipOutBody
from contract.envelope import keyring, peek
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.journal import Entry
from contract.refusals import Refusal, RefusalCode
from contract.slips import Slip, open_slip, read_slip_text
from contract.value import Asset, Draw, Lease
from rules.beside.draws import Short, spend


def planned(buyer: Buyer, amount_minor: int, book: Book) -> OpenBasket | Refusal:
    """Return a basket that is a slip over so much of the stored value of ``buyer``, for a terminal still to be chosen.

    A slip carries value of one top-up. Refuses where no top-up has so much left here, or no other terminal is known.
    """
    basket = begun(book)
    if isinstance(basket, Refusal):
        return basket
    held = held_for(buyer, book)
    most = max((lease.amount + lease.bonus_minor for lease in held), default=0)
    may = allowed(buyer, Asset.STORED)
    if isinstance(may, Refusal):
        return may
    if not most:
        return Refusal(RefusalCode.VALUE_NONE)
    if may is not None and amount_minor > may:
        return Refusal(RefusalCode.VALUE_LEVEL, str(may))
    if amount_minor > most:
        return Refusal(RefusalCode.SLIP_TOO_MUCH, str(most))
    choices = book.terminals()
    if not choices:
        return Refusal(RefusalCode.SLIP_NOBODY)
    return replace(basket, buyer=buyer, held=held, slip=PlannedSlip(amount_minor, choices))


def next_page(plan: PlannedSlip) -> PlannedSlip:
    """The next terminals to choose from; after the last the first again."""
    first = plan.first + MOST_CHOICES
    return replace(plan, first=first if first < len(plan.choices) else 0)


def chosen(plan: PlannedSlip, key: str) -> TerminalAddress | None:
    """The terminal that a key stands for; None where it stands for none."""
    shown = plan.shown
    return shown[int(key) - 1] if key in [*"123456789"[: len(shown)]] else None


def slip_out_commit(
    basket: OpenBasket, plan: PlannedSlip, addressee: TerminalAddress, cashier: str, book: Book
) -> Commit | Refusal:
    """Return the order to let so much value out on a slip for ``addressee``. Refuses where it is no longer there."""
    held = held_for(basket.buyer, book)
    enough = [lease for lease in held if lease.amount + lease.bonus_minor >= plan.amount_minor]
    draws = spend(enough[:1], plan.amount_minor)
    if isinstance(draws, Short):
        return Refusal(RefusalCode.VALUE_SHORT)
    slip = Slip(slips.GRAMMAR, book.address, book.epoch(), addressee, _carried(enough[0], draws[0], basket.transaction))
    body = SlipOutBody(cashier, draws, book.signed_slip(slip))
    return Commit(EntryKind.SLIP_OUT, basket.transaction, body, owes_receipt=True)


def read_slip(text: str, book: Book) -> ShownSlip | Refusal:
    """Return the slip that is shown: signed by the terminal it names, for this one, still good, not taken before."""
    try:
        data = read_slip_text(text)
        told = wire.unpack(Slip, peek(data, MAX_SLIP_BYTES), MAX_SLIP_BYTES)
    except ContractError as error:
        return Refusal(RefusalCode.CODE_GARBLED, error.reason)
    if told.addressee != book.address:
        return Refusal(RefusalCode.SLIP_NOT_OURS, f"for {told.addressee}")
    key = book.terminal_key(told.giver, told.giver_epoch)
    if key is None or told.giver == book.address or told.giver.tenant != book.address.tenant:
        return Refusal(RefusalCode.SLIP_FORGED, f"no key of {told.giver} epoch {told.giver_epoch}")
    try:
        slip = open_slip(data, keyring(key))
    except ContractError as error:
        return Refusal(RefusalCode.SLIP_FORGED, error.reason)
    if book.slip_taken(slip.value.lease):
        return Refusal(RefusalCode.SLIP_TAKEN)
    if slip.value.account.asset is not Asset.STORED or book.now().wall_ms > slip.value.spend_until_ms:
        return Refusal(RefusalCode.SLIP_OVER)
    return ShownSlip(data, slip)


def slip_in_commit(shown: ShownSlip, cashier: str, book: Book) -> Commit:
    """Return the order to take a slip in."""
    return Commit(EntryKind.SLIP_IN, book.new_transaction(), SlipInBody(cashier, shown.data), owes_receipt=False)


def slip_taken(entry: Entry, book: Book) -> SlipTaken | None:
    """What the glass says once the entry that takes a slip in is in the journal."""
    body = entry.body()
    if not isinstance(body, SlipInBody):
        return None
    value = wire.unpack(Slip, peek(body.slip, MAX_SLIP_BYTES), MAX_SLIP_BYTES).value
    member = book.member_by_id(value.account.holder)
    whose = value.account.holder if member is None else mask_name(member.name)
    return SlipTaken(whose, value.amount + value.bonus_minor, book.currency())


def _carried(held: Held, draw: Draw, transaction: bytes) -> Lease:
    """What a slip carries: the lease it was drawn from, with the slip's id and as much as was drawn."""
    return replace(held.lease, lease=transaction, amount=draw.amount, bonus_minor=draw.bonus_minor)
