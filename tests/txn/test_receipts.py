"""The paper: what stands on it, when it may be the second, and what is owed after a power cut."""

from dataclasses import replace

import pytest

from agent.paper import Cut, Text
from agent.txn.effects import SoundName
from agent.txn.events import ReceiptPrinted, ReceiptWaiting, Started
from agent.txn.masking import mask_last4, mask_name, mask_phone
from agent.txn.state import ReceiptState, Recovered, Selling, SignIn
from agent.ui_tft.view import compose
from tests.txn.desk import (
    ADDRESS,
    GOLD_PHONE,
    NOTHING_OFF,
    Desk,
    MemoryBook,
    pack,
    paper_text,
    prints,
    promising,
    sounds,
    waived,
)
from tests.ui_tft.gallery import ONLINE


@pytest.fixture
def desk() -> Desk:
    return Desk().sign_in()


def test_a_receipt_tells_the_sale_its_rules_and_its_number(desk: Desk) -> None:
    desk.keys(GOLD_PHONE, "enter")
    rows = paper_text(desk.sell())
    entry = desk.book.journal[0]
    assert rows == [
        "示范珠宝店",
        "销售小票 Receipt",
        "单号 No. | S01.T01-1-000001",
        f"时间 Time | {desk.book.local_time(entry.header.wall_ms)}",
        "收银员 Cashier | 1001",
        "会员 Member | 金卡 会*一 138****0001",
        "商品 | 268.00",
        "原价 List price | 268.00",
        "金卡9折 | -26.80",
        "  268.00 打9折",
        "满200减20 | -20.00",
        "  241.20 已满200.00，减20.00",
        "消费积分 | +221",
        "  实付 221.20，每 1.00 得 1 分",
        "应付 Payable | CNY 221.20",
        "现金 Cash | 221.20",
        "本单积分 Points earned | +221",
        rows[17],
        "单据码 Receipt code",
        "谢谢惠顾 Thank you",
    ]
    assert rows[17].startswith("TLR1:S01.T01-1-000001:")
    assert len(rows[17].rpartition(":")[2]) == 26


def test_a_receipt_without_a_member_promises_no_points(desk: Desk) -> None:
    rows = paper_text(desk.sell())
    assert not any("积分" in row for row in rows)


def test_gifts_coupons_and_the_rounded_total_stand_on_the_receipt() -> None:
    desk = Desk().sign_in()
    coupon = {"coupon": "ten-off", "title": "10元代金券", "title_en": "10 off", "valid_from_days": 1, "valid_days": 30}
    gives = [
        ("bag", "basket", {"gift": {"sku": "GIFT-BAG"}}),
        ("next", "points", {"issue_coupon": {"coupon": "ten-off"}}),
        ("whole-yuan", "tender", {"round_total": {"to_minor": 100, "mode": "down"}}),
    ]
    rules = [{"rule": name, "lane": lane, "then": [effect]} for name, lane, effect in gives]
    desk.book.active = pack(2, promising(*rules, coupons=[coupon]))
    rows = paper_text(desk.sell("268.37"))
    at = rows.index("原价 List price | 268.37")
    assert rows[at + 1 : at + 9] == [
        "bag | ×1",
        "  赠品 GIFT-BAG × 1",
        "next | ×1",
        "  送券 10元代金券，30 天有效",
        "whole-yuan | -0.37",
        "  应付取整到 1.00",
        "应付 Payable | CNY 268.00",
        "现金 Cash | 268.00",
    ]


def test_several_of_one_article_are_shown_with_their_price(desk: Desk) -> None:
    desk.scan("6901234567892")
    desk.scan("6901234567892")
    desk.keys("cash")
    rows = paper_text(desk.commit())
    at = rows.index("足金吊坠 | 200.00")
    assert rows[at + 1] == "  2 × 100.00"


def test_a_reprint_says_so_large_at_both_ends(desk: Desk) -> None:
    desk.sell()
    desk.keys("enter")
    (printed,) = prints(desk.keys("reprint", "reprint"))
    mark = Text("补打 REPRINT", "center", bold=True, size=2)
    assert (printed.paper.rows[0], printed.paper.rows[-2], printed.paper.rows[-1]) == (mark, mark, Cut())
    assert printed.seq == 1


def test_whatever_paper_was_the_last_is_printed_again_and_the_ones_before_it_by_their_number(desk: Desk) -> None:
    desk.book.lend("m-1", 10_000)
    desk.tap()
    desk.sell("10")
    desk.tap()
    desk.keys("100", "topup", "cash")
    desk.commit()
    desk.keys("enter", "refund", "1", "enter", "refund", "enter")
    desk.commit()
    desk.keys("enter", "report", "100", "enter")
    desk.commit()
    heads = ["Z 报告 交班 Z report", "退货单 Refund receipt", "储值充值单 Top-up receipt", "销售小票 Receipt"]
    desk.keys("enter")
    for number, head in enumerate(heads, 1):
        desk.keys("reprint")
        glass = compose(desk.state, ONLINE).text
        assert "补打哪一张？" in glass and any("000004" in row for row in glass)
        assert head in paper_text(desk.keys(str(number)))
        assert desk.state.scene == Selling()
    assert heads[0] in paper_text(desk.keys("reprint", "reprint"))
    desk.keys("reprint", "7")
    assert desk.refused == "key_not_now"
    desk.keys("clear")
    assert desk.state.scene == Selling()


