"""Whatever comes over the counter gets its refusal, nothing is lost, and the till is ready for the next customer."""

from dataclasses import replace

import pytest

from agent.txn.effects import SoundName
from agent.txn.events import CardFailed, CardRead, CodeFailed, Event
from agent.txn.keying import MOST_CHARS
from agent.txn.sale import MOST_LINES
from agent.txn.state import Selling
from contract.journal import MAX_ENTRY_BYTES
from contract.refusals import TEXTS, RefusalCode
from contract.trade import MAX_EFFECTS, Assurance, Medium, SaleBody
from simulator.ndef import external_message, text_message, uri_message
from tests.txn.desk import (
    GOLD_PHONE,
    GOLD_UID,
    OPEN_ITEM,
    PENDANT,
    SILVER,
    SILVER_UID,
    Desk,
    pack,
    promising,
    sounds,
)
from tests.txn.purse import new_signer

HALF_FULL = MAX_ENTRY_BYTES // 2


@pytest.fixture
def desk() -> Desk:
    """A signed-in till with a line in its basket, which no refusal may lose."""
    desk = Desk().sign_in()
    desk.keys("100", "enter")
    return desk


def still_sells(desk: Desk, code: str) -> None:
    """The refusal is shown with its sound, the basket is whole, and the sale goes through."""
    assert desk.refused == code
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    assert [line.unit_price_minor for line in desk.state.scene.basket.lines] == [10_000]
    assert sounds(desk.effects)[-1] is SoundName.REFUSED
    desk.keys("cancel") if desk.state.scene.keyed or desk.state.scene.phone_entry else None
    desk.keys("cash")
    desk.commit()
    assert len(desk.book.journal) == 1


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (CardFailed("unsupported"), "card_unsupported"),
        (CardFailed("unreadable"), "card_unreadable"),
        (CardFailed("removed"), "card_removed"),
        (CardFailed("on fire"), "card_unreadable"),
        (CodeFailed("too_long"), "code_too_long"),
        (CodeFailed("garbled"), "code_garbled"),
    ],
)
def test_a_reader_s_trouble_is_refused(desk: Desk, event: Event, code: str) -> None:
    desk.tell(event)
    still_sells(desk, code)


def test_an_unknown_card_is_refused_without_its_number(desk: Desk) -> None:
    desk.tap(bytes.fromhex("11223344556677"))
    assert desk.state.refusal is not None and "11223344" not in desk.state.refusal.detail
    still_sells(desk, "card_unknown")


def test_a_phone_s_number_made_up_anew_each_time_names_nobody(desk: Desk) -> None:
    desk.tell(CardRead("iso14443_4", SILVER_UID))
    still_sells(desk, "card_unsupported")


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("A" * 4_000, "code_too_long"),
        ("1" * 1_025, "code_too_long"),
        (b"\xff\xfe\x00", "code_unknown"),
        ("", "code_unknown"),
        ("hello", "code_unknown"),
        ("https://example.com/", "code_unknown"),
        ("1234567", "code_unknown"),
        ("6900000000000", "code_unknown"),
        ("١٢٣٤٥٦٧٨", "code_unknown"),
        ("TLC1:", "credential_forged"),
        ("TLC1:nonsense!", "code_garbled"),
        ("1380000000A", "phone_malformed"),
        ("13899999999", "phone_unknown"),
    ],
)
def test_a_code_that_means_nothing_here_is_refused(desk: Desk, code: str | bytes, refusal: str) -> None:
    desk.scan(code)
    still_sells(desk, refusal)


def test_a_phone_number_with_a_letter_is_refused(desk: Desk) -> None:
    desk.keys("member", "138", "A")
    still_sells(desk, "phone_malformed")


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("138", "phone_malformed"),
        ("23800000001", "phone_malformed"),
        ("138000000012", "phone_malformed"),
        ("13899999999", "phone_unknown"),
        ("138.", "phone_malformed"),
    ],
)
def test_a_phone_number_that_is_none_is_refused(desk: Desk, typed: str, refusal: str) -> None:
    desk.keys("member", typed)
    if not desk.refused:
        desk.keys("enter")
    still_sells(desk, refusal)


def test_last_four_digits_of_several_members_ask_for_the_whole_number(desk: Desk) -> None:
    desk.keys("member", "9999", "enter")
    assert desk.refused == "phone_unknown"
    desk.book.phones["13900000001"] = replace(SILVER, phone_last4="0001")
    desk.keys("0001", "enter")
    still_sells(desk, "phone_several")


