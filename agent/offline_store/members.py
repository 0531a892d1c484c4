"""The member cache, of up to a million: found by keyed hash, with only what prices in clear.

In clear lie tier, tags and the last four digits of a phone number. Everything else of a member is encrypted, and of
what only rules look at no more is kept than the active pack's rules do look at. A document replaces all members; a
delta is laid over them, changing only what it changes, so that the counter never waits long.
"""

from collections.abc import Iterable
from dataclasses import replace

from agent.offline_store.database import Database
from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.rowkeys import RowKeys
from contract import wire
from contract.basket import COUNT, MAX_POINTS, MOST_VISIT_DAYS
from contract.calendar import DAY, YEARLY
from contract.documents import MOST_DELTA_MEMBERS, USED, MemberRecord, MembersContent, PinVerifier, RuleUsed
from contract.errors import ContractError
from contract.ids import MEMBER_ID, TAG
from contract.making import dataclass

MAX_ROW_BYTES = 8_192
ATTRIBUTES = frozenset(["segments", "card_type", "birthday", "visits", "visit_days"])
"""What of a member only rules look at, in the words of ``contract.basket.Customer``."""

_COLUMNS = "member_key, phone_last4, tier, tags, sealed"


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
    pin: PinVerifier | None = None
    used: tuple[RuleUsed, ...] = ()


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
    pin: PinVerifier | None = wire.maybe(9, wire.record(PinVerifier))
    used: tuple[RuleUsed, ...] = wire.maybe(10, USED, ())


