"""What the glass says in each situation, in Chinese and in English."""

from dataclasses import replace

import pytest

from agent.txn.state import Lang, Notice, Selling
from agent.ui_tft.view import DeviceNote, compose
from agent.ui_tft.widths import wrapped
from agent.ui_tft.words import Say, age_words, device_words, kind_words, problem_words
from contract.money import format_minor
from contract.refusals import TEXTS, RefusalCode
from tests.txn.desk import PIN
from tests.ui_tft.gallery import ALL_TROUBLE, LONG_NOTICE, NOTICED, OFFLINE, ONLINE, SCENES, noticed, played, refused

ZH, EN = Lang.ZH, Lang.EN


def text(name: str, lang: Lang = ZH) -> str:
    """A screen's words, its rows parted by bars."""
    return " | ".join(compose(*played(name, lang)).text)


def test_the_basket_says_list_price_every_rule_with_its_reason_payable_and_points() -> None:
    words = text("basket")
    for said in (
        "原价  268.00",
        "金卡9折",
        "268.00 打9折",
        "-26.80",
        "满200减20",
        "-20.00",
        "¥221.20",
        "可得 221 积分",
    ):
        assert said in words
    words = text("basket", EN)
    for said in ("List  268.00", "Gold 10 % off", "-26.80", "Save 20 at 200", "¥221.20", "earns 221 points", "Gold"):
        assert said in words


def test_a_member_is_shown_with_tier_masked_name_and_masked_number() -> None:
    assert "138****0001" in text("basket-phone")
    assert "13800000001" not in text("basket-phone").replace(" ", "")
    assert "会*一" in text("basket-phone") and "会员一" not in text("basket-phone")
    assert "会员码已验证" in text("basket-large")


def test_points_are_not_promised_to_nobody() -> None:
    assert "积分" not in text("basket-no-member")


def test_a_pin_is_dots() -> None:
    for lang in Lang:
        words = text("sign-in-pin", lang)
        assert "●●●" in words and "1001" in words
        assert PIN[:3] not in words


def test_ready_says_so_and_what_to_do() -> None:
    assert "就绪" in text("ready") and "请刷会员卡" in text("ready")
    assert "Ready" in text("ready", EN) and "Tap a member card" in text("ready", EN)


def test_without_rules_the_till_says_what_it_waits_for() -> None:
    assert "等待总部下发规则" in text("ready-no-rules")
    assert "会员资料" in text("ready-no-rules")
    assert "members" in text("sign-in-no-rules", EN)
    assert "请保持网络连接" in text("ready-no-rules-waiting")


def test_the_offline_bar_shows_count_and_age_on_every_screen() -> None:
    for name in SCENES:
        state, _ = played(name, ZH)
        assert compose(state, OFFLINE).text[0].startswith("离线 · 2 笔待传 · 最早 3 分钟")
    state, _ = played("basket", EN)
    assert compose(state, OFFLINE).text[0].startswith("Offline · 2 to send · oldest 3 min")


def test_online_with_entries_still_to_send_says_how_many() -> None:
    state, _ = played("ready", ZH)
    assert compose(state, replace(ONLINE, backlog=7)).text[0].startswith("在线 · 7 笔待传")
    assert compose(state, replace(OFFLINE, backlog=0)).text[0].startswith("离线")


@pytest.mark.parametrize("code", RefusalCode)
@pytest.mark.parametrize("lang", Lang)
def test_every_refusal_shows_its_cause_and_the_next_step_whole(code: RefusalCode, lang: Lang) -> None:
    rows = compose(*refused(code, lang)).text
    said = TEXTS[code]
    assert (said.cause_zh if lang is ZH else said.cause_en) in rows
    assert (said.next_zh if lang is ZH else said.next_en) in rows


@pytest.mark.parametrize("notice", Notice)
@pytest.mark.parametrize("lang", Lang)
def test_every_notice_is_said(notice: Notice, lang: Lang) -> None:
    words = Say[notice.name].say(lang)
    assert words in compose(*noticed(notice, lang)).text


def test_a_refusal_hides_nothing_of_the_basket() -> None:
    words = text("basket-refused")
    for said in ("¥221.20", "-26.80", "-20.00", "+221", "本机没有这张会员卡", "打印机缺纸"):
        assert said in words


def test_a_device_in_trouble_is_said_with_what_to_do() -> None:
    assert "打印机缺纸  请装纸" in text("ready-no-paper")
    assert "Printer out of paper  load paper" in text("ready-no-paper", EN)
    rows = compose(played("ready", ZH)[0], ALL_TROUBLE).text
    assert any("读卡器异常退出" in row and "+2" in row for row in rows)


def test_devices_that_work_are_not_mentioned() -> None:
    quiet = replace(ONLINE, devices=(DeviceNote("card", "ready", ""), DeviceNote("code", "ready", "")))
    state, _ = played("ready", ZH)
    assert compose(state, quiet) == compose(state, ONLINE)
    low = replace(
        ONLINE, devices=(DeviceNote("printer", "ready", "paper_low"), DeviceNote("card", "gone", "unplugged"))
    )
    assert "读卡器已断开" in " ".join(compose(state, low).text)


def test_paid_says_amount_change_points_and_how_the_paper_is() -> None:
    words = text("paid")
    for said in ("收款完成", "¥221.20", "找零 0.00", "+221 积分", "小票打印中", "S01.T01-1-000001"):
        assert said in words
    assert "小票已打印" in text("paid-printed")
    assert "小票等待打印机恢复" in text("paid-held") and "打印机缺纸" in text("paid-held")
    assert "小票未打出：缺纸" in text("paid-waiting") and "补打" in text("paid-waiting")
    assert "积分" not in text("paid-no-member")


