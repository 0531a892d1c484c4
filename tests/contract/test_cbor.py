"""One value has one encoding, and no bytes from outside get past the decoder in any other way than as a value or a
ContractError.
"""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import cbor
from contract.errors import ContractError, Reason

SCALARS = (
    st.integers(cbor.INT_MIN, cbor.INT_MAX)
    | st.booleans()
    | st.binary(max_size=40)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.integers(0, 2**40), inner, max_size=5)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), inner, max_size=5)
    ),
    max_leaves=20,
)


def refusal(data: bytes, max_bytes: int = 1_000_000) -> ContractError:
    with pytest.raises(ContractError) as caught:
        cbor.decode(data, max_bytes)
    return caught.value


@given(VALUES)
def test_every_value_of_the_subset_comes_back_as_it_went(value: object) -> None:
    data = cbor.encode(value)
    assert cbor.decode(data, len(data)) == value
    assert cbor.encode(cbor.decode(data, len(data))) == data


@given(st.binary(max_size=200))
def test_decoding_raises_nothing_but_contract_error(data: bytes) -> None:
    try:
        value = cbor.decode(data, 200)
    except ContractError:
        return
    assert cbor.encode(value) == data


@given(VALUES, st.data())
def test_damaged_encodings_raise_nothing_but_contract_error(value: object, data: st.DataObject) -> None:
    whole = bytearray(cbor.encode(value))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        cbor.decode(bytes(whole), 10_000)
    except ContractError:
        return


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("an array of indefinite length", "9f01ff", Reason.NOT_CBOR),
        ("a byte string of indefinite length", "5f4101ff", Reason.NOT_CBOR),
        ("a map of indefinite length", "bf0101ff", Reason.NOT_CBOR),
        ("a key used twice", "a201010102", Reason.NOT_CBOR),
        ("keys out of order", "a202000100", Reason.NOT_DETERMINISTIC),
        ("an integer longer than it need be", "1817", Reason.NOT_DETERMINISTIC),
        ("a length longer than it need be", "590001ff", Reason.NOT_DETERMINISTIC),
        ("something after the end", "0000", Reason.NOT_DETERMINISTIC),
        ("a date tag", "c11a514b67b0", Reason.NOT_CBOR),
        ("a tag nobody knows", "d9270f01", Reason.NOT_CBOR),
        ("a set tag", "d9010281a0", Reason.NOT_CBOR),
        ("a rational with a zero below", "d81e820100", Reason.NOT_CBOR),
        ("a number beyond 64 bits", "c249010000000000000000", Reason.NOT_CBOR),
        ("an integer beyond 64 signed bits", "1bffffffffffffffff", Reason.OUT_OF_RANGE),
        ("a float", "f93c00", Reason.WRONG_TYPE),
        ("null", "f6", Reason.WRONG_TYPE),
        ("undefined", "f7", Reason.WRONG_TYPE),
        ("a simple value", "e0", Reason.WRONG_TYPE),
        ("a negative key", "a12000", Reason.WRONG_TYPE),
        ("keys of two kinds", "a2010161610a", Reason.WRONG_TYPE),
        ("a key that is a map", "a1a001", Reason.WRONG_TYPE),
        ("a key that is true", "a1f501", Reason.WRONG_TYPE),
        ("text that is not UTF-8", "61ff", Reason.NOT_CBOR),
        ("nothing", "", Reason.NOT_CBOR),
        ("an array longer than its bytes", "9b00ffffffffffffff", Reason.NOT_CBOR),
        ("a string longer than its bytes", "5b00ffffffffffffff", Reason.NOT_CBOR),
        ("a lone break", "ff", Reason.NOT_CBOR),
    ],
)
def test_what_is_not_deterministic_cbor_is_refused_by_name(name: str, data: str, reason: Reason) -> None:
    assert refusal(bytes.fromhex(data)).reason is reason, name


@pytest.mark.parametrize("depth", [25, 40, 100_000])
def test_a_tower_of_arrays_is_refused(depth: int) -> None:
    assert refusal(b"\x81" * depth + b"\x00").reason in {Reason.OUT_OF_RANGE, Reason.NOT_CBOR}


def test_sixteen_levels_are_allowed_and_seventeen_are_not() -> None:
    assert cbor.decode(b"\x81" * 16 + b"\x00", 100)
    assert refusal(b"\x81" * 25 + b"\x00").reason is Reason.OUT_OF_RANGE


@pytest.mark.timeout(5)
def test_a_few_hundred_bytes_of_shared_values_do_not_unfold_into_billions() -> None:
    def level(number: int) -> bytes:
        if number == 14:
            return b"\xd8\x1c\x88" + b"\x00" * 8
        return b"\xd8\x1c\x88" + level(number + 1) + (b"\xd8\x1d" + bytes([number + 1])) * 7

    bomb = level(0)
    assert len(bomb) < 500
    assert refusal(bomb).reason is Reason.NOT_CBOR


def test_a_value_that_contains_itself_is_refused() -> None:
    assert refusal(bytes.fromhex("d81c81d81d00")).reason is Reason.NOT_CBOR


def test_more_bytes_than_allowed_are_refused_unread() -> None:
    assert refusal(cbor.encode([1, 2, 3]), max_bytes=3).reason is Reason.TOO_LARGE


@pytest.mark.parametrize("value", [None, 1.5, {1, 2}, {1: 1, "a": 2}, {True: 1}, object(), [1.0], {"a": None}])
def test_nothing_outside_the_subset_is_encoded(value: object) -> None:
    with pytest.raises(ContractError) as caught:
        cbor.encode(value)
    assert caught.value.reason is Reason.WRONG_TYPE


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, "\ud800", {"\udfff": 1}])
def test_nothing_beyond_the_limits_of_the_subset_is_encoded(value: object) -> None:
    with pytest.raises(ContractError) as caught:
        cbor.encode(value)
    assert caught.value.reason is Reason.OUT_OF_RANGE


@given(st.dictionaries(st.integers(0, 2**40), st.integers(0, 5), max_size=20))
def test_the_keys_of_a_map_stand_in_the_bytewise_order_of_rfc_8949(value: dict[int, int]) -> None:
    rows = sorted((cbor2.dumps(key), cbor2.dumps(item)) for key, item in value.items())
    assert cbor.encode(value)[-sum(len(key) + len(item) for key, item in rows) or 99 :] == b"".join(
        key + item for key, item in rows
    )
