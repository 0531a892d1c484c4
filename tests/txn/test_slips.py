"""Value carried on paper: it leaves here when the paper is ordered, and one other till takes it, once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.paper import Qr
from agent.txn.events import Started
from agent.txn.state import Paid, Recovered, Selling, SlippedOut, SlipTaken, TillState
from contract.bodies import EntryKind, SlipInBody, SlipOutBody
from contract.ids import TerminalAddress
from contract.slips import Slip, seal_slip, slip_text
from contract.value import Account, Asset, Lease
from tests.txn.desk import (
    ADDRESS,
    DAY_ZERO_MS,
    GOLD_PHONE,
    NOTHING_OFF,
    Desk,
    MemoryBook,
    pack,
    paper_text,
    prints,
)
from tests.txn.purse import new_signer

THERE = TerminalAddress("acme", "s02", "t01")
LEASE = Lease(b"L" * 16, Account(Asset.STORED, "m-1"), 5_000, DAY_ZERO_MS + 1_000, 1_000, b"L" * 16, "s02")


def till(address: TerminalAddress) -> Desk:
    """A till without discounts."""
    return Desk(MemoryBook(active=pack(1, NOTHING_OFF), address=address)).sign_in()


@pytest.fixture
def here() -> Desk:
    """A till at which a gold member has 100.00 + 20.00 to spend."""
    desk = till(ADDRESS)
    desk.book.lend("m-1", 10_000, 2_000)
    return desk


@pytest.fixture
def there(here: Desk) -> Desk:
    """Another till; each knows the other's key."""
    desk = till(THERE)
    desk.book.others[ADDRESS, 1] = here.book.own.public
    here.book.others[THERE, 1] = desk.book.own.public
    return desk


def left(desk: Desk) -> int:
    """What is left of the member's stored value at a till."""
    return sum(held.amount + held.bonus_minor for held in desk.book.spendable(Account(Asset.STORED, "m-1")))


def let_out(desk: Desk, amount: str = "60") -> str:
    """Print a slip for the first other till; the text of its code."""
    desk.tap()
    desk.keys(amount, "slip", "1")
    (printed,) = prints(desk.commit())
    (code,) = (row.data for row in printed.paper.rows if isinstance(row, Qr))
    return code


def test_value_leaves_when_the_slip_is_printed_and_the_one_till_takes_it_once(here: Desk, there: Desk) -> None:
    code = let_out(here)
    assert left(here) == 6_000
    body = here.book.journal[-1].body()
    assert isinstance(body, SlipOutBody) and here.book.journal[-1].header.kind is EntryKind.SLIP_OUT
    assert isinstance(here.state.scene, Paid) and isinstance(here.state.scene.sold, SlippedOut)
    assert here.state.scene.sold.slip.value.lease == here.book.journal[-1].header.transaction
    there.scan(code)
    there.commit()
    assert there.state.notice == SlipTaken("会*一", 6_000, "CNY") and isinstance(
        there.book.journal[-1].body(), SlipInBody
    )
    assert (left(here), left(there)) == (6_000, 6_000)
    there.tap()
    there.keys("60", "enter", "stored")
    there.commit()
    assert left(there) == 0
    there.scan(code)
    assert there.refused == "slip_taken"
    here.scan(code)
    assert here.refused == "slip_not_ours"


def test_the_paper_says_how_much_and_for_which_till(here: Desk, there: Desk) -> None:
    here.tap()
    here.keys("60", "slip", "1")
    words = paper_text(here.commit())
    assert "储值转值单 Value slip" in words and "转出 Carried | CNY 60.00" in words and "收款机 To | S02.T01" in words


def test_a_slip_whose_paper_was_lost_is_offered_after_a_restart(here: Desk, there: Desk) -> None:
    code = let_out(here)
    here.state = TillState()
    here.tell(Started())
    assert isinstance(here.state.scene, Recovered)
    words = paper_text(here.keys("reprint"))
    assert words[0] == "补打 REPRINT" and code in words


def test_the_terminals_are_looked_through_page_by_page(here: Desk) -> None:
    for number in range(1, 9):
        here.book.others[TerminalAddress("acme", "s02", f"t{number:02d}"), 1] = new_signer().public
    here.tap()
    here.keys("60", "slip", "enter", "3")
    assert here.refused == "key_not_now"
    here.keys("enter", "enter", "2")
    here.commit()
    assert isinstance(here.state.scene, Paid) and isinstance(here.state.scene.sold, SlippedOut)
    assert here.state.scene.sold.slip.addressee.terminal == "t08"


@pytest.mark.parametrize(
    ("keys", "refusal"),
    [(("130", "slip"), "slip_too_much"), (("slip",), "key_not_now"), (("0", "slip"), "amount_zero")],
)
def test_the_key_says_why_it_cannot_be(here: Desk, there: Desk, keys: tuple[str, ...], refusal: str) -> None:
    here.tap()
    here.keys(*keys)
    assert here.refused == refusal and left(here) == 12_000


def test_without_another_till_a_member_or_value_there_is_no_slip(here: Desk) -> None:
    here.keys("60", "slip")
    assert here.refused == "member_needed"
    here.tap()
    here.keys("slip")
    assert here.refused == "slip_nobody"
    here.keys(GOLD_PHONE, "enter", "60", "slip")
    assert here.refused == "value_not_by_phone"


def test_a_slip_is_left_again_or_short_without_a_trace(here: Desk, there: Desk) -> None:
    here.tap()
    here.keys("60", "slip", "clear")
    assert isinstance(here.state.scene, Selling) and here.state.scene.basket is not None
    assert here.state.scene.basket.slip is None
    here.keys("60", "slip")
    here.book.leases.clear()
    here.keys("1")
    assert here.refused == "value_short" and here.book.journal == []


def slip(value: Lease = LEASE, giver: TerminalAddress = THERE, addressee: TerminalAddress = ADDRESS) -> Slip:
    """A slip made out by hand."""
    return Slip(1, giver, 1, addressee, value)


@pytest.mark.parametrize(
    ("told", "refusal"),
    [
        (slip(addressee=THERE), "slip_not_ours"),
        (slip(giver=ADDRESS), "slip_forged"),
        (slip(giver=TerminalAddress("other", "s02", "t01")), "slip_forged"),
        (slip(replace(LEASE, spend_until_ms=DAY_ZERO_MS - 1)), "slip_over"),
        (slip(replace(LEASE, account=Account(Asset.POINTS, "m-1"), bonus_minor=0)), "slip_over"),
    ],
)
def test_a_slip_for_another_from_nobody_or_too_late_is_refused(
    here: Desk, there: Desk, told: Slip, refusal: str
) -> None:
    here.scan(slip_text(seal_slip(there.book.own, told)))
    assert here.refused == refusal and left(here) == 12_000


def test_a_slip_the_other_till_did_not_sign_is_refused(here: Desk, there: Desk) -> None:
    here.scan(slip_text(seal_slip(new_signer(), slip())))
    assert here.refused == "slip_forged"
    for rubbish in ("TLS1:", "TLS1:nonsense!", slip_text(b"\xd2\x00"), b"TLS1:\xff"):
        here.scan(rubbish)
        assert here.refused == "code_garbled"


def test_a_slip_waits_until_the_basket_is_closed(here: Desk, there: Desk) -> None:
    here.keys("60", "enter")
    here.scan(slip_text(seal_slip(there.book.own, slip())))
    assert here.refused == "key_not_now"
    here.keys("cash")
    here.commit()
    here.scan(slip_text(seal_slip(there.book.own, slip())))
    here.fail_commit()
    assert here.refused == "store_failed" and left(here) == 12_000
