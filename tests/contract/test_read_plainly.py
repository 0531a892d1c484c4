"""Records are read and refused as a slow reader does it that was written beside, from what the contract says."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import wire
from contract.bodies import EntryKind
from contract.errors import ContractError
from tests.contract import plainly
from tests.contract.bodies import every_body
from tests.contract.samples import eddsa_signer
from tests.contract.test_record_readers import MOST, Maker, record_classes


def require_same(of: Any, data: bytes) -> bool:
    """Whether the bytes are a record of ``of``, which both readers must agree on, as on what it holds."""
    try:
        slowly = plainly.record(of, plainly.Bytes(data).whole())
    except plainly.RefusedError as refused:
        with pytest.raises(ContractError):
            pytest.fail(f"{refused}, but taken as {wire.unpack(of, data, MOST)}: {data.hex()}")
        return False
    found = wire.unpack(of, data, MOST)
    assert found == slowly and wire.pack(found) == data, data.hex()
    return True


@pytest.mark.parametrize("of", record_classes(), ids=lambda of: of.__name__)
@settings(max_examples=15)
@given(st.integers(0, 2**64))
def test_every_record_is_taken_and_refused_by_its_bytes(of: type, seed: int) -> None:
    random = Random(seed)
    maker = Maker(random)
    made = maker.record(of)
    for plain in (made, maker.spoil(made)):
        for one_in in (10**9, 60, 8):
            require_same(of, plainly.LooseWriter(random, one_in).write(plain))
    require_same(of, plainly.LooseWriter(random, 10**9).write(made) + b"\x00")


@pytest.mark.parametrize("kind", EntryKind)
def test_every_body_is_taken_and_refused_by_its_bytes(kind: EntryKind) -> None:
    body = every_body(eddsa_signer())[kind]
    plain = plainly.Bytes(wire.pack(body)).whole()
    assert require_same(type(body), wire.pack(body))
    random = Random(kind.value)
    told = [require_same(type(body), plainly.LooseWriter(random, one_in).write(plain)) for one_in in [40, 15, 5] * 20]
    assert not all(told)
