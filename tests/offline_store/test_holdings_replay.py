"""Holdings are what the open epoch's chain says, whatever was lent, spent, refused or given back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.keys import new_transaction_id
from agent.offline_store.store import Store, StoreCause, StoreError
from contract.bodies import EntryKind, Returned
from contract.messages import LeasesHeld, leases_digest
from contract.slips import Slip, seal_slip
from contract.value import Account, Asset, Lease, born_lease_id, draw
from tests.contract.bodies import top_up
from tests.contract.samples import ADDRESS, NEIGHBOUR, eddsa_signer
from tests.offline_store.counter import begin_epoch, identity, opened, stamp
from tests.offline_store.lending import Lender, activate, give_back, lease, replayed, slip_in, slip_out, spend

ACCOUNTS = tuple(Account(asset, f"h-{number}") for asset in Asset for number in (1, 2))
HOUR_MS = 3_600_000
SMALL = st.integers(0, 60)
STEPS = st.lists(
    st.tuples(st.sampled_from(["lend", "draw", "all", "born", "back", "out", "in", "recall", "epoch", "cut"]),
              st.integers(0, 7), SMALL, SMALL),
    min_size=4, max_size=24,
)  # fmt: skip


@dataclass
class Till:
    """A till under random hands. ``after_ms`` only grows; ``leases`` are all that it has ever heard of. They are lent
    to its epoch or, one in eight, to the next.
    """

    store: Store
    after_ms: int = 0
    epoch: int = 1
    lender: Lender = field(default_factory=Lender)
    leases: list[Lease] = field(default_factory=lambda: [lease(1)])
    slips: list[bytes] = field(default_factory=list)

    def lend(self, which: int, amount: int, bonus: int) -> None:
        given_lease = replace(
            lease(100 + len(self.leases), ACCOUNTS[(which + amount) % len(ACCOUNTS)], amount, bonus),
            spend_until_ms=stamp(self.after_ms + HOUR_MS * (which % 3)).wall_ms,
        )
        self.leases.append(given_lease)
        activate(self.store, self.lender.leases(given_lease, self.leases[0], epoch=self.epoch + (which == 7)))

    def draw(self, which: int, amount: int, bonus: int) -> None:
        spend(self.store, draw(self._one(which), amount, bonus), draw(self._one(which), 1), at=stamp(self.after_ms))

    def all(self, which: int, amount: int, _bonus: int) -> None:
        """Draw whatever is left of a lease."""
        one = self._one(which)
        left = {held.lease.lease: held for held in self.store.holdings_of(one.account.holder)}.get(one.lease)
        spend(self.store, draw(one, left.amount if left else amount, left.bonus_minor if left else 0))

    def born(self, _which: int, amount: int, bonus: int) -> None:
        name, account = new_transaction_id(), ACCOUNTS[0]
        item = Lease(born_lease_id(name, account), account, amount, stamp(HOUR_MS).wall_ms, bonus)
        self.leases.append(item)
        self.store.append(EntryKind.TOP_UP, name, stamp(self.after_ms), replace(top_up(), born=(item,)))

    def back(self, which: int, amount: int, bonus: int) -> None:
        asked = self.store.recalled() or self.store.expired(stamp(self.after_ms))
        give_back(self.store, *(asked or (Returned(self._one(which).lease, amount, bonus),)))

    def out(self, which: int, amount: int, bonus: int) -> None:
        one = self._one(which)
        slip_out(self.store, SIGNER, draw(one, amount, bonus), replace(one, amount=amount, bonus_minor=bonus))

    def in_(self, which: int, amount: int, bonus: int) -> None:
        if which > 2 or not self.slips:
            value = lease(10_000 + len(self.slips), ACCOUNTS[which], amount, bonus)
            self.slips.append(seal_slip(NEIGHBOURS, Slip(1, NEIGHBOUR, 1, ADDRESS, value)))
            self.leases.append(value)
        slip_in(self.store, self.slips[which % len(self.slips)])

    def recall(self, which: int, _amount: int, _bonus: int) -> None:
        activate(self.store, self.lender.leases(recalled=[self._one(which).lease], epoch=self.epoch))

    def cut(self, which: int, _amount: int, _bonus: int) -> None:
        """The plug is pulled and time passes."""
        self.store.close()
        self.store.open()
        self.after_ms += which * 600_000

    def epoch_(self, which: int, _amount: int, _bonus: int) -> None:
        """The leases of the epoch before are no longer here."""
        if which == 0:
            self.epoch += 1
            begin_epoch(self.store, self.epoch, at_ms=self.after_ms)

    def hands(self) -> dict[str, Callable[[int, int, int], None]]:
        return {
            "lend": self.lend, "draw": self.draw, "all": self.all, "born": self.born, "back": self.back,
            "out": self.out, "in": self.in_, "recall": self.recall, "epoch": self.epoch_, "cut": self.cut,
        }  # fmt: skip

    def held(self) -> dict[bytes, tuple[int, int]]:
        holders = {item.account.holder for item in self.leases}
        return {
            held.lease.lease: (held.amount, held.bonus_minor)
            for holder in holders
            for held in self.store.holdings_of(holder)
        }

    def _one(self, which: int) -> Lease:
        return self.leases[-1 - which % len(self.leases)]


SIGNER = eddsa_signer()
NEIGHBOURS = eddsa_signer()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_holdings_are_what_a_replay_of_the_chain_gives_and_nothing_is_below_0(
    steps: list[tuple[str, int, int, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        till = Till(opened(Path(folder) / "till.db", identity(SIGNER)))
        activate(till.store, till.lender.keys((NEIGHBOUR, 1, NEIGHBOURS)))
        for what, which, amount, bonus in steps:
            head = till.store.head()
            try:
                till.hands()[what](which, amount, bonus)
            except StoreError as refused:
                assert refused.cause is StoreCause.INVALID
                assert till.store.head() == head
            held = till.held()
            assert till.store.leases_held() == LeasesHeld(
                len(held), leases_digest((name, *both) for name, both in held.items())
            )
        assert till.held() == replayed(till.store)
        till.store.close()
