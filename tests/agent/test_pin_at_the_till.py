"""A member's PIN through the real till: from head office's document over the keypad to the journal, never in clear."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.documents import DocumentKind, MemberRecord, MembersContent
from contract.trade import Assurance, Medium
from contract.wire import pack
from tests.agent.shop import GOLD_UID, Shop
from tests.txn.desk import verifier
from tests.waiting import eventually

PHONE = "13800000001"
PIN = "246813"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A till that knows a member with a PIN, who has topped up 100.00 here."""
    found = Shop(tmp_path)
    found.open()
    found.provision()
    member = MemberRecord("m-1", "会员一", "gold", (), (GOLD_UID,), 0, PHONE, pin=verifier(PIN))
    known = len(found.journal())
    found.publish(2, pack(MembersContent((member,))), DocumentKind.MEMBERS)
    eventually(lambda: len(found.journal()) > known)
    found.sign_in()
    found.tap()
    found.press(*"100", "topup", "cash")
    found.outside.see("充值完成", "¥100.00")
    yield found
    found.close()


def test_by_phone_number_the_pin_lets_spend_and_wrong_ones_survive_a_power_cut(shop: Shop) -> None:
    shop.press(*PHONE, "enter", *"50", "enter", "stored")
    shop.outside.see("请会员输入密码", "¥45.00")
    shop.press(*"1111", "enter")
    shop.outside.see("密码不对")
    shop.restart()
    shop.press("clear")
    shop.sign_in()
    shop.press(*PHONE, "enter", *"50", "enter", "stored")
    for _wrong in range(4):
        shop.press(*"1111", "enter")
    shop.outside.see("会员密码错误次数过多")
    assert any("member_pin_locked m-1: 5 wrong" in told for told in shop.events())
    shop.hands.elapsed_ms += 60_000
    shop.press("stored")
    shop.press("cash")
    shop.outside.see("收款完成", "¥45.00")
    shop.press(*PHONE, "enter", *"50", "enter", "stored", *PIN)
    words = shop.outside.see("●●●●●●")
    assert PIN not in "".join(words)
    shop.press("enter")
    shop.outside.see("收款完成", "储值 45.00")
    by_cash, by_pin = shop.sales()
    assert by_cash.draws == () and sum(draw.whole for draw in by_pin.draws) == 4_500
    assert by_pin.member is not None
    assert (by_pin.member.medium, by_pin.member.assurance) == (Medium.PHONE, Assurance.PIN)
    assert PIN.encode() not in shop.path.read_bytes()
