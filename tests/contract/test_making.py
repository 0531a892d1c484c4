"""A frozen class with slots is what ``dataclasses`` makes of it, whoever makes it."""

import dataclasses
import pickle
from copy import copy, deepcopy
from dataclasses import KW_ONLY, FrozenInstanceError, InitVar, field, fields, replace
from typing import Any, ClassVar, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.making import dataclass


@dataclass(frozen=True, slots=True)
class Jar:
    """A class with what most of ours have."""

    KEY: ClassVar[int] = 7

    name: str
    grams: int = field(metadata={"key": 1})
    labels: tuple[str, ...] = ()
    price_minor: int | None = field(default=None, metadata={"key": 2})

    @property
    def full_name(self) -> str:
        """Its name and weight."""
        return f"{self.name} {self.grams} g"


@dataclass(frozen=True, slots=True)
class Nothing:
    """A class without a field."""


class JarByLibrary:
    """The same fields, for ``dataclasses``."""

    __annotations__ = dict(Jar.__annotations__)
    KEY = 7
    grams = field(metadata={"key": 1})
    labels: tuple[str, ...] = ()
    price_minor = field(default=None, metadata={"key": 2})


def test_it_takes_the_arguments_that_dataclasses_would_take() -> None:
    jar = Jar("tea", 50)
    assert (jar.labels, jar.price_minor, jar.full_name, Jar.KEY) == ((), None, "tea 50 g", 7)
    assert jar == Jar(grams=50, name="tea")
    for arguments, named in (((), {}), (("tea",), {}), (("tea", 1, (), 2, 3), {}), (("tea", 1), {"colour": "green"})):
        with pytest.raises(TypeError, match=r"Jar.__new__\(\)"):
            cast(Any, Jar)(*arguments, **named)


def test_it_shows_compares_hashes_and_tells_its_fields_as_dataclasses_would() -> None:
    library = cast(Any, dataclasses.dataclass(frozen=True, slots=True)(JarByLibrary))
    values = ("tea", 50, ("green",), 300)
    ours, theirs = Jar(*values), library(*values)
    assert repr(ours) == repr(theirs).replace("JarByLibrary", "Jar")
    assert hash(ours) == hash(theirs)
    assert ours != theirs and ours == Jar(*values) and ours != Jar("tea", 51, ("green",), 300)
    assert Jar.__match_args__ == library.__match_args__
    assert Jar.__doc__ == "A class with what most of ours have."
    for mine, other in zip(fields(Jar), fields(library), strict=True):
        assert (mine.name, mine.type, mine.default, mine.metadata) == (
            other.name,
            other.type,
            other.default,
            other.metadata,
        )


def test_it_is_frozen_and_holds_nothing_beside_its_fields() -> None:
    jar = Jar("tea", 50)
    for name in ("grams", "colour"):
        with pytest.raises(FrozenInstanceError, match=name):
            setattr(jar, name, 2)
        with pytest.raises(FrozenInstanceError, match=name):
            delattr(jar, name)
    assert not hasattr(jar, "__dict__")


def test_it_can_be_replaced_matched_copied_and_kept() -> None:
    jar = Jar("tea", 50)
    assert replace(jar, grams=60) == Jar("tea", 60)
    match jar:
        case Jar(name, grams, price_minor=price):
            assert (name, grams, price) == ("tea", 50, None)
    assert copy(jar) == deepcopy(jar) == pickle.loads(pickle.dumps(jar)) == jar


def test_a_class_without_fields_is_one_value() -> None:
    assert Nothing() == Nothing() and hash(Nothing()) == hash(Nothing()) and repr(Nothing()) == "Nothing()"


def test_a_class_that_asks_for_more_is_made_by_dataclasses() -> None:
    @dataclass(frozen=True, slots=True)
    class Hiding:
        pin: str = field(default="", repr=False)
        tries: list[int] = field(default_factory=list, compare=False)
        length: int = field(init=False, default=0)

        def __post_init__(self) -> None:
            object.__setattr__(self, "length", len(self.pin))

    @dataclass(frozen=True, slots=True, order=True)
    class Weight:
        grams: int

    @dataclass(slots=True)
    class Changing:
        grams: int = 0

    @dataclass(frozen=True, slots=True)
    class Wider(Weight):
        label: str = ""

    @dataclass(frozen=True, slots=True)
    class Own:
        grams: int

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own)

        def __hash__(self) -> int:
            return 1

    hiding = Hiding("1234", [1])
    assert "1234" not in repr(hiding) and hiding == Hiding("1234") and hiding.length == 4
    assert Weight(1) < Weight(2)
    changing = Changing()
    changing.grams = 3
    assert changing == Changing(3)
    assert Wider(1, "a") == Wider(grams=1, label="a")
    assert Own(1) == Own(2) and hash(Own(1)) == 1


def test_it_has_no_subclass() -> None:
    with pytest.raises(TypeError, match="Wider: a record has no subclass"):
        type("Wider", (Jar,), {})


@pytest.mark.parametrize("asked", [{"_": KW_ONLY, "grams": int}, {"grams": InitVar[int]}, {"of": "InitVar[int]"}])
def test_what_is_no_plain_field_is_refused_where_it_is_declared(asked: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="Odd is for dataclasses to make"):
        quickly(type("Odd", (), {"__annotations__": asked}))


NAMES = ["name", "grams", "self", "other", "of", "hash", "made", "open", "type", "_set_name", "_default_name", "known"]
VALUES = st.one_of(st.none(), st.integers(-1, 1), st.booleans(), st.text(max_size=1), st.floats(), st.tuples())


@given(st.lists(st.sampled_from(NAMES), unique=True), st.data())
def test_any_declaration_makes_what_dataclasses_makes_of_it(names: list[str], data: st.DataObject) -> None:
    declared = {"__annotations__": dict.fromkeys(names, object), "__doc__": "Some fields."}
    for name in names[data.draw(st.integers(0, len(names))) :]:
        default = data.draw(VALUES)
        declared[name] = data.draw(st.sampled_from([default, field(default=default, metadata={"key": 1})]))
    made, library = quickly(type("Any", (), dict(declared))), by_library(type("Any", (), dict(declared)))
    assert (made.__match_args__, made.__slots__) == (library.__match_args__, library.__slots__)
    assert list(map(repr, fields(made))) == list(map(repr, fields(library)))

    rows = data.draw(st.lists(st.lists(VALUES, max_size=len(names) + 1), min_size=2, max_size=2))
    ours, theirs = ([outcome(of, row) for row in rows] for of in (made, library))
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine is None) == (other is None)
        assert repr(mine) == repr(other) and hash(mine) == hash(other)
    if None not in ours:
        assert (ours[0] == ours[1]) == (theirs[0] == theirs[1])
        assert {ours[0]: 1}[replace(ours[0])] == {ours[0]: 1}[copy(ours[0])] == 1
    for name in names if ours[0] is not None else ():
        assert getattr(ours[0], name) is getattr(theirs[0], name)
        for change in ((setattr, name, 1), (delattr, name)):
            assert refused(ours[0], change) == refused(theirs[0], change)


def outcome(of: Any, values: list[object]) -> Any:
    try:
        return of(*values)
    except TypeError:
        return None


def refused(record: object, change: tuple[Any, ...]) -> str:
    with pytest.raises(FrozenInstanceError) as found:
        change[0](record, *change[1:])
    return str(found.value)


def quickly(of: type) -> Any:
    return dataclass(frozen=True, slots=True)(of)


def by_library(of: type) -> Any:
    return dataclasses.dataclass(frozen=True, slots=True)(of)
