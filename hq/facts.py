"""What judging a batch needs to know of the books, asked in a few statements for all its entries together."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from sqlalchemy import Connection, select

from contract.bodies import CarryOverBody
from contract.envelope import keyring
from contract.errors import ContractError
from contract.ids import TerminalAddress, parse_address
from contract.journal import EntryHeader, open_entry
from contract.making import dataclass
from contract.signing import PublicKey, parse_public_key
from contract.trade import MemberRef, RedemptionBody, RefundBody, SaleBody, TopUpBody
from hq.audit_value import Origin, refund_of, returned_as
from hq.bulk import known_keys
from hq.meaning import Meaning
from hq.own_accounts import Moving, moves_money
from hq.packs import PackShelf, ShelvedPack
from hq.tables import catalogue_heads, entries, members, presentations, refunds, terminals, transactions
from hq.unsettled import Place
from rules.refund import Refund


@dataclass(frozen=True, slots=True)
class First:
    """Where a transaction or a presentation is in the books: the place, and the SHA-256 of the entry as signed."""

    place: Place
    digest: bytes


@dataclass(slots=True)
class Known:
    """What is in the books, as far as the entries at hand need it; it learns from each that is judged."""

    packs: Mapping[bytes, ShelvedPack | None] = field(default_factory=dict)
    members: frozenset[str] = frozenset()
    transactions: dict[bytes, First] = field(default_factory=dict)
    """By what :func:`claimed` says."""
    presentations: dict[bytes, First] = field(default_factory=dict)
    origins: dict[bytes, Origin] = field(default_factory=dict)
    currency: str | None = None
    """The tenant's, where an entry moves value that is money."""
    ahead: dict[bytes, tuple[Refund, ...]] = field(default_factory=dict)
    """Returns of what is not in the books yet, by the transaction they refer to."""

    def learn(self, place: Place, meaning: Meaning, posted: bool) -> None:
        """Take in an entry whose transaction is new."""
        here = First(place, meaning.digest)
        self.transactions[claimed(meaning.header, posted)] = here
        shown = presentation_of(meaning)
        if shown is not None:
            self.presentations.setdefault(shown, here)
        if not posted:
            return
        body = meaning.body
        if isinstance(body, SaleBody | TopUpBody):
            known = self.packs.get(body.pack.digest)
            earlier = self.ahead.pop(meaning.header.transaction, ())
            origin = Origin(meaning.digest, body, None if known is None else known.compiled, earlier)
            self.origins.setdefault(meaning.header.transaction, origin)
        elif isinstance(body, RefundBody):
            original = body.original.transaction
            sold = self.origins.get(original)
            if sold is None:
                self.ahead[original] = (*self.ahead.get(original, ()), returned_as(body))
            else:
                self.origins[original] = replace(sold, earlier=(*sold.earlier, returned_as(body)))


def look_up(
    connection: Connection, meanings: Sequence[Meaning], shelf: PackShelf, before: bytes | None = None
) -> Known:
    """Ask the books what judging ``meanings`` needs; of returns with ``before`` only those that came before that
    transaction.
    """
    asking = [item.body for item in meanings if isinstance(item.body, RefundBody)]
    returned = _returned(connection, {body.original.transaction for body in asking}, before)
    origins = dict(_origins(connection, returned, shelf))
    packs = {digest: shelf.find(connection, digest) for digest in {*_packs(meanings)}}
    who = [found for item in meanings if (found := member_of(item)) is not None]
    claims = {claimed(item.header, posted) for item in meanings for posted in (True, False)}
    shown = {found.presentation for found in who if found.presentation is not None}
    known_members, known_claims, known_shown = known_keys(
        connection,
        (
            (members, "member", {found.member for found in who}),
            (transactions, "transaction_id", claims),
            (presentations, "presentation", shown),
        ),
    )
    return Known(
        packs,
        known_members,
        _transactions(connection, known_claims),
        _presentations(connection, known_shown),
        origins,
        _currency(connection, meanings),
        {original: earlier for original, earlier in returned.items() if earlier and original not in origins},
    )


def claimed(header: EntryHeader, posted: bool) -> bytes:
    """The id under which an entry stands among the transactions: its own where it is posted; where it moves nothing on
    accounts, one that no till but its own has. So nobody keeps another's entry out of the books by journalling
    something under the id that is printed on a slip or that an order's number gives away.
    """
    if posted:
        return header.transaction
    return hashlib.sha256(f"tapledger-noted {header.address} ".encode() + header.transaction).digest()[:16]


