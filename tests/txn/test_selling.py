"""A sale as a conversation: what is keyed, tapped and scanned, and what must follow."""

import pytest

from agent.txn.book import Book
from agent.txn.effects import Commit, OpenDrawer, Print, Sound, SoundName
from agent.txn.events import Committed, PackChanged, ReceiptPrinted, ReceiptWaiting, Tick
from agent.txn.state import Committing, Notice, Paid, ReceiptState, Selling, SignIn, SoldSale
from contract.bodies import CancelBody, EntryKind
from contract.trade import Assurance, Medium, SaleBody
from tests.txn.desk import (
    GOLD_PHONE,
    NOTHING_OFF,
    PENDANT,
    SILVER_UID,
    Desk,
    MemoryBook,
    commits,
    pack,
    paper_text,
    prints,
    sounds,
)


@pytest.fixture
def desk() -> Desk:
    return Desk().sign_in()


def basket(desk: Desk) -> Selling:
    assert isinstance(desk.state.scene, Selling)
    return desk.state.scene


def paid(desk: Desk) -> Paid:
    assert isinstance(desk.state.scene, Paid)
    return desk.state.scene


def sold(desk: Desk) -> SaleBody:
    """The sale that the glass shows as paid."""
    done = paid(desk).sold
    assert isinstance(done, SoldSale)
    return done.sale


def test_the_book_of_these_tests_is_a_book() -> None:
    book: Book = MemoryBook()
    assert book.currency() == "CNY"


def test_a_gold_card_and_268_come_to_221_20_and_221_points(desk: Desk) -> None:
    desk.tap()
    desk.keys("268.00", "enter")
    open_basket = basket(desk).basket
    assert open_basket is not None
    assert open_basket.priced.payable_minor == 22_120
    assert [(e.title, e.reason, e.change) for e in open_basket.explanations] == [
        ("金卡9折", "268.00 打9折", "-26.80"),
        ("满200减20", "241.20 已满200.00，减20.00", "-20.00"),
        ("消费积分", "实付 221.20，每 1.00 得 1 分", "+221"),
    ]


def test_nothing_sounds_done_and_nothing_prints_before_the_journal_has_it(desk: Desk) -> None:
    desk.tap()
    desk.keys("268.00", "enter")
    effects = desk.keys("cash")
    assert [type(effect) for effect in effects] == [Commit]
    assert isinstance(desk.state.scene, Committing)
    after = desk.commit()
    assert [type(effect) for effect in after] == [Sound, OpenDrawer, Print]
    assert sounds(after) == [SoundName.SUCCESS]
    assert paid(desk).receipt is ReceiptState.PRINTING


def test_the_entry_says_who_what_how_much_and_balances(desk: Desk) -> None:
    desk.tap()
    (commit,) = desk.keys("268.00", "enter", "cash")
    assert isinstance(commit, Commit) and isinstance(commit.body, SaleBody)
    sale = commit.body
    assert (commit.kind, commit.owes_receipt, sale.cashier, sale.currency) == (EntryKind.SALE, True, "1001", "CNY")
    assert (sale.payable_minor, sale.points_earned, sale.pack.version) == (22_120, 221, 1)
    assert sale.member is not None
    assert (sale.member.medium, sale.member.assurance) == (Medium.CARD, Assurance.CLAIMED)
    assert sum(p.amount for p in sale.postings if p.unit == "CNY") == 0
    assert (sale.totals.sales, sale.totals.payable_minor) == (1, 22_120)
    assert desk.book.append(commit).body() == sale


def test_without_a_member_no_points_are_earned(desk: Desk) -> None:
    (commit,) = desk.keys("268.00", "enter", "cash")
    assert isinstance(commit, Commit) and isinstance(commit.body, SaleBody)
    assert (commit.body.payable_minor, commit.body.points_earned, commit.body.member) == (24_800, 0, None)
    assert {posting.unit for posting in commit.body.postings} == {"CNY"}


def test_while_a_commit_is_outstanding_everything_is_politely_refused(desk: Desk) -> None:
    desk.keys("10", "enter", "cash")
    before = desk.state.scene
    for key in ("cash", "5", "cancel", ""):
        assert commits(desk.keys(key) if key else desk.tap()) == []
        assert (desk.state.scene, desk.refused) == (before, "key_not_now")
    desk.commit()
    assert sold(desk).payable_minor == 1_000
    assert desk.refused == ""


def test_a_failed_commit_gives_the_basket_back_and_the_next_try_is_the_same_transaction(desk: Desk) -> None:
    desk.tap()
    (first,) = desk.keys("268", "enter", "cash")
    effects = desk.fail_commit("full")
    assert (desk.refused, sounds(effects), prints(effects)) == ("store_failed", [SoundName.REFUSED], [])
    open_basket = basket(desk).basket
    assert open_basket is not None and len(open_basket.lines) == 1
    (second,) = desk.keys("cash")
    assert isinstance(first, Commit) and isinstance(second, Commit)
    assert first.transaction == second.transaction


