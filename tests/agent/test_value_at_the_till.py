"""Stored value through the real till and its store: topped up offline, spent at once, never twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.drivers.facts import CodeScanned
from agent.sync.facts import LinkDown, LinkProblem
from contract.trade import SaleBody, TopUpBody
from tests.agent.shop import Shop
from tests.sync.office import NOON_MS
from tests.txn.purse import ANYBODYS, Phone, coupon


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A till that has everything and no network any more; the gold member is at the counter."""
    found = Shop(tmp_path)
    found.open()
    found.provision()
    found.sign_in()
    found.tell(LinkDown(LinkProblem.REFUSED))
    found.outside.see("离线")
    yield found
    found.close()


def test_a_top_up_offline_is_spendable_here_at_once_and_no_more_than_it(shop: Shop) -> None:
    shop.tap()
    shop.outside.see("金卡")
    shop.press(*"100", "topup")
    shop.outside.see("到账储值", "+100.00")
    shop.press("cash")
    shop.outside.see("充值完成", "¥100.00")
    shop.tap()
    shop.outside.see("储值 ¥100.00")
    shop.press(*"80", "enter", "stored")
    # 10 % off for gold: 72.00 of the 100.00.
    shop.outside.see("收款完成", "¥72.00", "储值 72.00")
    shop.restart()
    shop.outside.see("中断之前")
    shop.press("clear")
    shop.sign_in()
    shop.tap()
    shop.outside.see("储值 ¥28.00")
    shop.press(*"80", "enter", "stored")
    shop.outside.see("储值 28.00", "现金 44.00")
    shop.press("cash")
    shop.outside.see("收款完成", "储值 28.00 · 现金 44.00")
    shop.tap()
    shop.press(*"10", "enter", "stored")
    shop.outside.see("没有这位会员的可用储值")
    bodies = [entry.body() for entry in shop.journal()]
    (top_up,) = (body for body in bodies if isinstance(body, TopUpBody))
    drawn = [draw for body in bodies if isinstance(body, SaleBody) for draw in body.draws]
    assert {draw.lease for draw in drawn} == {lease.lease for lease in top_up.born}
    assert sum(draw.whole for draw in drawn) == 10_000


def test_a_showing_taken_once_is_refused_here_and_the_entry_names_it(shop: Shop) -> None:
    phone = Phone(shop.office.signer, member="m-9")
    shown = phone.shows(NOON_MS, b"n" * 16).encode()
    shop.tell(CodeScanned("code", shown))
    shop.outside.see("会员码已验证")
    shop.sell("80", "¥72.00")
    shop.tell(CodeScanned("code", shown))
    shop.outside.see("这个会员码在本机用过了")
    (sale,) = shop.sales()
    assert sale.member is not None and sale.member.presentation == b"n" * 16


def test_a_coupon_no_rule_uses_stays_good(shop: Shop) -> None:
    shown = coupon(shop.office.signer, ANYBODYS).encode()
    for _time in range(2):
        shop.tell(CodeScanned("code", shown))
        shop.outside.see("电子券已识别")
        shop.sell("80", "¥80.00")
    assert [sale.draws for sale in shop.sales()] == [(), ()]
