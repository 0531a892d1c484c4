"""Our side: the description as a pack in the form that people write, and the same baskets priced by it.

What is timed is the pricing of a basket with the trace that is journalled with a sale; the pack is read and compiled,
and the basket made, before the clock starts.
"""

import json
import time

from bench.oscar.description import CURRENCY, Answer, Bought, Description, Offer, Priced
from contract.basket import Basket, BasketLine
from rules.authoring import read_authored
from rules.engine.compiled import Compiled, compile_pack
from rules.engine.price import price

BASIS_POINTS_PER_PERCENT = 100
FREE_BP = 10_000


def price_all(description: Description, samples: int) -> Answer:
    """Price every basket of the description so many times."""
    compiled = compile_pack(read_authored(authored(description)))
    baskets = [_price(_basket(description, lines), compiled, samples) for lines in description["baskets"]]
    return {"engine": "tapledger", "baskets": baskets}


def authored(description: Description) -> str:
    """The offers as a pack: one rule each."""
    article = description["articles"][0]
    alone = {"lines": [_line(description, {"sku": article["sku"], "quantity": 1})]}
    return json.dumps(
        {
            "currency": CURRENCY,
            "rules": [_rule(offer) for offer in description["offers"]],
            # One article alone reaches no offer's quantity or spend.
            "golden": [{"basket": alone, "payable_minor": article["price_minor"]}],
        }
    )


def _rule(offer: Offer) -> dict[str, object]:
    select = {"categories": [offer["category"]]}
    effect: dict[str, object]
    when: list[dict[str, object]] = []
    match offer:
        case {"kind": "percent_off", "percent": int(percent)}:
            effect = {"percent": {"rate_bp": percent * BASIS_POINTS_PER_PERCENT, "scope": "line", "select": select}}
        case {"kind": "amount_off", "off_minor": int(off_minor)}:
            effect = {"amount": {"off_minor": off_minor, "scope": "basket", "select": select}}
        case {"kind": "cheapest_free"}:
            cheapest = {"order": "cheapest", "units": 1}
            effect = {"percent": {"rate_bp": FREE_BP, "scope": "unit", "select": select, "pick": cheapest}}
        case _:
            raise ValueError(f"{offer['offer']} gives nothing")
    match offer:
        case {"least_quantity": int(quantity)}:
            when = [{"quantity": {"at_least": quantity, "select": select}}]
        case {"least_spend_minor": int(spend_minor)}:
            when = [{"spend": {"at_least_minor": spend_minor, "select": select}}]
        case _:
            raise ValueError(f"{offer['offer']} asks for nothing")
    name = offer["offer"]
    lane = "basket" if offer["kind"] == "amount_off" else "line"
    return {"rule": name, "title": name, "title_en": name, "lane": lane, "when": when, "then": [effect]}


def _line(description: Description, bought: Bought) -> dict[str, object]:
    """One line as people write it in a golden basket."""
    article = next(article for article in description["articles"] if article["sku"] == bought["sku"])
    return {**bought, "categories": [article["category"]], "unit_price_minor": article["price_minor"]}


def _basket(description: Description, lines: list[Bought]) -> Basket:
    articles = {article["sku"]: article for article in description["articles"]}
    return Basket(
        lines=tuple(
            BasketLine(
                sku=line["sku"],
                quantity=line["quantity"],
                unit_price_minor=articles[line["sku"]]["price_minor"],
                categories=(articles[line["sku"]]["category"],),
            )
            for line in lines
        )
    )


def _price(basket: Basket, compiled: Compiled, samples: int) -> Priced:
    seconds = []
    for _ in range(samples):
        started = time.perf_counter()
        priced = price(basket, compiled)
        seconds.append(time.perf_counter() - started)
    off: dict[str, int] = {}
    for effect in priced.effects:
        off[effect.rule] = off.get(effect.rule, 0) + effect.off_minor
    return {"payable_minor": priced.payable_minor, "off_minor": off, "seconds": seconds}