def test_a_sale_that_was_booked_although_the_store_complained_is_shown_as_it_was_booked(desk: Desk) -> None:
    (commit,) = desk.keys("100", "enter", "cash")
    assert isinstance(commit, Commit)
    desk.book.append(commit)
    desk.fail_commit("io")
    desk.keys("50", "enter", "cash")
    effects = desk.commit()
    assert sold(desk).payable_minor == 10_000
    assert desk.state.notice is Notice.ALREADY_BOOKED
    assert paper_text(effects)[0] == "补打 REPRINT"


def test_the_word_about_another_transaction_changes_nothing(desk: Desk) -> None:
    desk.sell("5")
    old = desk.book.journal[0]
    desk.keys("6", "enter", "cash")
    assert desk.tell(Committed(old)) == ()
    assert isinstance(desk.state.scene, Committing)
    desk.commit()
    assert desk.tell(Committed(old)) == ()


def test_the_next_tap_begins_the_next_basket_at_once(desk: Desk) -> None:
    desk.sell()
    desk.tap()
    open_basket = basket(desk).basket
    assert open_basket is not None and open_basket.buyer is not None and open_basket.lines == ()
    desk.keys("1.5", "enter")
    desk.keys("cash")
    desk.commit()
    desk.keys("9")
    assert basket(desk).keyed == "9"


def test_cash_pressed_twice_sells_once(desk: Desk) -> None:
    desk.sell()
    assert commits(desk.keys("cash")) == []
    assert desk.refused == "key_not_now"
    assert len(desk.book.journal) == 1


def test_the_receipt_on_the_glass_follows_the_printer(desk: Desk) -> None:
    desk.sell()
    desk.tell(ReceiptWaiting(1, "paper_out", 1), ReceiptPrinted(99, 1), ReceiptPrinted(1, 2))
    assert (paid(desk).receipt, paid(desk).problem) == (ReceiptState.WAITING, "paper_out")
    again = desk.keys("reprint")
    assert paper_text(again)[0] == paper_text(again)[-1] == "补打 REPRINT"
    desk.tell(ReceiptPrinted(1, 1))
    assert (paid(desk).receipt, paid(desk).problem) == (ReceiptState.PRINTED, "")


def test_the_same_member_again_is_harmless_and_another_replaces_visibly(desk: Desk) -> None:
    desk.tap()
    assert sounds(desk.tap()) == [SoundName.ATTENTION]
    notices = [desk.state.notice]
    effects = desk.tap(SILVER_UID)
    notices.append(desk.state.notice)
    open_basket = basket(desk).basket
    assert open_basket is not None and open_basket.buyer is not None
    assert open_basket.buyer.customer.tier == "silver"
    assert notices == [None, Notice.MEMBER_REPLACED]
    assert sounds(effects) == [SoundName.ATTENTION]


def test_a_member_tapped_last_prices_like_one_tapped_first(desk: Desk) -> None:
    desk.keys("268", "enter")
    desk.tap()
    open_basket = basket(desk).basket
    assert open_basket is not None and open_basket.priced.payable_minor == 22_120


def test_a_pack_that_changes_inside_a_basket_prices_the_next_one(desk: Desk) -> None:
    desk.tap()
    desk.keys("100", "enter")
    desk.book.active = pack(2, NOTHING_OFF)
    desk.tell(PackChanged(2))
    desk.keys("168", "enter", "cash")
    desk.commit()
    assert (sold(desk).payable_minor, sold(desk).pack.version) == (22_120, 1)
    desk.tap()
    desk.keys("268", "enter", "cash")
    desk.commit()
    assert (sold(desk).payable_minor, sold(desk).pack.version) == (26_800, 2)


def test_a_basket_is_open_from_its_first_line_or_member_until_it_is_booked(desk: Desk) -> None:
    seen = [desk.basket_is_open()]
    desk.tap()
    seen.append(desk.basket_is_open())
    desk.keys("1", "enter", "cash")
    seen.append(desk.basket_is_open())
    desk.commit()
    seen.append(desk.basket_is_open())
    assert seen == [False, True, True, False]


def test_a_scanned_article_is_counted_up_and_taken_back_one_by_one(desk: Desk) -> None:
    desk.scan("6901234567892")
    desk.scan("6901234567892")
    open_basket = basket(desk).basket
    assert open_basket is not None
    assert [(line.item, line.quantity) for line in open_basket.lines] == [(PENDANT, 2)]
    desk.keys("clear")
    open_basket = basket(desk).basket
    assert open_basket is not None and open_basket.priced.payable_minor == 10_000
    desk.keys("clear")
    assert basket(desk).basket is None


