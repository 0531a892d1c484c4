"""What every story begins with, made once: a head office with its books opened, and terminals that hold its documents.

Making it takes a second; a story copies the files, which takes a millisecond. The keys are made of names, so that two
processes tell the same story.
"""

import hashlib
import logging
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import Engine, event, update
from sqlalchemy.exc import OperationalError

from agent.clock import Stamp
from agent.keys import Identity
from agent.offline_store.store import Store
from contract import wire
from contract.documents import (
    CatalogueContent,
    CatalogueItem,
    DocumentKind,
    KeysContent,
    MembersContent,
    TerminalKey,
    open_document,
)
from contract.envelope import Keyring, keyring
from contract.ids import TerminalAddress
from contract.journal import TimeQuality
from contract.signing import SoftwareSigner
from contract.value import Account, Asset
from hq.coupons import CouponTerms, issue_coupon
from hq.db import migrate, open_database, writing
from hq.documents import Desk, publish, sealed_bytes, sign, sign_pack
from hq.grants import buy_pool, grant
from hq.own_chain import ensure_own_chain
from hq.people import (
    catalogue_now,
    enrol,
    member_records,
    replace_catalogue,
    replace_members,
)
from hq.placement import LendingPolicy
from hq.sources import Enrolment, MemberRow
from hq.tables import terminals
from rules.authoring import read_authored
from tests.fleet.offers import CODES, COUNT_CARD, FUNDED, GRANTED, POOL_POINTS, pack_text
from tests.fleet.world import START_MS

TENANT = "acme"
BEFORE_MS = START_MS - 3_600_000
"""When the premises were made ready."""
GOOD_UNTIL_MS = 2 * START_MS
LEASE_MS = 25_000
MEMBER_POINTS = 300
MEMBER_USES = 16
SHELVES = Path("/dev/shm")
"""Memory that is mounted as a disk, where there is any: nothing is gained by a real one."""

MEMBERS = tuple(
    MemberRow(f"m{number}", f"会员{number}", tier, (), (f"04a1b2{number:02x}",), f"1380000000{number}")
    for number, tier in enumerate(("gold", "silver", "base"), start=1)
)
ITEMS = (
    CatalogueItem("OPEN", "商品", "Article", "general", 0),
    CatalogueItem("TEA", "茶", "Tea", "drinks", 1_800),
    CatalogueItem("CAKE", "蛋糕", "Cake", "food", 26_800),
)


class OfficeCut(OperationalError):
    """A process of head office died in the middle of what it did. To what it was doing, the database is gone."""

    def __init__(self) -> None:
        super().__init__("the process dies", None, Exception("it was killed"))


class ShortLending(LendingPolicy):
    """Leases that end while a story lasts."""

    @property
    def lease_ms(self) -> int:
        return LEASE_MS


class OfficePower:
    """Lets head office's process die before one of its statements, or before it commits."""

    def __init__(self) -> None:
        self.statements_to_cut: int | None = None
        self._connections: list[sqlite3.Connection] = []

    def watch(self, engine: Engine) -> None:
        """Be asked before every statement and commit, and know the connections there are."""

        def connected(raw: sqlite3.Connection, _record: object) -> None:
            self._connections.append(raw)

        def statement(*_what: object) -> None:
            self._count()

        event.listen(engine, "connect", connected)
        event.listen(engine, "before_cursor_execute", statement)
        event.listen(engine, "commit", statement)

    def die(self, engine: Engine) -> None:
        """Leave nothing of the process that died: what it had not committed is gone."""
        for raw in self._connections:
            raw.close()
        self._connections.clear()
        engine.dispose(close=False)

    def _count(self) -> None:
        if self.statements_to_cut is None:
            return
        self.statements_to_cut -= 1
        if self.statements_to_cut < 0:
            self.statements_to_cut = None
            raise OfficeCut


@dataclass
class Premises:
    """The prepared files below ``folder``, and one database engine that every story uses on its own copy."""

    folder: Path
    engine: Engine
    power: OfficePower
    desk: Desk
    identities: dict[TerminalAddress, Identity]
    coupons: dict[str, str]
    """The electronic coupons there are: what a phone shows, by their codes."""

    @property
    def database(self) -> Path:
        """The file of head office's books in the story that runs."""
        return self.folder / "books" / "hq.db"

    @property
    def believed(self) -> Keyring:
        """Head office's key, as terminals know it."""
        return keyring(self.desk.signer.public)

    def store_of(self, address: TerminalAddress) -> Path:
        """The folder with the prepared store of a terminal."""
        return self.folder / "stores" / address.terminal

    def fresh(self, present: tuple[TerminalAddress, ...]) -> Path:
        """Put everything back to the beginning, with the terminals that are ``present`` and the others revoked; return
        an empty folder for the story's disks.
        """
        self.power.statements_to_cut = None
        self.put_books(self.folder / "prepared")
        absent = [str(address) for address in self.identities if address not in present]
        with writing(self.engine) as connection:
            connection.execute(update(terminals).where(terminals.c.address.in_(absent)).values(revoked_ms=BEFORE_MS))
        disks = self.folder / "disks"
        shutil.rmtree(disks, ignore_errors=True)
        disks.mkdir()
        return disks

    def put_books(self, source: Path) -> None:
        """Make the books those in the folder ``source``."""
        self.engine.dispose()
        shutil.rmtree(self.database.parent, ignore_errors=True)
        shutil.copytree(source, self.database.parent, ignore=shutil.ignore_patterns("*-shm"))


