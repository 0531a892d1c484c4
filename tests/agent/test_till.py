"""The till's loop: what it promises about order, about a store that fails, a mailbox that is full, and a restart."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from agent.drivers.facts import (
    CardProblem,
    CardRefused,
    CodeProblem,
    CodeRefused,
    CodeScanned,
    DeviceStatus,
    Key,
    KeyPressed,
    PrintFailed,
    PrintFinished,
    PrintProblem,
    Status,
)
from agent.lookups import NOTICE_MS
from agent.sync.facts import LinkDown, LinkProblem, LinkUp, MessageArrived
from agent.till import LINK_FACTS, MAILBOX_FACTS, Mailbox
from agent.ui_tft.fonts import FontMissing
from agent.ui_tft.paint import Painter
from agent.ui_tft.screen import Screen
from contract import topics
from contract.bodies import EntryKind
from contract.documents import CashierRecord, CashiersContent, DocumentKind, Notice, NoticesContent
from contract.wire import pack
from rules.pack import write_pack
from tests.agent.shop import CASHIER, GIB, Left, Shop, contents, kinds, rules
from tests.contract.samples import ADDRESS
from tests.sync.office import NOON_MS
from tests.txn.desk import PIN, verifier
from tests.waiting import eventually


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Shop]:
    """A till that has just been unpacked, not yet started."""
    shop = Shop(tmp_path)
    yield shop
    shop.close()


@pytest.fixture
def shop(empty: Shop) -> Shop:
    """A till with all documents, the cashier signed in."""
    empty.open()
    empty.provision()
    empty.sign_in()
    empty.outside.left.clear()
    return empty


def test_a_sale_is_on_the_disk_before_the_sound_and_the_sound_comes_before_the_paper(shop: Shop) -> None:
    shop.tap()
    shop.sell("268.00", "221.20")
    job = f"1/{shop.journal()[-1].header.seq}"
    assert shop.outside.left == [
        Left("sound", "attention", 0),
        Left("sound", "attention", 0),
        Left("sound", "success", 1),
        Left("paper", job, 1),
    ]
    assert [body.payable_minor for body in shop.sales()] == [22_120]


def test_a_disk_without_room_refuses_the_sale_and_keeps_the_basket_for_when_there_is_room(shop: Shop) -> None:
    shop.press(*"268.00", "enter")
    shop.outside.see("248.00")
    shop.free_bytes = 0
    shop.press("cash")
    shop.outside.see("本机存储出错", "请勿收付款")
    assert (shop.sales(), shop.outside.papers) == ([], [])
    assert "success" not in shop.outside.sounds and shop.outside.sounds[-1] == "refused"
    shop.free_bytes = GIB
    shop.press("cash")
    shop.outside.see("收款完成", "248.00")
    shop.sell("10.00", "10.00")
    assert [body.payable_minor for body in shop.sales()] == [24_800, 1_000]
    assert shop.outside.sounds.count("success") == len(shop.outside.papers) == 2


def test_a_cancelled_basket_is_journalled_even_from_the_reserve_of_the_disk(shop: Shop) -> None:
    shop.free_bytes = 0
    shop.press(*"5.00", "enter", "cancel")
    shop.outside.see("本单已取消")
    assert kinds(shop.journal())[-1] is EntryKind.CANCEL


def test_a_full_mailbox_drops_input_and_beeps_and_the_sale_is_whole(shop: Shop) -> None:
    shop.pause()
    shop.press(*CASHIER, "enter", *PIN, "enter", *"268.00", "enter", "cash")
    key = KeyPressed("keypad", Key.LANG)
    taken = sum(shop.mailbox.put(key) for _ in range(MAILBOX_FACTS))
    assert taken < MAILBOX_FACTS and shop.mailbox.dropped == MAILBOX_FACTS - taken
    shop.open()
    eventually(shop.sales)
    eventually(lambda: "success" in shop.outside.sounds and shop.mailbox.take(0) is None)
    assert shop.outside.sounds.count("refused") == 1
    assert [body.payable_minor for body in shop.sales()] == [24_800]
    assert len(shop.outside.papers) == 1
    shop.press("enter", *"1.00", "enter", "cash")
    eventually(lambda: len(shop.sales()) == 2)


def test_whoever_floods_the_broker_takes_no_key_from_the_cashier(shop: Shop) -> None:
    shop.pause()
    junk = MessageArrived(topics.down(ADDRESS, topics.Down.CHUNK), b"junk")
    assert sum(shop.mailbox.put_link(junk) for _ in range(10 * LINK_FACTS)) == LINK_FACTS
    shop.press(*CASHIER, "enter", *PIN, "enter", *"268.00", "enter", "cash")
    assert shop.mailbox.dropped == 0
    shop.open()
    eventually(shop.sales)
    assert "refused" not in shop.outside.sounds


def test_what_the_counter_says_is_heard_before_what_the_network_says() -> None:
    mailbox = Mailbox()
    key = KeyPressed("keypad", Key.CASH)
    assert mailbox.put_link(LinkUp()) and mailbox.put(key)
    assert [mailbox.take(0), mailbox.take(0), mailbox.take(0)] == [key, LinkUp(), None]


def test_rules_that_arrive_inside_a_basket_wait_until_it_is_closed(shop: Shop) -> None:
    shop.press(*"268.00", "enter")
    shop.outside.see("满200减20", "248.00")
    shop.publish(2, write_pack(rules(2)))
    shop.press(*"1.00", "enter")
    shop.outside.see("v1", "249.00")
    assert kinds(shop.journal()).count(EntryKind.DOCUMENT_CHANGE) == 4
    shop.press("cash")
    shop.outside.see("收款完成", "v2")
    shop.sell("268.00", "238.00")
    assert [body.pack.version for body in shop.sales()] == [1, 2]
    assert kinds(shop.journal())[-3:] == [EntryKind.SALE, EntryKind.DOCUMENT_CHANGE, EntryKind.SALE]


def test_a_dismissed_cashier_is_known_inside_a_basket_and_gone_after_it(shop: Shop) -> None:
    shop.press(*"268.00", "enter")
    shop.outside.see("248.00")
    shop.publish(2, write_pack(rules(2)))
    shop.publish(2, pack(CashiersContent((CashierRecord("2002", "收银员", verifier(PIN)),))), DocumentKind.CASHIERS)
    eventually(lambda: kinds(shop.journal()).count(EntryKind.DOCUMENT_CHANGE) == 5)
    shop.outside.see("v1", "248.00")
    shop.press("cash")
    shop.outside.see("没有这个工号", "v2")
    assert [(body.cashier, body.payable_minor) for body in shop.sales()] == [(CASHIER, 24_800)]
    shop.press(*CASHIER, "enter")
    shop.outside.see("没有这个工号")
    shop.press(*"2002", "enter", *PIN, "enter")
    shop.outside.see("就绪")


def test_a_paper_that_is_out_is_settled_and_one_that_is_not_waits_with_its_reason(shop: Shop) -> None:
    shop.sell("10.00", "10.00")
    (job, _words) = shop.outside.papers[0]
    assert shop.owed() == [job]
    shop.tell(PrintFailed("printer", job, PrintProblem.PAPER_OUT, False))
    shop.outside.see("小票未打出", "缺纸")
    assert shop.owed() == [job]
    shop.press("reprint")
    eventually(lambda: len(shop.outside.papers) == 2)
    assert any("补打" in row for row in shop.outside.papers[1][1])
    shop.printed(job)
    shop.outside.see("小票已打印")
    assert shop.owed() == []


def test_a_paper_sent_to_a_printer_that_never_answers_is_owed_no_longer(shop: Shop) -> None:
    shop.sell("10.00", "10.00")
    (job, _words) = shop.outside.papers[0]
    shop.tell(PrintFinished("printer", job, confirmed=False))
    eventually(lambda: shop.owed() == [])
    shop.restart()
    shop.outside.see("请登录")


def test_a_restart_says_what_was_committed_and_offers_the_paper_marked_as_a_second_one(shop: Shop) -> None:
    shop.sell("10.00", "10.00")
    shop.restart()
    shop.outside.see("中断之前", "10.00")
    assert len(shop.outside.papers) == 1
    shop.press("reprint")
    eventually(lambda: len(shop.outside.papers) == 2)
    job, words = shop.outside.papers[1]
    assert words[0] == words[-1] and "补打" in words[0]
    shop.printed(job)
    shop.outside.see("请登录")
    assert (shop.owed(), len(shop.sales())) == ([], 1)
    shop.restart()
    shop.outside.see("请登录")


def test_a_paper_that_was_settled_before_the_restart_is_not_offered_again(shop: Shop) -> None:
    shop.sell("10.00", "10.00")
    shop.printed(shop.outside.papers[0][0])
    shop.outside.see("小票已打印")
    shop.restart()
    shop.outside.see("请登录")


def test_a_printer_whose_queue_is_full_is_named_and_the_sale_stands(shop: Shop) -> None:
    shop.outside.paper_queue_full = True
    shop.sell("10.00", "10.00")
    shop.outside.see("小票未打出", "打印机正忙")
    assert len(shop.sales()) == len(shop.owed()) == 1


def test_a_till_without_a_printer_sells_and_says_that_no_paper_comes(empty: Shop) -> None:
    empty.open(printer=False)
    empty.provision()
    empty.sign_in()
    empty.sell("10.00", "10.00")
    empty.outside.see("小票未打出", "没有打印机")
    assert len(empty.sales()) == 1


def test_what_a_device_tells_reaches_the_glass_in_words_and_leaves_it_when_the_device_is_well(shop: Shop) -> None:
    shop.tell(DeviceStatus("card", Status.GONE, "reader_aborted", "wait"))
    shop.outside.see("读卡器异常退出")
    shop.tell(DeviceStatus("card", Status.READY, "", ""))
    eventually(lambda: "读卡器" not in "".join(shop.outside.text))
    for fact, words in (
        (CardRefused("card", CardProblem.UNSUPPORTED), "不支持这种卡"),
        (CardRefused("card", CardProblem.UNREADABLE), "读卡失败"),
        (CardRefused("card", CardProblem.REMOVED), "卡拿得太快"),
        (CodeRefused("code", CodeProblem.TOO_LONG), "码太长"),
        (CodeRefused("code", CodeProblem.GARBLED), "扫码不完整"),
        (CodeScanned("code", b"\xff\xfe"), "不认识这个码"),
    ):
        shop.tell(fact)
        shop.outside.see(words)


def test_the_glass_counts_what_head_office_has_not_got_and_says_how_old_the_oldest_is(shop: Shop) -> None:
    shop.outside.see("在线")
    shop.tell(LinkDown(LinkProblem.LOST))
    shop.sell("10.00", "10.00")
    shop.outside.see("离线 · 1 笔待传")
    shop.hands.elapsed_ms += 3 * 60_000 + 1_000
    shop.outside.see("离线 · 1 笔待传 · 最早 3 分钟")
    shop.connect()
    shop.outside.see("在线")
    eventually(lambda: "待传" not in "".join(shop.outside.text))
    assert len(shop.office.kept) == len(shop.journal())


def test_what_head_office_wants_to_be_read_is_on_the_glass_while_no_basket_is_open_until_its_time(shop: Shop) -> None:
    until_ms = NOON_MS + 3_600_000
    notices = (
        Notice("明天盘点", "Stocktaking tomorrow", until_ms),
        Notice("早班七点", "Early shift at 7", until_ms + 1),
    )
    shop.publish(1, pack(NoticesContent(notices)), DocumentKind.NOTICES)
    shop.outside.see("明天盘点", "请刷会员卡")
    shop.hands.elapsed_ms += NOTICE_MS
    shop.outside.see("早班七点")
    shop.press("lang")
    shop.outside.see("Early shift at 7", "Tap a member card")
    shop.press("lang", *"268.00", "enter")
    shop.outside.see("248.00")
    assert "早班七点" not in "".join(shop.outside.text)
    shop.press("cancel")
    shop.outside.see("早班七点")
    shop.hands.elapsed_ms += 2 * 3_600_000
    shop.outside.see("就绪")


def test_the_till_speaks_the_language_it_was_told(empty: Shop) -> None:
    empty.open(language="en")
    empty.outside.see("Cashier number", "Offline", "Keep the network connected until they are here")


def test_while_the_store_is_held_no_pin_signs_in_and_nothing_tells_a_right_one_from_a_wrong_one(empty: Shop) -> None:
    empty.open()
    empty.provision()
    somebody_else = sqlite3.connect(empty.path, isolation_level=None)
    somebody_else.execute("BEGIN IMMEDIATE")
    for pin in (PIN, "9999"):
        empty.outside.left.clear()
        empty.press(*CASHIER, "enter", *pin, "enter")
        empty.outside.see("本机存储出错")
        eventually(lambda: empty.outside.sounds)
        assert empty.outside.sounds == ["refused"]
        empty.press("cancel")
        eventually(lambda: "本机存储出错" not in "\n".join(empty.outside.text))
    somebody_else.execute("ROLLBACK")
    somebody_else.close()
    empty.sign_in()


def test_head_office_is_told_of_a_cashier_who_was_locked_out(empty: Shop) -> None:
    empty.open()
    empty.provision()
    empty.press(*CASHIER, "enter")
    for _attempt in range(5):
        empty.press(*"9999", "enter")
    empty.outside.see("密码错误次数过多")
    eventually(empty.events)
    assert empty.events() == [f"cashier_locked {CASHIER}: 5 wrong PINs in a row"]


def test_a_chain_that_is_disputed_inside_a_basket_ends_after_it_and_the_glass_says_so(shop: Shop) -> None:
    shop.press(*"268.00", "enter")
    shop.outside.see("248.00")
    shop.office.time_ms += 1
    shop.tell(shop.office.welcome(upto_seq=2**40, head_hash=bytes(32)))
    shop.outside.see("流水与总部不符", "248.00")
    shop.press("cash")
    shop.outside.see("收款完成", "流水已另起一卷")
    before = [entry for entry in shop.journal() if entry.header.epoch == 1]
    assert kinds(before)[-1] is EntryKind.SALE
    shop.office.epoch, shop.office.kept = 2, []
    # The paper of before comes out now, and no later entry of the same number is taken to have one.
    (first, _words) = shop.outside.papers[0]
    shop.printed(first)
    eventually(lambda: not shop.owed())
    shop.connect()
    shop.sell("10.00", "10.00")
    eventually(lambda: len(shop.office.kept) == len([one for one in shop.journal() if one.header.epoch == 2]))
    assert [body.totals.sales for body in shop.sales()] == [1, 2]


class NoTypeface(Painter):
    """A painter on a terminal where the package with the typeface was removed."""

    def paint(self, screen: Screen) -> Image.Image:
        raise FontMissing("no Chinese typeface found: install the package fonts-noto-cjk")


def test_a_terminal_without_a_typeface_says_so_in_its_log_and_does_not_end(
    empty: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    empty.open(painter=NoTypeface())
    eventually(lambda: any("not_painted" in line and "fonts-noto-cjk" in line for line in caplog.messages))
    empty.connect()
    empty.publish(1, contents()[DocumentKind.CASHIERS], DocumentKind.CASHIERS)
    eventually(lambda: len(empty.journal()) == 1)
    empty.press(*CASHIER, "enter", *PIN, "enter")
    eventually(lambda: "attention" in empty.outside.sounds)
    assert empty.outside.text == ()