def test_clear_takes_digits_before_it_takes_articles(desk: Desk) -> None:
    desk.keys("5", "enter", "12")
    desk.keys("clear")
    assert basket(desk).keyed == "1"
    desk.keys("clear", "clear")
    assert basket(desk).basket is None


def test_a_basket_given_up_leaves_a_cancel_entry_and_one_without_articles_leaves_nothing(desk: Desk) -> None:
    desk.tap()
    assert commits(desk.keys("cancel")) == []
    assert basket(desk).basket is None
    desk.keys("5", "enter", "7", "enter")
    (commit,) = commits(desk.keys("cancel"))
    assert commit.body == CancelBody("1001", 2, 1_200)
    assert not commit.owes_receipt
    effects = desk.commit()
    assert (sounds(effects), prints(effects)) == ([SoundName.ATTENTION], [])
    assert (basket(desk).basket, desk.state.notice) == (None, Notice.BASKET_CANCELLED)


def test_cancel_gives_up_what_is_being_keyed_before_the_basket(desk: Desk) -> None:
    desk.keys("5", "enter", "77")
    assert commits(desk.keys("cancel")) == []
    assert basket(desk).keyed == "" and basket(desk).basket is not None


def test_a_phone_number_is_the_card_by_the_member_key_or_straight_away(desk: Desk) -> None:
    for typed in (["member", GOLD_PHONE, "enter"], [GOLD_PHONE, "enter"]):
        desk.keys(*typed)
        open_basket = basket(desk).basket
        assert open_basket is not None and open_basket.buyer is not None
        assert open_basket.buyer.phone_masked == "138****0001"
        assert open_basket.buyer.ref.medium is Medium.PHONE
        assert (basket(desk).keyed, basket(desk).phone_entry) == ("", False)
        desk.keys("cancel")


def test_the_last_four_digits_after_the_member_key_are_enough_where_one_member_has_them(desk: Desk) -> None:
    desk.keys("member", "0001", "enter")
    open_basket = basket(desk).basket
    assert open_basket is not None and open_basket.buyer is not None
    assert (open_basket.buyer.ref.member, open_basket.buyer.ref.medium) == ("m-1", Medium.PHONE)
    assert (open_basket.buyer.phone_masked, basket(desk).phone_entry) == ("****0001", False)


def test_four_digits_without_the_member_key_are_an_amount(desk: Desk) -> None:
    desk.keys("2001", "enter")
    open_basket = basket(desk).basket
    assert open_basket is not None and open_basket.buyer is None and open_basket.lines


def test_a_card_tapped_while_a_phone_number_is_keyed_answers_the_question(desk: Desk) -> None:
    desk.keys("member", "138")
    desk.tap()
    assert (basket(desk).keyed, basket(desk).phone_entry) == ("", False)


def test_a_card_tapped_while_an_amount_is_keyed_leaves_the_amount(desk: Desk) -> None:
    desk.keys("268")
    desk.tap()
    desk.keys("enter")
    open_basket = basket(desk).basket
    assert open_basket is not None and open_basket.priced.payable_minor == 22_120


def test_language_changes_at_any_moment_and_nothing_else_does(desk: Desk) -> None:
    for keys in (["5", "enter"], ["cash"], []):
        desk.keys(*keys) if keys else desk.commit()
        before = desk.state
        desk.keys("lang")
        assert desk.state.lang != before.lang
        assert desk.state.scene == before.scene


def test_signing_out_waits_for_the_basket(desk: Desk) -> None:
    desk.keys("5", "enter", "signout")
    assert desk.refused == "key_not_now"
    desk.keys("cancel")
    desk.commit()
    desk.keys("signout")
    assert desk.state.scene == SignIn()
    assert desk.state.cashier is None


def test_signing_out_after_a_sale(desk: Desk) -> None:
    desk.sell()
    desk.keys("signout")
    assert desk.state.scene == SignIn()


def test_words_fade_and_a_paid_sale_leaves_the_glass_when_everybody_has_gone(desk: Desk) -> None:
    desk.sell()
    desk.tell(ReceiptPrinted(1, 1))
    desk.keys("cash")
    desk.book.elapsed_ms += 19_999
    desk.tell(Tick())
    assert desk.refused == "key_not_now"
    desk.book.elapsed_ms += 1
    desk.tell(Tick())
    assert desk.refused == ""
    assert paid(desk).receipt is ReceiptState.PRINTED
    desk.book.elapsed_ms += 60_000
    desk.tell(Tick())
    assert basket(desk) == Selling()


def test_new_rules_are_said_between_baskets(desk: Desk) -> None:
    desk.tell(PackChanged(2))
    assert desk.state.notice is Notice.RULES_CHANGED
