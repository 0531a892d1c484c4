"""Slips: value leaves one till on paper and is taken once, by the one till that is named on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.offline_store.store import Store, StoreCause, StoreError
from contract.bodies import CarryOverBody, EntryKind
from contract.ids import TerminalAddress
from contract.signing import Signer
from contract.slips import Slip, seal_slip
from contract.value import Draw, Lease, draw
from tests.contract.samples import ADDRESS, NEIGHBOUR, eddsa_signer
from tests.offline_store.counter import NOON_MS, begin_epoch, identity, opened, stamp
from tests.offline_store.lending import (
    ANNA,
    TONIGHT_MS,
    Lender,
    activate,
    doubtful,
    lease,
    neighbour,
    replayed,
    slip_in,
    slip_out,
    spend,
)

ONE = lease(1, bonus_minor=2_000)
DRAWN = draw(ONE, 5_000, 1_000)
CARRIED = replace(ONE, amount=5_000, bonus_minor=1_000)
SEVEN = lease(7)


@pytest.fixture
def signer() -> Signer:
    return eddsa_signer()


@pytest.fixture
def giver(tmp_path: Path, signer: Signer) -> Iterator[Store]:
    """The till at ADDRESS, lent 100.00 and 20.00 of bonus."""
    found = opened(tmp_path / "giver" / "till.db", identity(signer))
    activate(found, Lender().leases(ONE))
    yield found
    found.close()


@pytest.fixture
def keys() -> Lender:
    return Lender(NEIGHBOUR)


@pytest.fixture
def taker(tmp_path: Path, signer: Signer, keys: Lender) -> Iterator[Store]:
    """The till at NEIGHBOUR, which knows the other's key."""
    found = opened(tmp_path / "taker" / "till.db", neighbour(eddsa_signer()))
    activate(found, keys.keys((ADDRESS, 1, signer)))
    yield found
    found.close()


def slip(by: Signer, value: Lease = SEVEN, giver: TerminalAddress = ADDRESS, epoch: int = 1) -> bytes:
    return seal_slip(by, Slip(1, giver, epoch, NEIGHBOUR, value))


def not_let_out(giver: Store, signer: Signer, drawn: Draw, carried: Lease, to: TerminalAddress = NEIGHBOUR) -> str:
    with pytest.raises(StoreError) as refused:
        slip_out(giver, signer, drawn, carried, to)
    assert refused.value.cause is StoreCause.INVALID
    assert replayed(giver) == {ONE.lease: (10_000, 2_000)}
    assert giver.leases_held().count == 1
    return refused.value.detail


def not_taken(taker: Store, data: bytes) -> str:
    before = (taker.head(), taker.leases_held())
    with pytest.raises(StoreError) as refused:
        slip_in(taker, data)
    assert refused.value.cause is StoreCause.INVALID
    assert (taker.head(), taker.leases_held()) == before
    return refused.value.detail


def test_value_leaves_one_till_with_its_slip_and_is_spent_at_the_other(
    giver: Store, taker: Store, signer: Signer
) -> None:
    paper = slip_out(giver, signer, DRAWN, CARRIED)
    assert replayed(giver) == {ONE.lease: (5_000, 1_000)}
    slip_in(taker, paper)
    (held,) = taker.spendable(ANNA, stamp())
    assert (held.amount, held.bonus_minor, held.lease.lot, held.lease.issuer) == (5_000, 1_000, ONE.lot, ONE.issuer)
    assert held.lease.lease == giver.entry(giver.head().seq).header.transaction
    spend(taker, draw(held.lease, 5_000, 1_000))
    assert taker.leases_held().count == 0 == len(replayed(taker))


def test_a_slip_that_says_anything_but_what_was_drawn_does_not_go_out(giver: Store, signer: Signer) -> None:
    for wrong in (
        replace(CARRIED, amount=5_001),
        replace(CARRIED, bonus_minor=0),
        replace(CARRIED, issuer="s08"),
        replace(CARRIED, spend_until_ms=TONIGHT_MS + 1),
    ):
        assert "something else" in not_let_out(giver, signer, DRAWN, wrong)
    assert "from this terminal" in not_let_out(giver, signer, DRAWN, CARRIED, ADDRESS)
    assert "slip is refused" in not_let_out(giver, eddsa_signer(), DRAWN, CARRIED)
    assert "left" in not_let_out(giver, signer, draw(ONE, 10_001), replace(CARRIED, amount=10_001))
    sooner = replace(CARRIED, spend_until_ms=NOON_MS + 1_000)
    assert slip_out(giver, signer, DRAWN, sooner)


