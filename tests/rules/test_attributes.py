"""What a pack looks at of a member is all that a terminal has to know of one: without the rest it comes to the same."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from agent.offline_store.members import ATTRIBUTES
from contract.basket import Customer
from rules.attributes import attributes_read
from rules.engine.compiled import compile_pack
from rules.engine.verdicts import judge
from tests.rules.engine.test_conditions import DECLARED, HERS, HOLD, SHE, TEN_OFF
from tests.rules.samples import pack, rule


def without(kept: frozenset[str]) -> Customer:
    """The member as a terminal knows her that keeps only these attributes."""
    defaults: dict[str, Any] = {
        field.name: field.default for field in fields(Customer) if field.name in ATTRIBUTES - kept
    }
    return replace(SHE, **defaults)


@pytest.mark.parametrize("name", HOLD)
def test_a_rule_applies_as_well_to_a_member_of_whom_only_that_is_kept_which_it_reads(name: str) -> None:
    for condition in HOLD[name]:
        for asked in (condition, {"not": {"any": [{"tier": ["none"]}, {"not": condition}]}}):
            compiled = compile_pack(pack(rule("asked", "basket", TEN_OFF, when=[asked]), **DECLARED))
            known = replace(HERS, customer=without(attributes_read(compiled.pack)))
            assert judge(known, compiled) == judge(HERS, compiled)


@pytest.mark.parametrize(
    ("when", "read"),
    [
        ([], set[str]()),
        ([{"member": True}, {"tier": ["gold"]}, {"tag": ["teacher"]}], set[str]()),
        ([{"segment": ["lapsed"]}], {"segments"}),
        (
            [{"any": [{"card_type": ["student"]}, {"not": {"birthday": {"days_before": 0, "days_after": 0}}}]}],
            {"card_type", "birthday"},
        ),
        ([{"visit": {"nth": 5}}], {"visits", "visit_days"}),
        ([{"last_visit": {"at_least_days": 3}}], {"visit_days"}),
    ],
)
def test_what_is_read_is_named(when: Any, read: set[str]) -> None:
    assert attributes_read(pack(rule("asked", "basket", TEN_OFF, when=when))) == read


def test_nothing_else_of_a_customer_is_left_out() -> None:
    always = {"tier", "tags", "points", "stored_minor"}
    assert {field.name for field in fields(Customer)} == ATTRIBUTES | always
