"""The published schema says what the reader takes, and an independent validator agrees with the reader on it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contract.basket import Basket
from contract.errors import ContractError
from contract.named import write_named
from rules.authoring import read_authored, read_authored_basket, write_authored
from rules.grammar.pack import Pack
from rules.schema import basket_schema, pack_schema
from tests.rules.generated import packs, records
from tests.rules.samples import first_pack
from tests.tidy import reference
from tests.tidy.tree import ROOT

PACKS = Draft202012Validator(pack_schema())
BASKETS = Draft202012Validator(basket_schema())
AUTHORED = sorted(
    [*(ROOT / "docs" / "examples").glob("pack*.json"), *(ROOT / "demo" / "fixtures").glob("pack*.json")],
    key=lambda path: path.name,
)


@pytest.mark.parametrize("path", reference.FILES)
def test_the_published_schema_is_what_the_code_says(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == reference.file_text(path), "run ./dev docs"


@pytest.mark.parametrize("schema", [pack_schema(), basket_schema()])
def test_the_schema_is_one(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    names = set(schema["$defs"])
    assert {ref.rpartition("/")[2] for ref in _references(schema)} <= names


@pytest.mark.parametrize("path", AUTHORED, ids=lambda path: str(path.name))
def test_every_authored_pack_of_the_repository_is_valid(path: Any) -> None:
    PACKS.validate(json.loads(path.read_text(encoding="utf-8")))


@settings(max_examples=40, deadline=None)
@given(packs())
def test_every_pack_that_is_written_is_valid(pack: Pack) -> None:
    PACKS.validate(json.loads(write_authored(pack)))


@settings(max_examples=40, deadline=None)
@given(records(Basket))
def test_every_basket_that_is_written_is_valid_and_comes_back(basket: Basket) -> None:
    text = json.dumps(write_named(basket))
    BASKETS.validate(json.loads(text))
    assert read_authored_basket(text) == basket


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("grammar",), 2),
        (("note",), "x"),
        (("zones",), [8]),
        (("rules", 0, "lane"), "lines"),
        (("rules", 0, "priority"), "1"),
        (("rules", 0, "when", 0), {"teir": ["gold"]}),
        (("rules", 0, "when", 0), {"tier": ["gold"], "member": True}),
        (("rules", 0, "when", 0), {"tier": []}),
        (("rules", 0, "then", 0), {"percent": {"rate_bp": 1_000}}),
        (("rules", 0, "then", 0), {"percent": {"rate_bp": 1_000.5, "scope": "line"}}),
        (("rules", 0, "then"), []),
        (("golden",), []),
        (("golden", 0, "basket", "lines", 0, "quantity"), 0),
    ],
)
def test_what_the_reader_refuses_for_its_form_is_invalid(path: tuple[str | int, ...], value: object) -> None:
    plain: Any = first_pack()
    inner = plain
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(ContractError):
        read_authored(json.dumps(plain))
    assert not PACKS.is_valid(plain)


@given(st.sampled_from(["rules", "golden", "zones", "shops", "policies", "tax"]), st.integers() | st.text(max_size=4))
def test_what_is_invalid_is_refused(field: str, value: object) -> None:
    plain = {**first_pack(), field: value}
    assert not PACKS.is_valid(plain)
    with pytest.raises(ContractError):
        read_authored(json.dumps(plain))


def _references(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["$ref"]] if "$ref" in schema else []
        return own + [ref for value in schema.values() for ref in _references(value)]
    return [ref for value in schema for ref in _references(value)] if isinstance(schema, list) else []
