"""The peer's side: django-oscar prices the description it reads from standard input, and writes its answer as JSON.

``python -m bench.oscar.peer < description.json``, with the interpreter of ``bench/oscar/.venv``. The database
is SQLite in memory, the settings are django-oscar's own defaults, and each offer is what a shop's staff would enter:
a condition and a benefit on a range. The range lists the articles of the category, which the peer looks up in about
half the time it takes for a range that names the category. What is timed is ``Applicator.apply`` and the basket's
total, nothing else: the basket's lines and their prices are read from the database before the clock starts.
"""

import json
import sys
import time
from decimal import Decimal
from typing import Any

import django
import oscar
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from oscar import defaults
from oscar.core.loading import get_class, get_model

from bench.oscar.description import CURRENCY, MINOR_PER_YUAN, Answer, Bought, Description, Offer, Priced


def main() -> int:
    """Read, price, answer."""
    description: Description = json.load(sys.stdin)
    _open_shop()
    products = _stock(description)
    for offer in description["offers"]:
        _put_on_offer(offer)
    baskets = [_fill(lines, products) for lines in description["baskets"]]
    # What is only done once in a process is done before the first basket that counts.
    _price(baskets[0])
    answer: Answer = {
        "engine": f"django-oscar {oscar.get_version()} on Django {django.get_version()}",
        "baskets": [_price(basket) for basket in baskets],
    }
    json.dump(answer, sys.stdout)
    return 0


def _open_shop() -> None:
    """An empty shop with django-oscar's defaults. The tables are made from the models: their history is not wanted."""
    usual = {name: getattr(defaults, name) for name in dir(defaults) if name.startswith("OSCAR_")}
    settings.configure(
        **{
            **usual,
            "INSTALLED_APPS": oscar.INSTALLED_APPS,
            "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            "HAYSTACK_CONNECTIONS": {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}},
            "OSCAR_DEFAULT_CURRENCY": CURRENCY,
            "SITE_ID": 1,
            "USE_TZ": True,
            "SECRET_KEY": "nothing is kept in this database",
            "DEFAULT_AUTO_FIELD": "django.db.models.AutoField",
        }
    )
    django.setup()
    settings.MIGRATION_MODULES = {app.label: None for app in apps.get_app_configs()}
    call_command("migrate", run_syncdb=True, verbosity=0)


def _stock(description: Description) -> dict[str, Any]:
    """The articles, by SKU, each in its category and with enough in stock."""
    product_class = get_model("catalogue", "ProductClass").objects.create(name="article", requires_shipping=False)
    partner = get_model("partner", "Partner").objects.create(name="shop")
    category_model = get_model("catalogue", "Category")
    categories: dict[str, Any] = {}
    products: dict[str, Any] = {}
    for article in description["articles"]:
        name = article["category"]
        if name not in categories:
            categories[name] = category_model.objects.add_root({"name": name, "slug": name})
        product = get_model("catalogue", "Product").objects.create(
            product_class=product_class, title=article["sku"], upc=article["sku"]
        )
        product.categories.add(categories[name])
        product.stockrecords.create(
            partner=partner,
            partner_sku=article["sku"],
            price_currency=CURRENCY,
            price=_yuan(article["price_minor"]),
            num_in_stock=1_000_000,
        )
        products[article["sku"]] = product
    return products


def _put_on_offer(offer: Offer) -> None:
    """One offer in the peer's words: a range, a condition on it, a benefit of it, given once in a basket."""
    condition, benefit = get_model("offer", "Condition"), get_model("offer", "Benefit")
    of_category = get_model("offer", "Range").objects.create(name=f"range of {offer['offer']}")
    for product in get_model("catalogue", "Product").objects.filter(categories__name=offer["category"]):
        of_category.add_product(product)
    match offer:
        case {"least_quantity": int(quantity)}:
            asks = condition.objects.create(range=of_category, type=condition.COUNT, value=quantity)
        case {"least_spend_minor": int(spend_minor)}:
            asks = condition.objects.create(range=of_category, type=condition.VALUE, value=_yuan(spend_minor))
        case _:
            raise ValueError(f"{offer['offer']} asks for nothing")
    match offer:
        case {"kind": "percent_off", "percent": int(percent)}:
            gives = benefit.objects.create(range=of_category, type=benefit.PERCENTAGE, value=percent)
        case {"kind": "amount_off", "off_minor": int(off_minor)}:
            gives = benefit.objects.create(range=of_category, type=benefit.FIXED, value=_yuan(off_minor))
        case {"kind": "cheapest_free"}:
            gives = benefit.objects.create(range=of_category, type=benefit.MULTIBUY)
        case _:
            raise ValueError(f"{offer['offer']} gives nothing")
    get_model("offer", "ConditionalOffer").objects.create(
        name=offer["offer"], condition=asks, benefit=gives, max_basket_applications=1
    )


def _fill(lines: list[Bought], products: dict[str, Any]) -> Any:
    """A basket with these lines, in the database."""
    basket = get_model("basket", "Basket").objects.create()
    basket.strategy = get_class("partner.strategy", "Default")()
    for line in lines:
        basket.add_product(products[line["sku"]], line["quantity"])
    return basket


def _price(basket: Any) -> Priced:
    """Price one basket once, from nothing."""
    applicator = get_class("offer.applicator", "Applicator")()
    basket.reset_offer_applications()
    for line in basket.all_lines():
        _ = line.purchase_info
    started = time.perf_counter()
    applicator.apply(basket)
    payable = basket.total_incl_tax
    seconds = time.perf_counter() - started
    off = {given["offer"].name: _minor(given["discount"]) for given in basket.offer_applications}
    return {"payable_minor": _minor(payable), "off_minor": off, "seconds": [seconds]}


def _yuan(minor: int) -> Decimal:
    return Decimal(minor) / MINOR_PER_YUAN


def _minor(yuan: Decimal) -> int:
    """Exactly; what is no whole number of minor units is an error, never rounded."""
    minor = yuan * MINOR_PER_YUAN
    if minor != int(minor):
        raise ValueError(f"{yuan} is no whole number of minor units")
    return int(minor)


if __name__ == "__main__":
    sys.exit(main())
