"""The JSON Schema (2020-12) of packs and baskets as people write them, for editors and for whoever writes packs by
program. It follows from the grammar; docs/rules/ publishes it.

A schema says what single fields may hold. What takes two to be wrong, such as a reference that leads nowhere, is found
by ``rules.references`` when the pack is read.
"""

from typing import Any

from contract.basket import Basket
from contract.named import json_schema
from rules.authoring import MOST_ZONES
from rules.grammar.conditions import CONDITION
from rules.grammar.effects import EFFECT
from rules.grammar.pack import Pack, Zone, ZoneStep
from rules.meanings import meaning

_ZONES = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": 40, "examples": ["Asia/Shanghai"]},
    "maxItems": MOST_ZONES,
    "default": [],
    "description": meaning("Pack", "zones"),
}


def pack_schema() -> dict[str, Any]:
    """Return the schema of an authored pack, as ``rules.authoring.read_authored`` takes it."""
    schema = json_schema(Pack, {"Condition": CONDITION, "Effect": EFFECT}, meaning)
    definitions = schema["$defs"]
    # People write the names of zones, never their steps; and the program writes its own grammar.
    for unseen in (Zone, ZoneStep):
        del definitions[unseen.__name__]
    pack = definitions[Pack.__name__]
    pack["properties"] = {name: item for name, item in pack["properties"].items() if name != "grammar"}
    pack["properties"]["zones"] = _ZONES
    pack["required"] = [name for name in pack["required"] if name != "grammar"]
    return {"$schema": schema["$schema"], "title": "A rule pack of Tapledger"} | schema


def basket_schema() -> dict[str, Any]:
    """Return the schema of an authored basket, as ``rules.authoring.read_authored_basket`` takes it."""
    schema = json_schema(Basket, {}, meaning)
    return {"$schema": schema["$schema"], "title": "A basket of Tapledger"} | schema
