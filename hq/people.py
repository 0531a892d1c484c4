"""Members, cashiers, the catalogue and tills in the database, and the contents of documents made of them.

A file handed in is the whole list: who is not in it is no longer recognised. The ledger is not touched by that.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from contract import wire
from contract.basket import MAX_POINTS, TaxRate
from contract.documents import (
    CashierRecord,
    CashiersContent,
    CatalogueContent,
    CatalogueItem,
    MemberRecord,
    PinVerifier,
)
from contract.ids import TerminalAddress, parse_address
from contract.journal import identity_hash
from contract.pins import is_pin
from contract.postings import POINTS, member_points_account
from contract.signing import PublicKey, parse_public_key
from hq.errors import OfficeError
from hq.own_place import OFFICE_SHOP
from hq.pins import make_verifier
from hq.sources import CashierRow, Enrolment, MemberRow
from hq.tables import balances, cashiers, catalogue, catalogue_heads, chains, members, terminals

MAX_VERIFIER_BYTES = 200


def enrol(connection: Connection, enrolment: Enrolment, tenant: str, now_ms: int) -> bool:
    """Let a till's journal in from now on; tell whether that is new. The same slip again changes nothing.

    Raises OfficeError for another tenant's till, an epoch below one enrolled before, or another key under an epoch
    that is taken.
    """
    address, epoch = enrolment.address, enrolment.epoch
    if address.shop == OFFICE_SHOP:
        raise OfficeError(
            f"{address}：门店名 {OFFICE_SHOP} 归总部专用；终端要用别的名字。",
            f"{address}: the shop name {OFFICE_SHOP} is head office's own; a till needs another.",
        )
    if address.tenant != tenant:
        raise OfficeError(
            f"{address} 属于另一个商户；这里是 {tenant} 的总部，请拿对登记单。",
            f"{address} belongs to another tenant; this head office is {tenant}'s. Take the right slip.",
        )
    known = terminal_key(connection, address, epoch)
    if known is not None:
        if known == enrolment.key:
            return False
        raise OfficeError(
            f"{address} 的第 {epoch} 代已有另一把密钥；更换的终端要用新的一代。",
            f"{address} already has another key under epoch {epoch}; a replaced unit needs a new epoch.",
        )
    newest = newest_epoch(connection, address)
    if newest is not None and newest > epoch:
        raise OfficeError(
            f"{address} 已在第 {newest} 代；代次只升不降，请用更高的一代。",
            f"{address} is in epoch {newest} already; epochs only go up. Use a higher one.",
        )
    connection.execute(
        insert(terminals).values(address=str(address), epoch=epoch, public_key=enrolment.key.text(), enrolled_ms=now_ms)
    )
    connection.execute(
        insert(chains).values(
            address=str(address),
            epoch=epoch,
            upto_seq=0,
            head_hash=identity_hash(address, epoch, enrolment.key),
            told_head_seq=0,
            last_seen_ms=None,
        )
    )
    return True


def terminal_key(connection: Connection, address: TerminalAddress, epoch: int) -> PublicKey | None:
    """The key that signs the journal of a till in an epoch, None where nobody enrolled it."""
    text = connection.scalar(
        select(terminals.c.public_key).where(terminals.c.address == str(address), terminals.c.epoch == epoch)
    )
    return None if text is None else parse_public_key(text)


def newest_epoch(connection: Connection, address: TerminalAddress) -> int | None:
    """The newest epoch of a till that was enrolled, None for a till that never was."""
    newest: int | None = connection.scalar(
        select(func.max(terminals.c.epoch)).where(terminals.c.address == str(address))
    )
    return newest


def enrolled(connection: Connection) -> tuple[TerminalAddress, ...]:
    """Every till that may speak, each once."""
    found = connection.scalars(select(terminals.c.address).distinct().order_by(terminals.c.address))
    addresses = (parse_address(text) for text in found)
    return tuple(address for address in addresses if address.shop != OFFICE_SHOP)


def replace_members(connection: Connection, rows: Iterable[MemberRow]) -> None:
    """Make ``rows`` the members there are."""
    before = {
        row.member: _verifier(row.pin)
        for row in connection.execute(select(members.c.member, members.c.pin).where(members.c.pin.is_not(None)))
    }
    connection.execute(delete(members))
    plain = [
        {
            "member": row.member,
            "name": row.name,
            "tier": row.tier,
            "tags": list(row.tags),
            "cards": list(row.cards),
            "phone": row.phone,
            "segments": list(row.segments),
            "card_type": row.card_type,
            "birthday": row.birthday,
            "visits": row.visits,
            "visit_days": list(row.visit_days),
            "pin": None if row.pin is None else wire.pack(_verifier_of(row.pin, before.get(row.member))),
        }
        for row in rows
    ]
    for start in range(0, len(plain), 5_000):
        connection.execute(insert(members), plain[start : start + 5_000])


def replace_cashiers(connection: Connection, rows: Iterable[CashierRow]) -> None:
    """Make ``rows`` the cashiers there are. A PIN that did not change keeps its verifier."""
    before = {record.cashier: record.pin for record in _cashier_records(connection)}
    plain = []
    for row in rows:
        verifier = _verifier_of(row.pin, before.get(row.number))
        plain.append(
            {
                "cashier": row.number,
                "name": row.name,
                "salt": verifier.salt,
                "passes": verifier.passes,
                "memory_kib": verifier.memory_kib,
                "tag": verifier.tag,
            }
        )
    connection.execute(delete(cashiers))
    if plain:
        connection.execute(insert(cashiers), plain)


def replace_catalogue(connection: Connection, content: CatalogueContent) -> None:
    """Make ``content`` the catalogue there is."""
    connection.execute(delete(catalogue))
    connection.execute(delete(catalogue_heads))
    connection.execute(
        insert(catalogue_heads).values(
            currency=content.currency, shop_name=content.shop_name, open_sku=content.open_sku
        )
    )
    connection.execute(
        insert(catalogue),
        [_catalogue_row(item) for item in content.items],
    )


def member_records(connection: Connection, only: Sequence[str] | None = None) -> tuple[MemberRecord, ...]:
    """Every member as tills are told of one, or ``only`` these, with the points balances of this moment, in order."""
    standing = select(balances.c.account, balances.c.amount).where(balances.c.unit == POINTS)
    asked = select(members).order_by(members.c.member)
    if only is None:
        standing = standing.where(balances.c.account.like("member/%"))
    else:
        standing = standing.where(balances.c.account.in_([member_points_account(member) for member in only]))
        asked = asked.where(members.c.member.in_(only))
    points = {row.account: -row.amount for row in connection.execute(standing)}
    return tuple(
        MemberRecord(
            member=row.member,
            name=row.name,
            tier=row.tier,
            tags=tuple(row.tags),
            cards=tuple(bytes.fromhex(card) for card in row.cards),
            # One till gone mad may book more points than a document can say; the document must still be made.
            points=max(-MAX_POINTS, min(MAX_POINTS, int(points.get(member_points_account(row.member), 0)))),
            phone=row.phone,
            segments=tuple(row.segments),
            card_type=row.card_type,
            birthday=row.birthday,
            visits=row.visits,
            visit_days=tuple(row.visit_days),
            pin=None if row.pin is None else _verifier(row.pin),
        )
        for row in connection.execute(asked)
    )


def cashiers_content(connection: Connection) -> bytes:
    """The content of a cashiers document."""
    return wire.pack(CashiersContent(_cashier_records(connection)))


def catalogue_now(connection: Connection) -> CatalogueContent:
    """The catalogue there is, in the order of its numbers. Raises OfficeError where none was ever loaded."""
    head = connection.execute(select(catalogue_heads)).one_or_none()
    if head is None:
        raise OfficeError(
            "还没有商品目录；请先用 hq catalogue load 导入。",
            "there is no catalogue yet; load one with `tapledger hq catalogue load`.",
        )
    items = tuple(_catalogue_item(row) for row in connection.execute(select(catalogue).order_by(catalogue.c.sku)))
    return CatalogueContent(head.currency, head.shop_name, head.open_sku, items)


def _verifier_of(pin: str, old: PinVerifier | None) -> PinVerifier:
    """A verifier of ``pin``: the old one where the PIN did not change."""
    return old if old is not None and is_pin(pin, old) else make_verifier(pin)


def _verifier(packed: bytes) -> PinVerifier:
    return wire.unpack(PinVerifier, packed, MAX_VERIFIER_BYTES)


def _catalogue_row(item: CatalogueItem) -> dict[str, object]:
    return {
        "sku": item.sku,
        "name": item.name,
        "name_en": item.name_en,
        "category": item.category,
        "price_minor": item.price_minor,
        "barcode": item.barcode,
        "more_categories": list(item.more_categories),
        "brand": item.brand,
        "tags": list(item.tags),
        "member_price_minor": item.member_price_minor,
        "floor_minor": item.floor_minor,
        "reduced": item.reduced,
        "excluded": item.excluded,
        "taxes": [{"tax": rate.tax, "rate_bp": rate.rate_bp} for rate in item.taxes],
    }


def _catalogue_item(row: Row[Any]) -> CatalogueItem:
    return CatalogueItem(
        sku=row.sku,
        name=row.name,
        name_en=row.name_en,
        category=row.category,
        price_minor=row.price_minor,
        barcode=row.barcode,
        more_categories=tuple(row.more_categories),
        brand=row.brand,
        tags=tuple(row.tags),
        member_price_minor=row.member_price_minor,
        floor_minor=row.floor_minor,
        reduced=row.reduced,
        excluded=row.excluded,
        taxes=tuple(TaxRate(**rate) for rate in row.taxes),
    )


def _cashier_records(connection: Connection) -> tuple[CashierRecord, ...]:
    return tuple(
        CashierRecord(row.cashier, row.name, PinVerifier(row.salt, row.passes, row.memory_kib, row.tag))
        for row in connection.execute(select(cashiers).order_by(cashiers.c.cashier))
    )