def test_an_unknown_phone_number_is_named_masked_only(desk: Desk) -> None:
    desk.keys("member", "13899997777", "enter")
    assert desk.state.refusal is not None and desk.state.refusal.detail == "138****7777"
    assert "13899997777" not in repr(desk.state)


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("0", "amount_zero"),
        ("0.00", "amount_zero"),
        ("0000000", "amount_zero"),
        ("1000000", "amount_too_large"),
        ("9" * 99, "amount_too_large"),
        ("999999.99", "amount_too_large"),
        ("1.2.", "amount_malformed"),
        ("1.234", "amount_malformed"),
    ],
)
def test_an_amount_that_cannot_be_is_refused(desk: Desk, typed: str, refusal: str) -> None:
    desk.keys(typed)
    if not desk.refused:
        desk.keys("enter")
    still_sells(desk, refusal)


def test_an_amount_of_99_digits_never_grows_the_state(desk: Desk) -> None:
    for _digit in range(99):
        desk.keys("9", "00")
        assert isinstance(desk.state.scene, Selling) and len(desk.state.scene.keyed) <= MOST_CHARS
    desk.keys("enter")
    still_sells(desk, "amount_too_large")


@pytest.mark.parametrize("typed", ["268.", "0268", "268.0", "268"])
def test_an_amount_may_be_written_short(typed: str) -> None:
    desk = Desk().sign_in()
    desk.keys(typed, "enter", "cash")
    desk.commit()
    assert desk.book.sold.payable_minor == 24_800


def test_a_key_this_till_does_not_have_does_nothing(desk: Desk) -> None:
    desk.keys("F13")
    still_sells(desk, "key_not_now")


def test_enter_and_cash_on_nothing_are_refused() -> None:
    desk = Desk().sign_in()
    for key, code in [("enter", "basket_empty"), ("cash", "basket_empty"), ("clear", "key_not_now")]:
        desk.keys(key)
        assert desk.refused == code


def test_cash_is_not_taken_while_something_is_keyed(desk: Desk) -> None:
    desk.keys("5", "cash")
    still_sells(desk, "key_not_now")


def test_an_article_that_costs_nothing_is_no_sale_by_itself_but_goes_with_one(desk: Desk) -> None:
    desk.scan("69012345")
    assert desk.refused == ""
    alone = Desk().sign_in()
    alone.scan("69012345")
    assert alone.refused == "amount_zero"


def test_before_rules_or_catalogue_have_arrived_nothing_can_be_sold() -> None:
    desk = Desk().sign_in()
    desk.book.active = None
    desk.tap()
    assert desk.refused == "no_pack"
    desk.keys("5", "enter")
    assert desk.refused == "no_pack"
    desk.scan("6901234567892")
    assert desk.refused == "no_pack"
    desk.book.active = pack(1)
    desk.book.open_article = None
    desk.keys("5", "enter")
    assert desk.refused == "no_catalogue"


def test_a_pack_in_another_currency_than_the_catalogue_prices_nothing() -> None:
    desk = Desk().sign_in()
    desk.book.money = "JPY"
    desk.keys("5", "enter")
    assert desk.refused == "no_pack"


def filled(desk: Desk, *keys: str) -> Selling:
    """The till after more lines than any entry holds, and the sale of those that it took."""
    while desk.refused != "basket_full":
        desk.keys(*keys)
    scene = desk.state.scene
    assert isinstance(scene, Selling) and scene.basket is not None
    desk.keys("cash")
    entry = desk.commit_entry()
    assert HALF_FULL < len(entry.sealed) < MAX_ENTRY_BYTES
    return scene


def test_a_basket_is_full_before_its_entry_would_be() -> None:
    desk = Desk().sign_in()
    desk.book.open_article = replace(OPEN_ITEM, name="商" * 40)
    scene = filled(desk, "1", "enter")
    assert scene.basket is not None and len(scene.basket.lines) > 50


def test_a_sale_has_at_most_three_hundred_lines_and_ordinary_ones_always_fit() -> None:
    off = [{"percent": {"rate_bp": 1000, "scope": "line"}}, {"percent": {"rate_bp": 300, "scope": "line"}}]
    desk = Desk().sign_in()
    desk.book.active = pack(3, promising({"rule": "member-day", "lane": "line", "then": off}))
    desk.tap()
    for number in range(MOST_LINES):
        code = f"69{number:011}"
        desk.book.items[code] = replace(
            PENDANT, sku=code, name="足金吊坠项链", price_minor=19_900 + number, barcode=code
        )
        desk.scan(code)
        assert desk.refused == ""
    desk.scan("69012345")
    assert desk.refused == "basket_full"
    full = RefusalCode.BASKET_FULL
    assert all(str(MOST_LINES) in words for words in (TEXTS[full].cause_zh, TEXTS[full].cause_en))
    desk.keys("cash")
    body = desk.commit_entry().body()
    assert isinstance(body, SaleBody) and len(body.names) == MOST_LINES