def signer_of(name: str) -> SoftwareSigner:
    """The key that goes with a name, the same in every process."""
    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
    return SoftwareSigner(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def addresses(count: int) -> tuple[TerminalAddress, ...]:
    """The first ``count`` terminals, two a shop."""
    return tuple(
        TerminalAddress(TENANT, f"shop-{'ab'[number // 2 % 2]}", f"{'ab'[number // 2 % 2]}{number % 2 + 1}")
        for number in range(count)
    )


@contextmanager
def premises() -> Iterator[Premises]:
    """Make everything ready below a folder that is gone afterwards."""
    shelf = SHELVES if SHELVES.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="fleet-", dir=shelf) as name:
        # Everything that goes wrong is written to the log, and here everything goes wrong.
        logging.disable()
        try:
            made = _made(Path(name))
            yield made
            made.engine.dispose()
        finally:
            logging.disable(logging.NOTSET)


def _made(folder: Path) -> Premises:
    desk = Desk(signer_of("head office"), TENANT, 366, ShortLending())
    (folder / "prepared").mkdir()
    (folder / "books").mkdir()
    engine = open_database(f"sqlite:///{folder}/prepared/hq.db")
    migrate(engine)
    identities = {
        address: Identity(address, 1, signer_of(str(address)), _device_key(address), keyring(desk.signer.public))
        for address in addresses(4)
    }
    with writing(engine) as connection:
        for address, identity in identities.items():
            enrol(connection, Enrolment(address, 1, identity.signer.public), TENANT, BEFORE_MS)
        ensure_own_chain(connection, desk, BEFORE_MS)
        replace_members(connection, MEMBERS)
        replace_catalogue(connection, CatalogueContent("CNY", "示范店", "OPEN", ITEMS))
        sign_pack(connection, desk, read_authored(pack_text()), BEFORE_MS)
        sign(connection, desk, DocumentKind.MEMBERS, wire.pack(MembersContent(member_records(connection))), BEFORE_MS)
        sign(connection, desk, DocumentKind.CATALOGUE, wire.pack(catalogue_now(connection)), BEFORE_MS)
        keys = tuple(TerminalKey(address, 1, own.signer.public.text()) for address, own in identities.items())
        sign(connection, desk, DocumentKind.KEYS, wire.pack(KeysContent(keys)), BEFORE_MS)
        kinds = (DocumentKind.PACK, DocumentKind.MEMBERS, DocumentKind.CATALOGUE, DocumentKind.KEYS)
        signed = [publish(connection, kind, None, BEFORE_MS) for kind in kinds]
        for account, amount in GRANTED.items():
            grant(connection, desk, account, amount, BEFORE_MS)
        terms = [CouponTerms(code, 0, GOOD_UNTIL_MS) for code in CODES]
        coupons = {item.code: issue_coupon(connection, desk, item, BEFORE_MS) for item in terms}
        buy_pool(connection, desk, FUNDED, POOL_POINTS, 0, POOL_POINTS, BEFORE_MS)
        for row in MEMBERS:
            grant(connection, desk, Account(Asset.POINTS, row.member), MEMBER_POINTS, BEFORE_MS)
            grant(connection, desk, Account(Asset.USES, row.member, COUNT_CARD), MEMBER_USES, BEFORE_MS)
        documents = [sealed_bytes(connection, item.kind, item.digest) or b"" for item in signed]
    engine.dispose()
    for address, identity in identities.items():
        store = Store(folder / "stores" / address.terminal / "store.db", identity)
        store.open()
        for number, sealed in enumerate(documents):
            stamp = Stamp(BEFORE_MS + number, TimeQuality.SYNCHRONISED, bytes(16), number)
            transaction = hashlib.sha256(f"{address} {number}".encode()).digest()[:16]
            store.activate(open_document(sealed, identity.hq_keys), transaction, stamp)
        store.close()
    power = OfficePower()
    engine = open_database(f"sqlite:///{folder}/books/hq.db")
    power.watch(engine)
    return Premises(folder, engine, power, desk, identities, coupons)


def _device_key(address: TerminalAddress) -> bytes:
    return hashlib.sha256(f"device key of {address}".encode()).digest()