def test_a_value_slip_is_not_printed_again_once_the_till_has_gone_on(desk: Desk) -> None:
    desk.book.lend("m-1", 10_000)
    desk.book.others[replace(ADDRESS, terminal="t02"), 1] = desk.book.own.public
    desk.tap()
    desk.keys("50", "slip", "1")
    desk.commit()
    desk.keys("enter", "reprint")
    assert desk.refused == "nothing_to_reprint"


def test_there_is_nothing_to_reprint_before_the_first_sale(desk: Desk) -> None:
    desk.keys("reprint")
    assert desk.refused == "nothing_to_reprint"


def test_a_basket_in_the_making_is_not_interrupted_by_a_reprint(desk: Desk) -> None:
    desk.sell()
    desk.keys("5", "reprint")
    assert desk.refused == "key_not_now"


def test_a_reprint_after_the_pack_changed_still_shows_what_each_rule_did(desk: Desk) -> None:
    desk.tap()
    desk.sell()
    desk.book.active = pack(2, NOTHING_OFF)
    desk.keys("enter")
    rows = paper_text(desk.keys("reprint", "enter"))
    assert {"gold-10 | -26.80", "save-20 | -20.00", "points-1 | +221"} <= set(rows)


@pytest.fixture
def after_a_cut(desk: Desk) -> Desk:
    """A till that was killed twice between a commit and its paper, and has started again."""
    desk.tap()
    desk.sell()
    desk.keys("enter")
    desk.sell("5")
    restarted = Desk(book=desk.book)
    restarted.tell(Started())
    return restarted


def test_after_a_cut_the_till_says_what_was_committed_and_offers_the_receipt(after_a_cut: Desk) -> None:
    scene = after_a_cut.state.scene
    assert isinstance(scene, Recovered)
    assert [done.amount_minor for done in scene.owed] == [22_120, 500]
    assert sounds(after_a_cut.effects) == [SoundName.ATTENTION]
    effects = after_a_cut.keys("reprint")
    assert paper_text(effects)[0] == "补打 REPRINT"
    after_a_cut.keys("reprint")
    assert after_a_cut.refused == "key_not_now"
    after_a_cut.tell(ReceiptPrinted(1, 1))
    scene = after_a_cut.state.scene
    assert isinstance(scene, Recovered)
    assert [sold.entry.header.seq for sold in scene.owed] == [2]
    assert waived(after_a_cut.keys("cancel")) == [2]
    assert after_a_cut.state.scene == SignIn()


def test_a_paper_that_does_not_come_out_is_offered_again(after_a_cut: Desk) -> None:
    after_a_cut.keys("reprint")
    after_a_cut.tell(ReceiptWaiting(99, "gone", 1), ReceiptWaiting(1, "gone", 2))
    after_a_cut.tell(ReceiptWaiting(1, "paper_out", 1))
    scene = after_a_cut.state.scene
    assert isinstance(scene, Recovered)
    assert (scene.receipt, scene.problem, len(scene.owed)) == (ReceiptState.OWED, "paper_out", 2)


def test_a_cashier_may_key_the_number_while_the_last_owed_paper_comes_out(after_a_cut: Desk) -> None:
    after_a_cut.keys("reprint", "1")
    assert after_a_cut.refused == "key_not_now"
    after_a_cut.keys("cancel", "reprint", "1")
    assert after_a_cut.state.scene == SignIn("1")


def test_all_owed_receipts_can_be_skipped_at_once(after_a_cut: Desk) -> None:
    assert waived(after_a_cut.keys("clear")) == [1, 2]
    assert after_a_cut.state.scene == SignIn()


def test_nothing_is_sold_while_receipts_are_offered(after_a_cut: Desk) -> None:
    after_a_cut.tap()
    assert after_a_cut.refused == "not_signed_in"
    after_a_cut.keys("cash")
    assert after_a_cut.refused == "key_not_now"


def test_a_till_that_owes_nothing_asks_for_a_cashier() -> None:
    desk = Desk()
    assert desk.tell(Started()) == ()
    assert desk.state.scene == SignIn()


def test_starting_is_for_a_till_that_has_done_nothing_yet(desk: Desk) -> None:
    desk.sell()
    before = desk.state
    desk.tell(Started())
    assert desk.state == before


def test_a_member_who_left_the_cache_is_not_named(desk: Desk) -> None:
    desk.tap()
    desk.sell()
    desk.book.cards.clear()
    desk.keys("enter")
    assert "会员 Member | 金卡" in paper_text(desk.keys("reprint", "1"))


def test_masks_show_the_ends_only() -> None:
    assert [mask_name(name) for name in ("", "王", "会员", "会员一", "Member 1")] == [
        "", "王", "会*", "会*一", "M***1",
    ]  # fmt: skip
    assert mask_phone(GOLD_PHONE) == "138****0001"
    assert (mask_last4("0001"), mask_last4(None)) == ("****0001", "")


def test_an_entry_that_cannot_be_read_is_not_offered() -> None:
    book = MemoryBook()
    desk = Desk(book=book).sign_in()
    desk.sell()
    entry = book.owed[0]
    book.owed[:] = [type(entry)(entry.header, b"\xff", entry.sealed, entry.digest)]
    again = Desk(book=book)
    again.tell(Started())
    assert again.state.scene == SignIn()