def keys_of(connection: Connection, address: TerminalAddress) -> dict[int, PublicKey]:
    """The journal keys of a till by epoch."""
    rows = connection.execute(
        select(terminals.c.epoch, terminals.c.public_key).where(terminals.c.address == str(address))
    )
    return {row.epoch: parse_public_key(row.public_key) for row in rows}


def member_of(meaning: Meaning) -> MemberRef | None:
    """Whom an entry is about, where it is about a member."""
    match meaning.body:
        case SaleBody() | RefundBody() | TopUpBody() | RedemptionBody() as body:
            return body.member
    return None


def presentation_of(meaning: Meaning) -> bytes | None:
    """The showing of a phone's code by which an entry knew its member."""
    who = member_of(meaning)
    return None if who is None else who.presentation


def _currency(connection: Connection, meanings: Iterable[Meaning]) -> str | None:
    """The tenant's currency; plain sales need not ask."""
    bodies = (item.body for item in meanings)
    if not any(isinstance(body, Moving) and moves_money(body) for body in bodies):
        return None
    return connection.scalar(select(catalogue_heads.c.currency)) or "CNY"


def _packs(meanings: Iterable[Meaning]) -> Iterator[bytes]:
    for item in meanings:
        if isinstance(item.body, SaleBody | TopUpBody | RedemptionBody):
            yield item.body.pack.digest


def _transactions(connection: Connection, asked: frozenset[bytes]) -> dict[bytes, First]:
    if not asked:
        return {}
    rows = connection.execute(
        select(transactions.c.transaction_id, transactions.c.digest, entries.c.address, entries.c.epoch, entries.c.seq)
        .join(entries, entries.c.id == transactions.c.entry_id)
        .where(transactions.c.transaction_id.in_(asked))
    )
    return {row.transaction_id: First(_place(row), row.digest) for row in rows}


def _presentations(connection: Connection, asked: frozenset[bytes]) -> dict[bytes, First]:
    if not asked:
        return {}
    rows = connection.execute(
        select(presentations.c.presentation, entries.c.address, entries.c.epoch, entries.c.seq, entries.c.digest)
        .join(entries, entries.c.id == presentations.c.entry_id)
        .where(presentations.c.presentation.in_(asked))
    )
    return {row.presentation: First(_place(row), row.digest) for row in rows}


def _place(row: Any) -> Place:
    return Place(parse_address(row.address), row.epoch, row.seq)


def _returned(
    connection: Connection, asked: Collection[bytes], before: bytes | None
) -> dict[bytes, tuple[Refund, ...]]:
    """The returns in the books of these transactions, those that came before the transaction ``before`` if any."""
    if not asked:
        return {}
    found: dict[bytes, list[Refund]] = {original: [] for original in asked}
    returns = select(refunds).where(refunds.c.original_transaction.in_(asked), refunds.c.posted)
    if before is not None:
        own = select(transactions.c.entry_id).where(transactions.c.transaction_id == before).scalar_subquery()
        returns = returns.where(refunds.c.entry_id < own)
    for row in connection.execute(returns.order_by(refunds.c.entry_id)):
        amounts = (row.refund_minor, row.to_stored_minor, row.points_back, row.points_restored, row.bonus_back_minor)
        found[row.original_transaction].append(refund_of(row.units, amounts))
    return {original: tuple(earlier) for original, earlier in found.items()}


def _origins(
    connection: Connection, returned: Mapping[bytes, tuple[Refund, ...]], shelf: PackShelf
) -> Iterator[tuple[bytes, Origin]]:
    """The sales that returns refer to, with the returns that are in the books already."""
    if not returned:
        return
    for row in connection.execute(
        select(transactions.c.transaction_id, transactions.c.digest, entries.c.address, entries.c.sealed)
        .join(entries, entries.c.id == transactions.c.entry_id)
        .where(transactions.c.transaction_id.in_(sorted(returned)))
    ):
        sale = _made(connection, parse_address(row.address), row.sealed)
        if sale is not None:
            known = shelf.find(connection, sale.pack.digest)
            compiled = None if known is None else known.compiled
            yield row.transaction_id, Origin(row.digest, sale, compiled, returned[row.transaction_id])


def _made(connection: Connection, address: TerminalAddress, sealed: bytes) -> SaleBody | TopUpBody | None:
    """The sale or top-up in an entry of the books, or in the entry that it carries; None where it holds none."""
    believed = keyring(*keys_of(connection, address).values())
    try:
        body = open_entry(sealed, believed).body()
        if isinstance(body, CarryOverBody):
            body = open_entry(body.sealed, believed).body()
    except ContractError:
        return None
    return body if isinstance(body, SaleBody | TopUpBody) else None
