"""A sale as the journal holds it, brought back into words for the glass and the paper."""

from __future__ import annotations

from agent.txn.book import Book
from agent.txn.masking import mask_last4, mask_name
from agent.txn.state import Buyer, SoldSale
from contract.errors import ContractError
from contract.journal import AppliedEffect, Entry, EntryKind, SaleBody
from contract.money import format_minor
from rules.explain import Explanation, explain
from rules.pack import Pack


def recalled(entry: Entry, book: Book) -> SoldSale | None:
    """Return the sale in ``entry``, explained as far as the pack that priced it is still kept; None where the entry
    is no
    sale or not to be read.
    """
    if entry.header.kind is not EntryKind.SALE:
        return None
    try:
        sale = entry.body()
    except ContractError:
        return None
    if not isinstance(sale, SaleBody):
        return None
    return SoldSale(entry, sale, explained(sale, book.pack_of(sale.pack)), _buyer(sale, book), _when(entry, book))


def just_sold(
    entry: Entry, sale: SaleBody, explanations: tuple[Explanation, ...], buyer: Buyer | None, book: Book
) -> SoldSale:
    """Return the sale that was committed a moment ago, with the explanations the basket had."""
    return SoldSale(entry, sale, explanations, buyer, _when(entry, book))


def explained(sale: SaleBody, pack: Pack | None) -> tuple[Explanation, ...]:
    """Explain a sale's effects by the pack that made them; where that pack is no longer kept, by the names of the rules
    and what they did.
    """
    if pack is not None:
        return explain(pack, sale.effects)
    return tuple(_by_name(effect) for effect in sale.effects)


def _by_name(effect: AppliedEffect) -> Explanation:
    change = f"+{effect.points}" if effect.points else format_minor(-effect.off_minor)
    return Explanation(effect.rule, effect.rule, effect.rule, "", "", change)


def _buyer(sale: SaleBody, book: Book) -> Buyer | None:
    if sale.member is None:
        return None
    cached = book.member_by_id(sale.member.member)
    if cached is None:
        return Buyer(sale.member, "", "", None)
    return Buyer(sale.member, mask_name(cached.name), mask_last4(cached.phone_last4), cached.points)


def _when(entry: Entry, book: Book) -> str:
    return book.local_time(entry.header.wall_ms)
