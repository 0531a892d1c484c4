"""How often limited rules have acted is told to tills by head office's worker itself, some minutes after it heard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import func, select

from contract import wire
from contract.documents import DocumentKind, MembersContent, open_document
from contract.envelope import keyring
from contract.ids import TerminalAddress
from hq.db import reading, writing
from hq.deltas import TELL_EVERY_MS, counts_wait
from hq.documents import sealed_bytes
from hq.people import replace_members
from hq.sources import MemberRow
from hq.tables import documents
from rules.engine.shortfall import Why
from tests.hq.test_rule_counts import FIRST_TWO, WELCOME, Counting
from tests.hq.tills import NOW_MS, TENANT, HeadOffice

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


class TwoShops(Counting):
    """The tills have a list of members that is head office's own: what they were born with no delta builds on."""

    def __init__(self, hq: HeadOffice, folder: Path, *rules: Mapping[str, object]) -> None:
        super().__init__(hq, folder, *rules)
        with writing(hq.engine) as connection:
            rows = [MemberRow(name, "会员", "gold", (), (), None) for name in ("m-1", "m-2", "m-3", "m-4")]
            replace_members(connection, rows)
        self.tell()


class OneShop(TwoShops):
    """Both tills stand in one shop."""

    SECOND = TerminalAddress(TENANT, "shop-a", "a2")


def versions(hq: HeadOffice) -> int:
    """How many versions of the members' document there are."""
    asked = select(func.count()).where(documents.c.kind == DocumentKind.MEMBERS.value)
    return hq.look(lambda connection: connection.scalar(asked)) or 0


def newest_content(hq: HeadOffice) -> MembersContent:
    with reading(hq.engine) as connection:
        asked = select(documents.c.digest).where(documents.c.kind == DocumentKind.MEMBERS.value)
        digest = connection.scalar(asked.order_by(documents.c.version.desc()).limit(1))
        sealed = sealed_bytes(connection, DocumentKind.MEMBERS, digest or b"") or b""
    return wire.unpack(MembersContent, open_document(sealed, keyring(hq.desk.signer.public)).document.content, 10_000)


def test_nobody_has_to_publish_for_a_member_to_get_it_once_in_all(hq: HeadOffice, tmp_path: Path) -> None:
    shops = TwoShops(hq, tmp_path, WELCOME)
    shops.meet(8)
    before = versions(hq)
    assert shops.buys(shops.a)[0] == 1_000
    shops.meet(3)
    # Not at once: what else is heard in these minutes is told along with it.
    assert versions(hq) == before
    assert shops.buys(shops.a, "m-2")[0] == 1_000
    shops.pass_time(TELL_EVERY_MS)
    shops.meet(8)
    assert versions(hq) == before + 1
    content = newest_content(hq)
    assert [(record.member, record.used[0].times) for record in content.members] == [("m-1", 1), ("m-2", 1)]
    for member in ("m-1", "m-2"):
        assert shops.buys(shops.b, member)[:2] == (0, [Why.LIMIT_MEMBER])
    shops.pass_time(TELL_EVERY_MS)
    shops.meet(8)
    assert versions(hq) == before + 1, "what was told is not told again"
    assert not hq.look(lambda connection: counts_wait(connection, NOW_MS + 10 * TELL_EVERY_MS))
    shops.close()


def test_what_a_shop_gives_so_often_a_day_is_told_between_its_tills_and_comes_back(
    hq: HeadOffice, tmp_path: Path
) -> None:
    shops = OneShop(hq, tmp_path, FIRST_TWO)
    shops.meet(8)
    assert shops.buys(shops.a, None)[0] == 1_000
    _off, _why, code = shops.buys(shops.b, None)
    shops.pass_time(TELL_EVERY_MS)
    shops.meet(8)
    assert [(line.terminal, line.times) for line in newest_content(hq).acted] == [("a1", 1), ("a2", 1)]
    for till in (shops.a, shops.b):
        assert shops.buys(till, None)[:2] == (0, [Why.LIMIT_SHOP_DAY])
    shops.returns(shops.b, code)
    shops.pass_time(TELL_EVERY_MS)
    shops.meet(8)
    assert shops.buys(shops.a, None)[0] == 1_000
    # The day after nobody has had any.
    shops.pass_time(9 * 3_600_000)
    assert [shops.buys(till, None)[0] for till in (shops.a, shops.b)] == [1_000, 1_000]
    shops.meet(8)
    assert shops.found() == []
    shops.close()