def test_of_a_printer_that_never_answers_the_glass_says_only_that_the_receipt_was_sent() -> None:
    mute = replace(ONLINE, devices=(DeviceNote("printer", "ready", "unconfirmed"),))
    rows = " ".join(compose(played("paid-printed", ZH)[0], mute).text)
    assert "小票已发送，未确认" in rows and "小票已打印" not in rows
    state, _ = played("ready", ZH)
    assert compose(state, mute) == compose(state, ONLINE)


def test_a_restart_says_what_was_committed_and_offers_the_receipt() -> None:
    words = text("recovered")
    for said in ("这一笔已经记账", "¥221.20", "S01.T01-1-000001", "补打", "跳过", "之后还有 1 张"):
        assert said in words
    assert "小票打印中" in text("recovered-printing")
    assert "缺纸" in text("recovered-waiting")


def test_what_is_keyed_is_shown_and_what_enter_will_do() -> None:
    assert "268.00" in text("amount") and "加入" in text("amount")
    assert "138 0000 0001" in text("phone-straight") and "查会员" in text("phone-straight")
    assert "已输入 7 / 11 位" in text("phone")
    assert "应付 ¥90.00" in text("amount-in-basket")


def test_rules_without_room_are_counted_and_summed_never_left_unsaid() -> None:
    words = text("basket-crowded")
    assert "另有 7 项" in words
    assert "¥305677.51" in words


def test_the_nearest_offer_is_told_above_what_is_to_pay() -> None:
    assert "再消费 12.50 元可减 20  满200减20" in text("basket-offer")
    assert "Spend 12.50 more to save 20  Save 20 at 200" in text("basket-offer", EN)
    assert "再消费 799999.97 元可减 345678.90" in text("basket-offer-large")
    assert "10元代金券" in text("basket-rich-coupon-next") and "10 off × 1" in text("basket-rich-coupon-next", EN)


def test_an_offer_takes_no_rule_and_no_reason_off_the_glass() -> None:
    for lang in Lang:
        for name in ("basket-offer-member", "basket-rich-gift-next", "basket-rich-coupon-next"):
            state, _status = played(name, lang)
            assert isinstance(state.scene, Selling) and state.scene.basket is not None
            words = text(name, lang)
            for one in state.scene.basket.explanations:
                assert (one.title if lang is ZH else one.title_en) in words and one.change in words
                assert (one.reason if lang is ZH else one.reason_en) in words
            assert f"¥{format_minor(state.scene.basket.priced.payable_minor)}" in words
    assert "再消费" not in text("basket-rich") and "抹零" in text("basket-rich")
    assert "再消费" not in text("basket-crowded-quiet")


def test_an_offer_is_told_only_beside_an_open_basket() -> None:
    state, status = played("basket-offer", ZH)
    assert isinstance(state.scene, Selling) and state.scene.basket is not None
    keyed = replace(state, scene=replace(state.scene, keyed="5"))
    assert "再消费" not in " ".join(compose(keyed, status).text)
    assert "再消费" not in text("paid-rich") and "再消费" not in text("committing")


def test_a_gift_a_coupon_and_the_rounded_total_are_told_like_money_off() -> None:
    words = text("basket-rich")
    for said in ("满200送礼品袋", "赠品 GIFT-BAG × 1", "送券 10元代金券，30 天有效", "×1", "应付取整到 1.00", "-0.95"):
        assert said in words
    words = text("basket-rich", EN)
    for said in ("gift: GIFT-BAG × 1", "coupon: 10 off, valid 30 days", "total rounded to 1.00", "-0.95"):
        assert said in words


def test_nothing_is_said_twice_while_a_commit_is_outstanding() -> None:
    assert "正在记账" in text("committing") and "正在取消" in text("cancelling")
    assert "收款完成" not in text("committing")


def test_equal_states_give_equal_screens() -> None:
    assert compose(*played("basket", ZH)) == compose(*played("basket", ZH))


def test_words_for_what_no_table_lists() -> None:
    assert device_words("scales", "gone", "flooded", ZH) == ("scales已断开", "请检查接线和电源")
    assert device_words("card", "odd", "", EN) == ("Card reader in trouble", "call a technician")
    assert problem_words("flooded", EN) == "in trouble"
    assert kind_words("leases", ZH) == "leases"
    assert [age_words(age, EN) for age in (-1, 5, 61, 3_600, 200_000)] == ["0 s", "5 s", "1 min", "1 h", "2 d"]


def test_what_head_office_wants_to_be_read_stands_whole_on_the_screen_that_waits() -> None:
    for name, status in (("ready-notice", NOTICED), ("ready-notice-long", LONG_NOTICE)):
        for lang, words in zip((ZH, EN), status.notice, strict=True):
            assert words.replace(" ", "") in "".join(compose(*played(name, lang)).text).replace(" ", "")
    assert "请刷会员卡" in text("ready-notice") and "Tap a member card" in text("ready-notice", EN)


def test_lines_break_between_words_and_before_no_mark_that_closes() -> None:
    assert wrapped("Open until 22:00 today", 16, 90) == ["Open until", "22:00 today"]
    assert wrapped("请顾客签字。谢谢", 20, 100) == ["请顾客签", "字。谢谢"]
    assert wrapped("a" * 30, 16, 100) == ["a" * 11, "a" * 11, "a" * 8]
    assert wrapped("", 16, 100) == []