def test_a_slip_is_taken_once_also_when_it_is_spent_or_another_epoch_begins(taker: Store, signer: Signer) -> None:
    paper = slip(signer)
    slip_in(taker, paper)
    assert taker.slip_taken(SEVEN.lease)
    assert "taken before" in not_taken(taker, paper)
    spend(taker, draw(SEVEN, 10_000))
    assert "taken before" in not_taken(taker, paper)
    begin_epoch(taker, 2)
    assert "taken before" in not_taken(taker, paper)


def test_a_slip_for_another_till_is_not_taken(giver: Store, taker: Store, signer: Signer, keys: Lender) -> None:
    elsewhere = TerminalAddress("acme", "s02", "t1")
    assert "to acme/s02/t1" in not_taken(taker, seal_slip(signer, Slip(1, ADDRESS, 1, elsewhere, SEVEN)))
    activate(giver, keys.keys((ADDRESS, 1, signer)))
    assert "from acme/s01/t1" in not_taken(giver, seal_slip(signer, Slip(1, ADDRESS, 1, ADDRESS, SEVEN)))


def test_a_slip_is_believed_by_the_key_of_the_till_it_names_and_no_other(
    taker: Store, signer: Signer, keys: Lender
) -> None:
    other, third = eddsa_signer(), TerminalAddress("acme", "s02", "t1")
    activate(taker, keys.keys((ADDRESS, 1, signer), (third, 1, other)))
    assert "unknown_key" in not_taken(taker, slip(other))
    assert "bad_signature" in not_taken(taker, slip(signer)[:-1] + bytes([slip(signer)[-1] ^ 1]))
    for cut in (slip(signer)[:40], b"\xd2" + bytes(60)):
        assert "slip is refused" in not_taken(taker, cut)
    activate(taker, keys.keys((third, 1, other)))
    assert "no key" in not_taken(taker, slip(signer))
    assert (taker.terminal_key(third, 1), taker.terminal_key(ADDRESS, 1)) == (other.public, None)


def test_a_till_that_began_an_epoch_by_itself_is_believed_by_the_newest_key_known_before(
    taker: Store, signer: Signer, keys: Lender
) -> None:
    newer = eddsa_signer()
    activate(taker, keys.keys((ADDRESS, 2, signer), (ADDRESS, 5, newer)))
    known = [taker.terminal_key(ADDRESS, epoch) for epoch in (1, 2, 3, 5, 6, 2**31 - 1)]
    assert known == [None, signer.public, signer.public, newer.public, newer.public, newer.public]
    assert "unknown_key" in not_taken(taker, slip(signer, epoch=6))
    slip_in(taker, slip(newer, epoch=6))
    activate(taker, keys.keys())
    assert "no key" in not_taken(taker, slip(newer, replace(SEVEN, lease=bytes([9]) * 16), epoch=6))


def test_a_slip_past_its_time_is_not_taken(taker: Store, signer: Signer) -> None:
    paper = slip(signer, replace(SEVEN, spend_until_ms=NOON_MS + 3_600_000))
    for late in (stamp(3_600_001), doubtful(1)):
        with pytest.raises(StoreError, match="past its time"):
            slip_in(taker, paper, late)
    slip_in(taker, paper, doubtful())


def test_a_slip_carried_over_into_a_file_begun_anew_stays_taken(taker: Store, tmp_path: Path, signer: Signer) -> None:
    paper, own = slip(signer), eddsa_signer()
    old = opened(tmp_path / "old" / "till.db", neighbour(own))
    activate(old, Lender(NEIGHBOUR).keys((ADDRESS, 1, signer)))
    taken = slip_in(old, paper)
    anew = opened(tmp_path / "anew" / "till.db", neighbour(own))
    carried = CarryOverBody(1, taken.header.seq, taken.sealed)
    anew.append(EntryKind.CARRY_OVER, taken.header.transaction, stamp(), carried)
    assert anew.slip_taken(SEVEN.lease)
    assert anew.leases_held().count == 0
    old.close()
    anew.close()