def test_a_basket_whose_effects_would_not_fit_an_entry_is_full_too() -> None:
    percent = {"lane": "line", "then": [{"percent": {"rate_bp": 100, "scope": "line"}}]}
    desk = Desk().sign_in()
    desk.book.active = pack(3, promising(*({**percent, "rule": f"r{number}"} for number in range(60))))
    filled(desk, "9000", "enter")


def test_a_basket_is_full_before_the_engine_would_leave_a_rule_out() -> None:
    percent = {"lane": "line", "then": [{"percent": {"rate_bp": 1, "scope": "line"}}] * 8}
    rules = [{**percent, "rule": f"r{number:02}"} for number in range(MAX_EFFECTS // 8 + 1)]
    desk = Desk().sign_in()
    desk.book.active = pack(3, promising(*rules[1:]))
    desk.keys("999999", "enter")
    assert desk.refused == ""
    desk.keys("cancel")
    desk.commit()
    desk.book.active = pack(4, promising(*rules))
    desk.keys("999999", "enter")
    assert desk.refused == "basket_full"


def test_a_member_code_is_believed_by_its_signature_alone(desk: Desk) -> None:
    desk.scan(desk.credential())
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    buyer = desk.state.scene.basket.buyer
    assert buyer is not None and buyer.points is None
    assert (buyer.ref.member, buyer.customer.tier) == ("m-9", "gold")
    assert (buyer.ref.medium, buyer.ref.assurance) == (Medium.QR, Assurance.SIGNED)


def test_the_cached_member_is_the_newer_word_on_the_tier(desk: Desk) -> None:
    desk.scan(desk.credential(member="m-2"))
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    buyer = desk.state.scene.basket.buyer
    assert buyer is not None and (buyer.customer.tier, buyer.name_masked) == ("silver", "会*二")


def test_a_member_code_of_another_signer_is_refused(desk: Desk) -> None:
    desk.scan(desk.credential(signer=new_signer()))
    still_sells(desk, "credential_forged")


def test_a_member_code_of_another_merchant_is_called_that(desk: Desk) -> None:
    desk.scan(desk.credential(signer=new_signer(), tenant="other"))
    still_sells(desk, "credential_foreign")


def test_a_member_code_of_another_tenant_of_the_same_head_office_is_refused(desk: Desk) -> None:
    desk.scan(desk.credential(tenant="other"))
    still_sells(desk, "credential_foreign")


def test_a_member_code_is_good_until_its_last_day(desk: Desk) -> None:
    desk.scan(desk.credential(days=0))
    assert desk.refused == ""
    desk.scan(desk.credential(days=-1))
    still_sells(desk, "credential_expired")


def test_a_member_code_with_one_character_changed_is_refused(desk: Desk) -> None:
    text = desk.credential()
    at = len(text) // 2
    desk.scan(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])
    assert desk.refused in ("credential_forged", "code_garbled")


def test_a_credential_on_a_card_counts_more_than_the_card_s_number(desk: Desk) -> None:
    desk.tap(GOLD_UID, text_message(desk.credential()))
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    buyer = desk.state.scene.basket.buyer
    assert buyer is not None
    assert (buyer.ref.member, buyer.ref.medium, buyer.ref.assurance) == ("m-9", Medium.CARD, Assurance.SIGNED)


def test_a_credential_written_for_one_card_is_good_on_no_other_and_in_no_code(desk: Desk) -> None:
    told = desk.credential(card=GOLD_UID)
    desk.tap(SILVER_UID, text_message(told))
    assert desk.refused == "credential_copied"
    desk.scan(told)
    still_sells(desk, "credential_copied")
    desk.tap(GOLD_UID, text_message(told))
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    buyer = desk.state.scene.basket.buyer
    assert buyer is not None
    assert (buyer.ref.member, buyer.ref.assurance) == ("m-9", Assurance.SIGNED)


def test_a_forged_credential_on_a_card_is_not_passed_over(desk: Desk) -> None:
    desk.tap(GOLD_UID, text_message(desk.credential(signer=new_signer())))
    still_sells(desk, "credential_forged")
    desk.tap(GOLD_UID, external_message("example.com:c", b"\xd2junk"))
    assert desk.refused == "credential_forged"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xd1",
        b"\xff\xff\xff\xff\xff",
        uri_message("https://example.com"),
        text_message("hello"),
        text_message(GOLD_PHONE)[:-3],
    ],
)
def test_other_content_on_a_card_is_left_aside(desk: Desk, content: bytes) -> None:
    desk.tap(GOLD_UID, content)
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    buyer = desk.state.scene.basket.buyer
    assert buyer is not None and buyer.ref.assurance is Assurance.CLAIMED
