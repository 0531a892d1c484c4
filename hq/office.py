"""What head office's staff do, each as one call: open the books, do it in one transaction, and say what came of it.

Every call raises OSError, SettingsError, ContractError or OfficeError with the reason where it is refused.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from contract.documents import DocumentKind
from contract.said import Said
from hq.authored import author_pack
from hq.bulletins import publish_keys
from hq.config import HqConfig, read_config
from hq.credentials import CredentialTerms, card_memory, issue_credential, qr_picture, qr_text
from hq.db import Turn, migrate, open_database, reading, writing
from hq.deltas import publish_catalogue, publish_members
from hq.documents import DAY_MS, Desk, StoredDocument, publish, sign, sign_pack
from hq.errors import OfficeError, not_utf8
from hq.identity import load_signer
from hq.ledger_text import books_text
from hq.people import (
    cashiers_content,
    enrol,
    replace_cashiers,
    replace_catalogue,
    replace_members,
)
from hq.sources import read_cashiers, read_catalogue, read_enrolment, read_members


@dataclass(frozen=True, slots=True)
class Office:
    """Head office as its staff meet it: the configuration, and the database that goes with it."""

    config: HqConfig
    engine: Engine

    @property
    def desk(self) -> Desk:
        """Who signs. Raises SettingsError where the key is missing."""
        config = self.config
        return Desk(load_signer(config), config.tenant, config.accept_days, config.lending)


@contextmanager
def open_office(config_path: Path) -> Iterator[Office]:
    """Open the books that ``config_path`` names, brought to the newest step; closed at the end of the block."""
    config = read_config(config_path)
    engine = open_database(config.database)
    try:
        migrate(engine)
        yield Office(config, engine)
    except SQLAlchemyError as error:
        raise OfficeError(
            f"数据库出错：{error}。请检查 hq.toml 的 [database] 以及数据库是否在运行。",
            f"the database: {error}. Check [database] in hq.toml, and whether the database runs.",
        ) from error
    finally:
        engine.dispose()


def sign_authored_pack(office: Office, path: Path) -> StoredDocument:
    """Sign the pack that staff wrote in ``path`` as the next version."""
    try:
        pack = author_pack(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise not_utf8(path) from error
    with writing(office.engine, Turn.DOCUMENTS) as connection:
        return sign_pack(connection, office.desk, pack, _now_ms())


def publish_pack(office: Office, version: int | None) -> StoredDocument:
    """Let all tills have ``version`` of the pack, or the newest signed one."""
    with writing(office.engine, Turn.DOCUMENTS) as connection:
        return publish(connection, DocumentKind.PACK, version, _now_ms())


def add_terminal(office: Office, path: Path) -> Said:
    """Enrol the till whose slip is ``path``; return a sentence about it."""
    enrolment = read_enrolment(path)
    with writing(office.engine, Turn.DOCUMENTS) as connection:
        new = enrol(connection, enrolment, office.config.tenant, _now_ms())
        publish_keys(connection, office.desk, _now_ms())
    zh, en = ("登记完成", "is enrolled") if new else ("此前已登记", "was enrolled before")
    return Said(f"{enrolment.address} 第 {enrolment.epoch} 代{zh}", f"{enrolment.address} epoch {enrolment.epoch} {en}")


def load_members(office: Office, path: Path) -> StoredDocument:
    """Make ``path`` the list of members, and publish what changed; return the newest version."""
    rows = read_members(path)
    with writing(office.engine, Turn.DOCUMENTS) as connection:
        replace_members(connection, rows)
        return publish_members(connection, office.desk, _now_ms())


def tell_members(office: Office) -> StoredDocument:
    """Publish the members anew as far as they changed, with the points of this moment; return the newest version."""
    with writing(office.engine, Turn.DOCUMENTS) as connection:
        return publish_members(connection, office.desk, _now_ms())


def load_cashiers(office: Office, path: Path) -> StoredDocument:
    """Make ``path`` the list of cashiers, and publish it."""
    rows = read_cashiers(path)
    return _publish(
        office, DocumentKind.CASHIERS, lambda connection: replace_cashiers(connection, rows), cashiers_content
    )


def load_catalogue(office: Office, path: Path) -> StoredDocument:
    """Make ``path`` the catalogue, and publish what changed; return the newest version."""
    found = read_catalogue(path)
    with writing(office.engine, Turn.DOCUMENTS) as connection:
        replace_catalogue(connection, found)
        return publish_catalogue(connection, office.desk, _now_ms())


def member_code(
    office: Office,
    member: str,
    days: int,
    card: bytes | None = None,
    phone_key: bytes | None = None,
    limit: int = 0,
    picture: Path | None = None,
) -> str:
    """Return the text of a QR code for ``member``, valid for ``days`` days from today, and draw it into ``picture``;
    with a ``card`` what to write on that card instead, in hexadecimal; with a ``phone_key`` what that phone alone may
    show.
    """
    today = _now_ms() // DAY_MS
    terms = CredentialTerms(today + days, today, card, phone_key, limit)
    with reading(office.engine) as connection:
        sealed = issue_credential(connection, office.desk.signer, office.config.tenant, member, terms)
    if picture is not None:
        picture.write_bytes(qr_picture(sealed))
    return qr_text(sealed) if card is None else card_memory(sealed).hex()


def show_books(office: Office) -> str:
    """Return the books as text."""
    with reading(office.engine) as connection:
        return books_text(connection)


def _publish(
    office: Office,
    kind: DocumentKind,
    replace: Callable[[Connection], None],
    content: Callable[[Connection], bytes],
) -> StoredDocument:
    """Replace what is known and publish the document made of it, both or neither."""
    desk = office.desk
    with writing(office.engine, Turn.DOCUMENTS) as connection:
        replace(connection)
        signed = sign(connection, desk, kind, content(connection), _now_ms())
        return publish(connection, kind, signed.version, _now_ms())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
