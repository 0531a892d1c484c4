"""Small neutral cases for the tests: one line of a case file from the parts that matter."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

Plain = Mapping[str, Any]
PLAIN_CART: Sequence[Plain] = ({"id": "a", "sku": "A", "unit_price": 1000, "qty": 3},)


def case(effects: Sequence[Plain], expect: Plain, **more: Any) -> str:
    """One line: a cart of three units at 10.00 and one promotion ``P`` with these effects. ``more`` adds to the case,
    or takes the place of what it names; ``when`` and other fields of the promotion go by ``promotion``.
    """
    promotion = {"id": "P", "when": [], "effects": list(effects), **more.pop("promotion", {})}
    plain = {"cart": list(PLAIN_CART), "promotions": [promotion], "expect": dict(expect), **more}
    return line(**plain)


def line(**body: Any) -> str:
    """One line of a case file with these fields beside those every case has."""
    source = {"repo": "some/shop", "commit": "0000000", "file": "tests/prices", "test": "a price"}
    return json.dumps({"id": "some-1", "source": source, "scale": 100, **body})
