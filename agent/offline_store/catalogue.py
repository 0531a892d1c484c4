"""What is sold here, and what the shop is called: the content of the active catalogue document, row by row."""

from typing import Any

from agent.offline_store.database import Database
from agent.offline_store.faults import StoreCause, StoreError
from contract.basket import TaxRate
from contract.documents import CatalogueContent, CatalogueItem

_COLUMNS = (
    "sku, name, name_en, category, price_minor, barcode, more_categories, brand, tags, member_price_minor, floor_minor,"
    " reduced, excluded, taxes"
)


class CatalogueShelf:
    """The catalogue in ``database``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, content: CatalogueContent) -> None:
        """Put this catalogue in the place of the other, inside the caller's transaction.

        Raises StoreError; INVALID where two articles share a number or a barcode.
        """
        self._database.write("DELETE FROM items")
        self._put(content)

    def lay_over(self, content: CatalogueContent) -> None:
        """Put these articles to the others or in the place of what they were, and take away those gone, inside the
        caller's transaction. What the shop is called and what its currency is comes with each delta.

        Raises StoreError; INVALID where an article is named twice, two share a barcode, or the open one is not there.
        """
        named = [*content.gone, *(item.sku for item in content.items)]
        if len(set(named)) != len(named):
            raise StoreError(StoreCause.INVALID, "catalogue: an article is named twice in one delta")
        self._database.write_many("DELETE FROM items WHERE sku = ?", ((sku,) for sku in named))
        self._put(content)
        if self.open_item() is None:
            raise StoreError(StoreCause.INVALID, f"catalogue: {content.open_sku}, the open article, is not there")

    def item(self, sku: str) -> CatalogueItem | None:
        """Return the article of this number."""
        return self._found("sku = ?", sku)

    def item_by_barcode(self, digits: str) -> CatalogueItem | None:
        """Return the article with this barcode."""
        return self._found("barcode = ?", digits)

    def open_item(self) -> CatalogueItem | None:
        """Return the article that a keyed amount is booked on; None before a catalogue has arrived."""
        row = self._database.row("SELECT open_sku FROM shop")
        return None if row is None else self.item(row[0])

    def shop_name(self) -> str:
        """Return the name on the receipt; empty before a catalogue has arrived."""
        row = self._database.row("SELECT name FROM shop")
        return "" if row is None else str(row[0])

    def currency(self) -> str:
        """Return the currency's code (ISO 4217); empty before a catalogue has arrived."""
        row = self._database.row("SELECT currency FROM shop")
        return "" if row is None else str(row[0])

    def _put(self, content: CatalogueContent) -> None:
        self._database.write("DELETE FROM shop")
        self._database.write_many(
            f"INSERT INTO items ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (_row(item) for item in content.items),
        )
        self._database.write(
            "INSERT INTO shop VALUES (1, ?, ?, ?)", content.shop_name, content.currency, content.open_sku
        )

    def _found(self, where: str, value: str) -> CatalogueItem | None:
        row = self._database.row(f"SELECT {_COLUMNS} FROM items WHERE {where}", value)
        return None if row is None else _item(row)


def _row(item: CatalogueItem) -> tuple[object, ...]:
    return (
        item.sku,
        item.name,
        item.name_en,
        item.category,
        item.price_minor,
        item.barcode,
        " ".join(item.more_categories),
        item.brand,
        " ".join(item.tags),
        item.member_price_minor,
        item.floor_minor,
        int(item.reduced),
        int(item.excluded),
        " ".join(f"{rate.tax}:{rate.rate_bp}" for rate in item.taxes),
    )


def _item(row: tuple[Any, ...]) -> CatalogueItem:
    sku, name, name_en, category, price_minor, barcode, more, brand, tags, *minors, reduced, excluded, taxes = row
    member_price_minor, floor_minor = minors
    rates = (rate.split(":") for rate in taxes.split())
    return CatalogueItem(
        sku=sku,
        name=name,
        name_en=name_en,
        category=category,
        price_minor=price_minor,
        barcode=barcode,
        more_categories=tuple(more.split()),
        brand=brand,
        tags=tuple(tags.split()),
        member_price_minor=member_price_minor,
        floor_minor=floor_minor,
        reduced=bool(reduced),
        excluded=bool(excluded),
        taxes=tuple(TaxRate(tax, int(rate_bp)) for tax, rate_bp in rates),
    )
