"""Offers and baskets in words of neither side: plain JSON, which the peer reads from its standard input.

::

    {"articles": [{"sku": "sku-3-a", "category": "cat-3", "price_minor": 4200}, ...],
     "offers": [{"offer": "offer-0", "kind": "percent_off", "category": "cat-0", "least_quantity": 2, "percent": 20},
                {"offer": "offer-1", "kind": "amount_off", "category": "cat-1", "least_spend_minor": 9000,
                 "off_minor": 1500},
                {"offer": "offer-2", "kind": "cheapest_free", "category": "cat-2", "least_quantity": 3},
                {"offer": "offer-3", "kind": "percent_off", "category": "cat-3", "least_spend_minor": 9000,
                 "percent": 10}, ...],
     "baskets": [[{"sku": "sku-3-a", "quantity": 2}, ...], ...]}

Every offer looks at the articles of one category and at nothing else, each category has one offer, and an offer is
given at most once in a sale. So it means the same where an article that one offer has used is closed to the next
(django-oscar) and where what is left goes on to the next (ours). Prices are whole yuan and percentages whole numbers,
so that no rounding can hide or make a difference.

- ``percent_off``: ``percent`` off every article of the category, once the category reaches its least quantity or spend;
- ``amount_off``: ``off_minor`` off what the category's articles cost together, once it reaches its least spend;
- ``cheapest_free``: the cheapest article of the category costs nothing, once it reaches its least quantity.
"""

from typing import NotRequired, TypedDict

CURRENCY = "CNY"
LINES = 10
BASKETS_APART = 7
"""Each basket begins so many categories after the one before."""
CATEGORIES_APART = 3
"""Each line is so many categories after the one before; it shares no factor with a number of offers measured here."""
MINOR_PER_YUAN = 100


class Article(TypedDict):
    """Something that can be bought."""

    sku: str
    category: str
    price_minor: int


class Offer(TypedDict):
    """One offer; which of the optional fields it has, its kind says."""

    offer: str
    kind: str
    category: str
    least_quantity: NotRequired[int]
    least_spend_minor: NotRequired[int]
    percent: NotRequired[int]
    off_minor: NotRequired[int]


class Bought(TypedDict):
    """One line of a basket."""

    sku: str
    quantity: int


class Description(TypedDict):
    """All of it: what the peer is given."""

    articles: list[Article]
    offers: list[Offer]
    baskets: list[list[Bought]]


class Priced(TypedDict):
    """What one basket came to, what each offer that was given took off, and how long each pricing took."""

    payable_minor: int
    off_minor: dict[str, int]
    seconds: list[float]


class Answer(TypedDict):
    """What either side says: what it is, and what each basket came to. The peer writes it to its standard output."""

    engine: str
    baskets: list[Priced]


def describe(offers: int, baskets: int) -> Description:
    """So many offers and so many baskets of 10 lines; the same numbers give the same description.

    A basket's lines lie in 9 categories, two of them in one: 9 offers can match it, of which some fall short of their
    quantity or spend.
    """
    categories = range(offers)
    return {
        "articles": [_article(number, variant) for number in categories for variant in "ab"],
        "offers": [_offer(number) for number in categories],
        "baskets": [_basket(number, offers) for number in range(baskets)],
    }


def _article(number: int, variant: str) -> Article:
    yuan = 20 + number * 7 % 60 + (5 if variant == "b" else 0)
    return {"sku": f"sku-{number}-{variant}", "category": f"cat-{number}", "price_minor": yuan * MINOR_PER_YUAN}


def _offer(number: int) -> Offer:
    offer: Offer = {"offer": f"offer-{number}", "kind": "percent_off", "category": f"cat-{number}"}
    match number % 4:
        case 0:
            return {**offer, "least_quantity": 2, "percent": 20}
        case 1:
            return {**offer, "kind": "amount_off", "least_spend_minor": 9000, "off_minor": 1500}
        case 2:
            return {**offer, "kind": "cheapest_free", "least_quantity": 3}
        case _:
            return {**offer, "least_spend_minor": 9000, "percent": 10}


def _basket(number: int, offers: int) -> list[Bought]:
    first = number * BASKETS_APART
    categories = [(first + line * CATEGORIES_APART) % offers for line in range(LINES - 1)]
    lines: list[Bought] = [
        {"sku": f"sku-{category}-a", "quantity": 2 + (number + line) % 3} for line, category in enumerate(categories)
    ]
    return [*lines, {"sku": f"sku-{categories[number % len(categories)]}-b", "quantity": 2}]
