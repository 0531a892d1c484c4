"""Records that are made at once are made as ``dataclasses`` makes them, and are frozen like any other."""

import pickle
from copy import copy
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from typing import Any, cast

import pytest

from contract.basket import BasketLine
from contract.making import made_at_once


@made_at_once
@dataclass(frozen=True, slots=True, order=True)
class Weighed:
    """A class with everything that such a class may have."""

    name: str
    grams: int = 1_000
    label: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", f"{self.name} {self.grams} g")


def test_it_takes_the_same_arguments_and_does_what_comes_after_them() -> None:
    by_place, by_name = Weighed("tea", 50), Weighed(grams=50, name="tea")
    assert (by_place, by_place.label, repr(by_place)) == (by_name, "tea 50 g", "Weighed(name='tea', grams=50)")
    assert Weighed("tea").grams == 1_000
    assert type(by_place) is Weighed
    for arguments in ((), ("tea", 1, "label")):
        with pytest.raises(TypeError):
            cast(Any, Weighed)(*arguments)
    with pytest.raises(TypeError, match="colour"):
        cast(Any, Weighed)("tea", colour="green")


def test_it_is_frozen_before_anybody_sees_it() -> None:
    made = Weighed("tea")
    with pytest.raises(FrozenInstanceError):
        cast(Any, made).grams = 2
    with pytest.raises(FrozenInstanceError):
        del cast(Any, made).name
    assert not hasattr(made, "__dict__")


def test_it_can_be_compared_hashed_replaced_copied_and_kept() -> None:
    line = BasketLine("sku-1", 2, 1_990, categories=("tea",))
    assert replace(line, quantity=3) == BasketLine("sku-1", 3, 1_990, ("tea",))
    assert {line: 1}[BasketLine("sku-1", 2, 1_990, ("tea",))] == 1
    assert copy(line) == pickle.loads(pickle.dumps(line)) == line
    assert Weighed("salt") < Weighed("tea")
    assert [part.name for part in fields(line)][:3] == ["sku", "quantity", "unit_price_minor"]


def test_what_it_cannot_make_is_refused_where_the_class_is_declared() -> None:
    @dataclass(frozen=True, slots=True)
    class Filled:
        names: list[str] = field(default_factory=list)

    @dataclass(frozen=True)
    class Open:
        name: str

    @dataclass(frozen=True, slots=True)
    class Later(Filled):
        name: str = ""

    for of in (Filled, Open, Later):
        with pytest.raises(TypeError):
            made_at_once(cast(Any, of))
    with pytest.raises(TypeError, match="made at once"):
        type("Narrower", (Weighed,), {})
