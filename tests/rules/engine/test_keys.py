"""The keys by which the index of a pack finds the rules that a basket can meet."""

from contract.basket import Basket, BasketLine, Customer, PlannedTender
from rules.engine.compiled import compile_pack
from rules.engine.keys import keys_of
from tests.rules.samples import FULL_200_20, GOLD_10, pack

TEA = BasketLine("tea", 2, 1_990, ("food", "drink"), "leaf", ("green",))
BASKET = Basket(
    (TEA, BasketLine("cup", 1, 500)),
    Customer("gold", ("regular",), ("vip",), "plastic"),
    "a",
    "t1",
    "store",
    1_760_000_000_000,
    codes=("TEN",),
    tenders=(PlannedTender("cash", 100),),
    flags=("rain",),
)
WHOLE = {
    *("member", "tier:gold", "card:plastic", "tag:regular", "segment:vip", "shop:a", "terminal:a/t1", "channel:store"),
    *("code:TEN", "tender:cash", "flag:rain", "month:24310", "weekday:4"),
    *("sku:tea", "sku:cup", "brand:leaf", "category:food", "category:drink", "item:green"),
}


def test_a_basket_has_a_key_of_everything_that_a_rule_may_need() -> None:
    assert keys_of(compile_pack(pack(GOLD_10)).open(BASKET)) == WHOLE


def test_of_a_kind_that_is_not_asked_for_it_has_none() -> None:
    view = compile_pack(pack(GOLD_10)).open(BASKET)
    assert keys_of(view, ("tier", "sku")) == {"tier:gold", "sku:tea", "sku:cup"}
    assert keys_of(view, ()) == set()


def test_nobody_has_no_key_of_a_member() -> None:
    view = compile_pack(pack(GOLD_10)).open(Basket((TEA,)))
    assert keys_of(view, ("member", "tier", "card", "tag", "segment", "month", "weekday", "festival")) == set()


def test_the_rules_it_leads_to_are_those_whose_needs_it_has() -> None:
    compiled = compile_pack(pack(GOLD_10, FULL_200_20))
    for basket, found in ((BASKET, ["gold-10", "full-200-20"]), (Basket((TEA,)), ["full-200-20"])):
        numbers = compiled.candidates(compiled.open(basket))
        assert [compiled.rules[number].rule for number in numbers] == found
