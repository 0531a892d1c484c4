"""Every kind of entry holds its body whole, and refuses one whose parts do not fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract import wire
from contract.bodies import MAX_CARRIED_BYTES, CarryOverBody, EntryKind, OfficeBody, body_type
from contract.envelope import keyring
from contract.errors import ContractError, Reason
from contract.journal import MAX_ENTRY_BYTES, MAX_PAYLOAD_BYTES, open_entry, seal_entry
from contract.value import MOST_DRAWS_IN_ALL, draw
from tests.contract.bodies import LEASE, every_body, office, redemption, refund, top_up
from tests.contract.samples import eddsa_signer, header

SIGNER = eddsa_signer()


@pytest.mark.parametrize("kind", EntryKind)
def test_a_body_of_every_kind_reads_back_as_it_was_signed(kind: EntryKind) -> None:
    body = every_body(SIGNER)[kind]
    entry = open_entry(seal_entry(SIGNER, header(kind=kind), body).sealed, keyring(SIGNER.public))
    assert type(body) is body_type(kind)
    assert entry.body() == body


@pytest.mark.parametrize("body", [refund(), top_up(), redemption(), office()])
def test_whatever_moves_money_or_value_balances_or_is_not_written(body: OfficeBody) -> None:
    kind = next(kind for kind in EntryKind if body_type(kind) is type(body))
    with pytest.raises(ContractError) as caught:
        seal_entry(SIGNER, header(kind=kind), replace(body, postings=body.postings[:-1]))
    assert caught.value.reason is Reason.UNBALANCED


def test_the_largest_entry_there_can_be_still_fits_into_a_later_epochs() -> None:
    largest = CarryOverBody(2**31, 2**53, bytes(MAX_CARRIED_BYTES))
    assert MAX_CARRIED_BYTES >= MAX_ENTRY_BYTES + 200
    assert len(seal_entry(SIGNER, header(kind=EntryKind.CARRY_OVER), largest).sealed) <= MAX_PAYLOAD_BYTES


def test_one_entry_draws_from_a_bounded_number_of_leases() -> None:
    many = replace(redemption(), draws=(draw(LEASE, 1),) * (MOST_DRAWS_IN_ALL + 1))
    with pytest.raises(ContractError) as caught:
        wire.pack(many)
    assert caught.value.path.startswith("draws")
