"""The member cache: found by keyed hash, with only what prices in clear; and the cashiers, the same way.

In clear lie tier, tags and the last four digits of a phone number. Everything else of a member is encrypted. A
cashier's row is encrypted whole, PIN verifier and all, and wrong PINs are counted beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from agent.offline_store.database import Database
from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.rowkeys import RowKeys
from contract import wire
from contract.basket import COUNT, MAX_POINTS, MOST_VISIT_DAYS
from contract.calendar import DAY, YEARLY
from contract.documents import CashierRecord, CashiersContent, MemberRecord, MembersContent
from contract.errors import ContractError
from contract.ids import MEMBER_ID, TAG

MAX_ROW_BYTES = 4_096

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member as this terminal knows one, in the words of ``contract.documents.MemberRecord``; ``points`` is the
    balance when head office issued the document.
    """

    member: str
    name: str
    tier: str
    tags: tuple[str, ...]
    points: int
    phone_last4: str | None
    segments: tuple[str, ...] = ()
    card_type: str | None = None
    birthday: int | None = None
    visits: int | None = None
    visit_days: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PinTries:
    """Wrong PINs of one cashier in a row, and when the last was keyed (Unix milliseconds; 0 for never)."""

    count: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class _Hidden:
    """The encrypted part of a member's row."""

    member: str = wire.at(1, MEMBER_ID)
    name: str = wire.at(2, wire.text(40))
    points: int = wire.at(3, wire.whole(-MAX_POINTS, MAX_POINTS))
    segments: tuple[str, ...] = wire.maybe(4, wire.many(TAG, 32), ())
    card_type: str | None = wire.maybe(5, TAG)
    birthday: int | None = wire.maybe(6, YEARLY)
    visits: int | None = wire.maybe(7, COUNT)
    visit_days: tuple[int, ...] = wire.maybe(8, wire.many(DAY, MOST_VISIT_DAYS), ())


class MemberShelf:
    """Members in ``database``, under ``keys``."""

    def __init__(self, database: Database, keys: RowKeys) -> None:
        self._database = database
        self._keys = keys

    def replace(self, content: MembersContent) -> None:
        """Put these members in the place of all others, inside the caller's transaction.

        Raises StoreError; INVALID where two members share an id, a phone number or a card, because one of them would
        then be taken for the other.
        """
        self._database.write("DELETE FROM member_cards")
        self._database.write("DELETE FROM members")
        self._database.write_many("INSERT INTO members VALUES (?, ?, ?, ?, ?, ?, ?)", self._rows(content))
        self._database.write_many(
            "INSERT INTO member_cards VALUES (?, ?)",
            (
                (self._keys.card(uid), number)
                for number, record in enumerate(content.members, start=1)
                for uid in record.cards
            ),
        )

    def by_card(self, uid: bytes) -> MemberRow | None:
        """Return the member who holds the card with this number."""
        return self._found("id = (SELECT id FROM member_cards WHERE card_key = ?)", self._keys.card(uid))

    def by_phone(self, digits: str) -> MemberRow | None:
        """Return the member with this phone number."""
        return self._found("phone_key = ?", self._keys.phone(digits))

    def by_id(self, member: str) -> MemberRow | None:
        """Return the member with this id."""
        return self._found("member_key = ?", self._keys.member(member))

    def _rows(self, content: MembersContent) -> Iterator[tuple[object, ...]]:
        for number, record in enumerate(content.members, start=1):
            key = self._keys.member(record.member)
            phone = record.phone
            yield (
                number,
                key,
                None if phone is None else self._keys.phone(phone),
                None if phone is None else phone[-4:],
                record.tier,
                " ".join(record.tags),
                self._keys.seal(key, wire.pack(_hidden(record))),
            )

    def _found(self, where: str, value: bytes) -> MemberRow | None:
        row = self._database.row(
            f"SELECT member_key, phone_last4, tier, tags, sealed FROM members WHERE {where}", value
        )
        if row is None:
            return None
        key, last4, tier, tags, sealed = row
        hidden = _unpacked(_Hidden, self._keys.open(key, sealed))
        return MemberRow(
            member=hidden.member,
            name=hidden.name,
            tier=tier,
            tags=tuple(tags.split()),
            points=hidden.points,
            phone_last4=last4,
            segments=hidden.segments,
            card_type=hidden.card_type,
            birthday=hidden.birthday,
            visits=hidden.visits,
            visit_days=hidden.visit_days,
        )


class CashierShelf:
    """Cashiers in ``database``, under ``keys``, and their wrong PINs."""

    def __init__(self, database: Database, keys: RowKeys) -> None:
        self._database = database
        self._keys = keys

    def replace(self, content: CashiersContent) -> None:
        """Put these cashiers in the place of all others, inside the caller's transaction. Wrong PINs stay counted.

        Raises StoreError; INVALID where two share a number.
        """
        self._database.write("DELETE FROM cashiers")
        keyed = [(self._keys.cashier(record.cashier), record) for record in content.cashiers]
        self._database.write_many(
            "INSERT INTO cashiers VALUES (?, ?)",
            ((key, self._keys.seal(key, wire.pack(record))) for key, record in keyed),
        )
        self._database.write("DELETE FROM pin_tries WHERE cashier_key NOT IN (SELECT cashier_key FROM cashiers)")

    def cashier(self, number: str) -> CashierRecord | None:
        """Return who signs in with this number."""
        key = self._keys.cashier(number)
        row = self._database.row("SELECT sealed FROM cashiers WHERE cashier_key = ?", key)
        return None if row is None else _unpacked(CashierRecord, self._keys.open(key, row[0]))

    def pin_tries(self, number: str) -> PinTries:
        """Return how this cashier's last tries went; none for a number nobody has."""
        row = self._database.row(
            "SELECT count, last_ms FROM pin_tries WHERE cashier_key = ?", self._keys.cashier(number)
        )
        return PinTries(0, 0) if row is None else PinTries(*row)

    def record_pin_try(self, number: str, ok: bool, now_ms: int) -> None:
        """Count a wrong PIN, or begin again after a right one. Durable: pulling the plug gives no free guess.

        A number nobody has is not counted, so that keying numbers cannot fill the disk.
        """
        key = self._keys.cashier(number)
        with self._database.transaction():
            self._database.write(
                "INSERT INTO pin_tries SELECT cashier_key, ?, ? FROM cashiers WHERE cashier_key = ?"
                " ON CONFLICT (cashier_key) DO UPDATE SET count = CASE WHEN ? THEN 0 ELSE count + 1 END, last_ms = ?",
                *(0 if ok else 1, now_ms, key, ok, now_ms),
            )


def _hidden(record: MemberRecord) -> _Hidden:
    return _Hidden(
        member=record.member,
        name=record.name,
        points=record.points,
        segments=record.segments,
        card_type=record.card_type,
        birthday=record.birthday,
        visits=record.visits,
        visit_days=record.visit_days,
    )


def _unpacked(of: type[T], data: bytes) -> T:
    try:
        return wire.unpack(of, data, MAX_ROW_BYTES)
    except ContractError as error:
        raise StoreError(StoreCause.CORRUPT, f"a stored row is not what was stored: {error}") from error
