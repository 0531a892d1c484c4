"""Members and the catalogue travel as what changed, in pieces that a till lays in a moment."""

from __future__ import annotations

from contract import wire
from contract.documents import (
    MOST_DELTA_MEMBERS,
    MOST_MEMBERS,
    CatalogueContent,
    CatalogueItem,
    DocumentKind,
    MembersContent,
    open_document,
)
from contract.envelope import keyring
from contract.messages import HeldDocument
from hq.db import writing
from hq.deltas import publish_catalogue, publish_members
from hq.documents import announcements, needed, overtake, renew, sealed_bytes
from hq.people import replace_catalogue, replace_members
from hq.sources import MemberRow
from tests.hq.tills import A1, NOW_MS, HeadOffice, head_office

DAY_MS = 86_400_000
BYTES = 64_000_000


def row(number: int, tier: str = "gold") -> MemberRow:
    return MemberRow(f"m{number}", f"会员{number}", tier, (), (), None)


class Reader:
    """A till that follows the documents it needs, and knows whom they make it know."""

    def __init__(self, hq: HeadOffice, kind: DocumentKind = DocumentKind.MEMBERS) -> None:
        self.hq = hq
        self.kind = kind
        self.held: HeldDocument | None = None
        self.known: dict[str, str] = {}
        self.laid = 0

    def follow(self) -> None:
        while (digest := self._next()) is not None:
            sealed = self._sealed(digest)
            document = open_document(sealed, keyring(self.hq.desk.signer.public)).document
            assert document.version > (0 if self.held is None else self.held.version)
            assert document.base in (None, None if self.held is None else self.held.digest)
            self._lay(document.content, document.base is None)
            self.held = HeldDocument(self.kind.value, document.version, digest)
            self.laid += 1

    def _next(self) -> bytes | None:
        held = () if self.held is None else (self.held,)
        found = self.hq.look(lambda connection: needed(connection, A1, announcements(connection, A1), held))
        return next((item.digest for item in found if item.kind == self.kind), None)

    def _sealed(self, digest: bytes) -> bytes:
        return self.hq.look(lambda connection: sealed_bytes(connection, self.kind, digest)) or b""

    def _lay(self, content: bytes, whole: bool) -> None:
        self.known = {} if whole else self.known
        if self.kind is DocumentKind.MEMBERS:
            found = wire.unpack(MembersContent, content, BYTES)
            assert len(found.members) + len(found.gone) <= (MOST_MEMBERS if whole else MOST_DELTA_MEMBERS)
            self.known |= {record.member: record.tier for record in found.members}
        else:
            items = wire.unpack(CatalogueContent, content, BYTES)
            self.known |= {item.sku: item.name for item in items.items}
            found = MembersContent((), items.gone)
        for name in found.gone:
            del self.known[name]


def load(hq: HeadOffice, rows: list[MemberRow], now_ms: int = NOW_MS) -> None:
    with writing(hq.engine) as connection:
        replace_members(connection, rows)
        publish_members(connection, hq.desk, now_ms)


def test_a_change_of_few_members_travels_as_a_delta_and_one_who_lacks_its_base_begins_anew(hq: HeadOffice) -> None:
    first = [row(number) for number in range(100)]
    load(hq, first)
    steady, rare = Reader(hq), Reader(hq)
    steady.follow()
    changed = [row(3, "silver"), *first[5:], row(200)]
    load(hq, changed)
    load(hq, [row(4, "base"), *changed[1:]])
    steady.follow()
    rare.follow()
    assert steady.laid == rare.laid == 3
    assert steady.known == rare.known == {item.member: item.tier for item in [row(4, "base"), *changed[1:]]}
    assert steady.held == rare.held


def test_what_did_not_change_is_not_told_again(hq: HeadOffice) -> None:
    load(hq, [row(1)])
    reader = Reader(hq)
    reader.follow()
    load(hq, [row(1)])
    reader.follow()
    assert reader.laid == 1


def test_a_change_of_most_members_travels_as_a_snapshot(hq: HeadOffice) -> None:
    load(hq, [row(number) for number in range(100)])
    reader = Reader(hq)
    reader.follow()
    load(hq, [row(number, "silver") for number in range(100)])
    newest = hq.look(lambda connection: announcements(connection, A1))
    assert [item.base for item in newest if item.kind == "members"] == [None]
    reader.follow()
    assert set(reader.known.values()) == {"silver"}


def test_more_members_than_a_snapshot_holds_come_in_pieces_a_till_lays_in_a_moment() -> None:
    count = MOST_MEMBERS + MOST_DELTA_MEMBERS + 1
    rows = [row(number) for number in range(count)]
    with head_office("sqlite://") as hq:
        load(hq, rows)
        reader = Reader(hq)
        reader.follow()
        assert (len(reader.known), reader.laid) == (count, 3)
        load(hq, rows[: count - MOST_DELTA_MEMBERS])
        reader.follow()
        assert (len(reader.known), reader.laid) == (count - MOST_DELTA_MEMBERS, 4)


def test_a_chain_of_deltas_is_signed_anew_as_a_whole_before_tills_would_no_longer_accept_it(hq: HeadOffice) -> None:
    load(hq, [row(number) for number in range(50)])
    load(hq, [row(number) for number in range(51)])
    old = Reader(hq)
    old.follow()
    with writing(hq.engine) as connection:
        renewed = [item for item in renew(connection, hq.desk, NOW_MS + 200 * DAY_MS) if item.kind.value == "members"]
    assert [item.base is None for item in renewed] == [True, False]
    late = Reader(hq)
    late.follow()
    old.follow()
    assert late.known == old.known and len(late.known) == 51


def test_versions_go_above_what_a_till_told_after_the_books_were_restored(hq: HeadOffice) -> None:
    load(hq, [row(number) for number in range(10)])
    till = hq.enrolled(A1)
    hq.greet(till, HeldDocument("members", 40, bytes(32)))
    with writing(hq.engine) as connection:
        signed = overtake(connection, hq.desk, NOW_MS)
    assert [(item.kind.value, item.version) for item in signed] == [("members", 41)]
    # A till that tells of versions nobody could have signed is not followed.
    hq.greet(till, HeldDocument("members", 2**50, bytes(32)))
    with writing(hq.engine) as connection:
        assert overtake(connection, hq.desk, NOW_MS) == ()


def test_articles_travel_as_what_changed_too(hq: HeadOffice) -> None:
    def article(number: int, name: str = "茶") -> CatalogueItem:
        return CatalogueItem(f"a{number}", name, "Tea", "drinks", 1_800)

    def catalogue(items: list[CatalogueItem], shop_name: str = "示范店") -> None:
        with writing(hq.engine) as connection:
            replace_catalogue(connection, CatalogueContent("CNY", shop_name, "a0", tuple(items)))
            publish_catalogue(connection, hq.desk, NOW_MS)

    items = [article(number) for number in range(50)]
    catalogue(items)
    reader = Reader(hq, DocumentKind.CATALOGUE)
    reader.follow()
    catalogue([article(0, "红茶"), *items[2:]])
    reader.follow()
    assert (reader.laid, len(reader.known), reader.known["a0"]) == (2, 49, "红茶")
    catalogue([article(0, "红茶"), *items[2:]], "新名字")
    reader.follow()
    assert reader.laid == 3
