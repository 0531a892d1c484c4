"""The nearest offer: looked for in a quiet moment after the price, told until the basket changes, gone once it is
being paid.
"""

import pytest

from agent.txn.events import Tick
from agent.txn.state import Committing, OpenBasket, Paid, Selling
from rules.advice.offer import Offer
from tests.txn.desk import NOTHING_OFF, Desk, pack


@pytest.fixture
def desk() -> Desk:
    return Desk().sign_in()


def basket(desk: Desk) -> OpenBasket:
    """The basket on the glass."""
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    return desk.state.scene.basket


def offer(desk: Desk) -> Offer:
    """The offer that is told."""
    found = basket(desk).offer
    assert found is not None
    return found


def test_the_price_is_there_first_and_the_offer_with_the_next_quiet_moment(desk: Desk) -> None:
    desk.keys("187.50", "enter")
    assert basket(desk).priced.payable_minor == 18_750 and basket(desk).offer is None
    assert desk.tell(Tick()) == ()
    assert offer(desk).words == ("再消费 12.50 元可减 20", "Spend 12.50 more to save 20")
    assert basket(desk).priced.payable_minor == 18_750


def test_another_basket_is_another_offer(desk: Desk) -> None:
    desk.keys("100", "enter")
    desk.tell(Tick())
    assert offer(desk).cost_minor == 10_000
    desk.keys("50", "enter")
    assert basket(desk).offer is None
    desk.tell(Tick())
    assert offer(desk).cost_minor == 5_000
    desk.tap()
    assert basket(desk).offer is None
    desk.tell(Tick())
    assert offer(desk).cost_minor == 7_222
    desk.keys("clear")
    desk.tell(Tick())
    assert offer(desk).cost_minor == 12_222
    desk.keys("300", "enter")
    desk.tell(Tick())
    assert basket(desk).offer is None and basket(desk).offer_sought


def test_a_basket_is_looked_at_once(desk: Desk) -> None:
    desk.keys("187.50", "enter")
    desk.tell(Tick())
    looked = basket(desk)
    desk.tell(Tick())
    assert basket(desk) is looked
    desk.keys("cash")
    desk.fail_commit()
    assert basket(desk) is looked


def test_nothing_is_sought_while_somebody_keys_nor_without_articles(desk: Desk) -> None:
    desk.tap()
    desk.tell(Tick())
    assert not basket(desk).offer_sought
    desk.keys("187.50", "enter", "5")
    desk.tell(Tick())
    assert not basket(desk).offer_sought
    desk.keys("clear", "member")
    desk.tell(Tick())
    assert not basket(desk).offer_sought
    desk.keys("member")
    desk.tell(Tick())
    assert basket(desk).offer_sought


def test_an_offer_changes_nothing_of_what_is_booked() -> None:
    booked = []
    for quiet_moments in (0, 1):
        desk = Desk().sign_in()
        desk.keys("187.50", "enter")
        desk.tell(*[Tick()] * quiet_moments)
        desk.keys("cash")
        booked.append(desk.state.outstanding)
    assert booked[0] is not None and booked[0] == booked[1]


def test_once_it_is_being_paid_nothing_more_is_sought(desk: Desk) -> None:
    desk.keys("187.50", "enter", "cash")
    desk.tell(Tick())
    scene = desk.state.scene
    assert isinstance(scene, Committing) and scene.basket is not None and not scene.basket.offer_sought
    desk.commit()
    desk.tell(Tick())
    assert isinstance(desk.state.scene, Paid)


def test_a_pack_without_offers_leaves_the_basket_as_it_is(desk: Desk) -> None:
    desk.book.active = pack(2, NOTHING_OFF)
    desk.keys("187.50", "enter")
    desk.tell(Tick())
    assert basket(desk).offer is None