@dataclass(frozen=True, slots=True)
class _Row:
    """A member as the tables hold one. ``number`` is the row's own, given once and kept."""

    number: int
    key: bytes
    last4: str | None
    phone: bytes | None
    tier: str
    tags: str
    sealed: bytes
    cards: frozenset[bytes]


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
        kept = self._attributes("wanted")
        self._database.write("INSERT OR REPLACE INTO member_attributes VALUES ('kept', ?)", " ".join(sorted(kept)))
        self._clear()
        self._insert([self._row(number, record, kept) for number, record in enumerate(content.members, start=1)])

    def want(self, attributes: frozenset[str]) -> bool:
        """Note, inside the caller's transaction, which attributes rules look at from now on; those of whoever comes
        with the next snapshot are kept. Return whether the members here are kept with less, so that they should come
        anew. Raises StoreError.
        """
        wanted = attributes & ATTRIBUTES
        self._database.write("INSERT OR REPLACE INTO member_attributes VALUES ('wanted', ?)", " ".join(sorted(wanted)))
        return not wanted <= self._attributes("kept")

    def lay_over(self, content: MembersContent) -> None:
        """Put these members to the others or in the place of what they were, and forget those gone, inside the caller's
        transaction.

        Raises StoreError; INVALID where it changes more than ``MOST_DELTA_MEMBERS``, names somebody twice, or leaves
        two with the same phone number or card.
        """
        named = [*content.gone, *(record.member for record in content.members)]
        if len(named) > MOST_DELTA_MEMBERS:
            raise StoreError(StoreCause.INVALID, f"members: {len(named)} in one delta, at most {MOST_DELTA_MEMBERS}")
        if len(set(named)) != len(named):
            raise StoreError(StoreCause.INVALID, "members: somebody is named twice in one delta")
        self._forget(content.gone)
        self._change(content.members)

    def by_card(self, uid: bytes) -> MemberRow | None:
        """Return the member who holds the card with this number."""
        return self._found("id = (SELECT id FROM member_cards WHERE card_key = ?)", self._keys.card(uid))

    def by_phone(self, digits: str) -> MemberRow | None:
        """Return the member with this phone number."""
        return self._found("phone_last4 = ? AND phone_key = ?", digits[-4:], self._keys.phone(digits))

    def by_id(self, member: str) -> MemberRow | None:
        """Return the member with this id."""
        return self._found("member_key = ?", self._keys.member(member))

    def by_last4(self, digits: str, most: int) -> tuple[MemberRow, ...]:
        """Return the members whose phone number ends with these four digits, at most so many, in no telling order."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM members WHERE phone_last4 = ? LIMIT ?", digits, most)
        return tuple(self._member(*row) for row in rows)

    def _clear(self) -> None:
        """Take all members away. Their pages are let go as they are: to write zeros over a million rows that are hashes
        and ciphertext would put hundreds of megabytes into the log (sqlite.org/pragma.html#pragma_secure_delete).
        """
        self._database.row("PRAGMA secure_delete = FAST")
        try:
            self._database.write("DELETE FROM member_cards")
            self._database.write("DELETE FROM members")
        finally:
            self._database.row("PRAGMA secure_delete = ON")

    def _forget(self, gone: Iterable[str]) -> None:
        keys = [(self._keys.member(member),) for member in gone]
        self._database.write_many(
            "DELETE FROM member_cards WHERE id = (SELECT id FROM members WHERE member_key = ?)", iter(keys)
        )
        self._database.write_many("DELETE FROM members WHERE member_key = ?", iter(keys))

    def _change(self, records: Iterable[MemberRecord]) -> None:
        """Only what has changed is written, first what makes room: a phone number or a card may go from one member to
        another in one delta.
        """
        (newest,) = self._database.row("SELECT coalesce(max(id), 0) FROM members") or (0,)
        attributes = self._attributes("kept")
        new: list[_Row] = []
        kept: list[_Row] = []
        moved: list[_Row] = []
        cards: list[tuple[bytes, int]] = []
        for record in records:
            key = self._keys.member(record.member)
            before = self._database.row("SELECT id, phone_key FROM members WHERE member_key = ?", key)
            if before is None:
                newest += 1
                new.append(self._row(newest, record, attributes))
                continue
            row = self._row(before[0], record, attributes)
            (kept if row.phone == before[1] else moved).append(row)
            cards += self._changed_cards(row)
        self._database.write_many(
            "UPDATE members SET phone_last4 = NULL, phone_key = NULL WHERE id = ?", ((row.number,) for row in moved)
        )
        self._database.write_many(
            "UPDATE members SET phone_last4 = ?, phone_key = ? WHERE id = ?",
            ((row.last4, row.phone, row.number) for row in moved),
        )
        self._database.write_many(
            "UPDATE members SET tier = ?, tags = ?, sealed = ? WHERE id = ?",
            ((row.tier, row.tags, row.sealed, row.number) for row in (*kept, *moved)),
        )
        self._database.write_many("INSERT INTO member_cards VALUES (?, ?)", iter(cards))
        self._insert(new)

    def _changed_cards(self, row: _Row) -> list[tuple[bytes, int]]:
        """Take away the cards that a member has no more; return those to be given."""
        before = {key for (key,) in self._database.rows("SELECT card_key FROM member_cards WHERE id = ?", row.number)}
        for key in before - row.cards:
            self._database.write("DELETE FROM member_cards WHERE card_key = ?", key)
        return [(key, row.number) for key in row.cards - before]

    def _insert(self, rows: list[_Row]) -> None:
        self._database.write_many(
            "INSERT INTO members VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((row.number, row.key, row.last4, row.phone, row.tier, row.tags, row.sealed) for row in rows),
        )
        self._database.write_many(
            "INSERT INTO member_cards VALUES (?, ?)", ((key, row.number) for row in rows for key in row.cards)
        )

    def _attributes(self, which: str) -> frozenset[str]:
        row = self._database.row("SELECT names FROM member_attributes WHERE which = ?", which)
        return ATTRIBUTES if row is None else frozenset(row[0].split())

    def _row(self, number: int, record: MemberRecord, attributes: frozenset[str]) -> _Row:
        key = self._keys.member(record.member)
        phone = record.phone
        return _Row(
            number=number,
            key=key,
            last4=None if phone is None else phone[-4:],
            phone=None if phone is None else self._keys.phone(phone),
            tier=record.tier,
            tags=" ".join(record.tags),
            sealed=self._keys.seal(key, wire.pack(_hidden(record, attributes))),
            cards=frozenset(self._keys.card(uid) for uid in record.cards),
        )

    def _found(self, where: str, *values: object) -> MemberRow | None:
        row = self._database.row(f"SELECT {_COLUMNS} FROM members WHERE {where}", *values)
        return None if row is None else self._member(*row)

    def _member(self, key: bytes, last4: str | None, tier: str, tags: str, sealed: bytes) -> MemberRow:
        try:
            hidden = wire.unpack(_Hidden, self._keys.open(key, sealed), MAX_ROW_BYTES)
        except ContractError as error:
            raise StoreError(StoreCause.CORRUPT, f"a stored row is not what was stored: {error}") from error
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
            pin=hidden.pin,
            used=hidden.used,
        )


def _hidden(record: MemberRecord, attributes: frozenset[str]) -> _Hidden:
    plain = _Hidden(member=record.member, name=record.name, points=record.points, pin=record.pin, used=record.used)
    return replace(plain, **{name: getattr(record, name) for name in attributes})
