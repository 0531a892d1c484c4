"""What must hold in the end, when the faults are healed and everything had time to travel."""

import hashlib
from collections import Counter

from contract.bodies import Body, EntryKind, LeaseReturnBody, OfficeBody
from contract.ids import TerminalAddress
from contract.journal import EntryHeader, peek_header
from contract.postings import COUPONS, POINTS, granted_account, pool_account
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody
from contract.value import Asset
from hq.db import reading
from hq.settlement.movements import settlement_postings
from hq.shop_terms import load_terms
from tests.fleet.audit import (
    lease_differences,
    ledger_differences,
    lot_differences,
    points_differences,
    pool_differences,
    refund_differences,
)
from tests.fleet.beyond import coupon_differences, floor_differences
from tests.fleet.invariants import Witness
from tests.fleet.offers import FUNDED
from tests.fleet.premises import TENANT
from tests.fleet.terminal import Unit
from tests.fleet.truth import Truth, borne, filling
from tests.fleet.world import Broken, Violation

POSTING_BODIES = (SaleBody, RefundBody, TopUpBody, RedemptionBody, OfficeBody)


class Ending:
    """The last look, over everything the witness saw."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    def settled(self) -> bool:
        """Tell whether every terminal is on, has nothing left to send, and head office has all that is on a disk."""
        witness = self._witness
        return (
            all(unit.running is not None for unit in witness.units)
            and not any(self._missing(unit) for unit in witness.units)
            and all(unit.running.store.backlog().count == 0 for unit in witness.units if unit.running is not None)
        )

    def unsettled(self) -> str:
        """Which terminals still have something to send, for people."""
        told = []
        for unit in self._witness.units:
            headers = [self._witness.committed[digest] for digest in self._missing(unit)]
            missing = " ".join(f"{header.epoch}/{header.seq}" for header in headers)
            if unit.running is None:
                told.append(f"{unit.label} is off")
            elif missing or unit.running.store.backlog().count:
                online = unit.running.courier.online
                told.append(f"{unit.label}: entries {missing} are not at head office, online {online}")
        return ", ".join(told)

    def _missing(self, unit: Unit) -> list[bytes]:
        """What is on a disk and not at head office, neither as it was signed nor carried over."""
        there = self._witness.books.digests
        if there.issuperset(unit.rows):
            return []
        there = self._there()
        # A later epoch carries the innermost original: what only carried it in between need not come itself.
        original = self._witness.original
        missing = [digest for digest in unit.rows if digest not in there and original.get(digest) not in there]
        # Of what only a damaged entry carried people are told that it is lost, though the original may still be here.
        lost = {original.get(hashlib.sha256(sealed).digest()) for sealed in unit.spoiled} if missing else set()
        return [digest for digest in missing if digest not in lost and original.get(digest) not in lost]

    def _there(self) -> set[bytes]:
        """What head office has, as it was signed or carried over."""
        there = self._witness.books.digests
        return there.union(original for carrier, original in self._witness.original.items() if carrier in there)

    def look(self) -> None:
        """Raise Broken where something is missing, doubled, or not what it adds up to."""
        self._require_everything_arrived()
        self._require_alarms()
        self._require_whole_chains()
        self._require_books_recompute()
        self._require_kept_sums()
        self._require_refunds()
        self._require_coupons()
        self._require_floor()

    def _require_everything_arrived(self) -> None:
        witness = self._witness
        for unit in witness.units:
            for digest in self._missing(unit):
                header = witness.committed[digest]
                where = f"{unit.label} epoch {header.epoch} entry {header.seq}"
                self._broken("every committed entry is at head office", where)
        there = self._there()
        # As above: of what only carried an entry over, it is that entry which has to be there.
        gone = [digest for digest in witness.acknowledged - there if witness.original.get(digest) not in there]
        lost = [witness.committed[digest] for digest in gone]
        for header in sorted(lost, key=lambda header: (str(header.address), header.epoch, header.seq)):
            self._broken("what was acknowledged is kept", f"{header.address} epoch {header.epoch} entry {header.seq}")

    def _require_alarms(self) -> None:
        """Where head office has another entry in the place of one on a disk, people were told."""
        witness = self._witness
        for unit in witness.units:
            for digest in unit.rows:
                header = witness.committed[digest]
                there = witness.books.places.get((unit.name, header.epoch, header.seq), digest)
                if there != digest and unit.name not in witness.alarmed:
                    self._broken("a copied or restored disk raises an alarm", f"{unit.label} entry {header.seq}")

    def _require_whole_chains(self) -> None:
        before: dict[tuple[str, int], tuple[int, bytes]] = {}
        witness = self._witness
        for (address, epoch, seq), digest in sorted(witness.books.places.items()):
            header = peek_header(witness.sealed[digest])
            last_seq, last_digest = before.get((address, epoch), (0, header.previous))
            if (seq, header.previous) != (last_seq + 1, last_digest):
                self._broken("the chains at head office are whole", f"{address} entry {seq}")
            before[address, epoch] = seq, digest

    def _require_books_recompute(self) -> None:
        witness = self._witness
        expected: Counter[tuple[str, str]] = Counter()
        counted: set[bytes] = set()
        with reading(witness.office.premises.engine) as connection:
            terms = load_terms(connection, TENANT)
        for digest in witness.books.digests:
            transaction = witness.committed[digest].transaction
            if transaction in counted:
                continue
            counted.add(transaction)
            made_in = witness.original.get(digest, digest)
            body, header = witness.body_of(made_in), witness.committed[made_in]
            if isinstance(body, POSTING_BODIES):
                settled = settlement_postings(header.address.shop, header.wall_ms, body, terms)
                for posting in (*body.postings, *settled, *filling(header, body), *borne(header, body)):
                    expected[posting.account, posting.unit] += posting.amount
        # Which use of a coupon counts, and who bears the others, is looked at by itself.
        expected = Counter({key: amount for key, amount in expected.items() if key[1] != COUPONS})
        found = Counter({key: amount for key, amount in witness.books.balances.items() if key[1] != COUPONS})
        differing = {key: found[key] - expected[key] for key in found.keys() | expected.keys()}
        differing = {key: amount for key, amount in differing.items() if amount}
        forked = witness.forked_or_copied()
        if forked:
            # What copies of a disk spent beyond the leases is charged: the account never pays for it.
            most = _most_charged(witness.truth, forked)
            differing = {key: amount for key, amount in differing.items() if not _is_charged(key, amount, most)}
        if differing:
            shown = ", ".join(f"{key[0]} {found[key]} not {expected[key]}" for key in sorted(differing)[:5])
            self._broken("the books are what the entries add up to", shown)

    def _require_kept_sums(self) -> None:
        witness = self._witness
        assert witness.reader is not None
        found = list(ledger_differences(witness.reader))
        found += lot_differences(witness.reader, witness.truth, self._given_back_and_lost())
        found += points_differences(witness.reader)
        found += pool_differences(witness.reader)
        found += lease_differences(witness.reader, witness.truth, witness.forked_or_copied())
        if found:
            self._broken("what head office keeps beside its postings adds up to them", "; ".join(found[:3]))

    def _given_back_and_lost(self) -> set[bytes]:
        """The leases given back by entries that neither head office nor the terminal has any more: both were put back
        to what they were before. The terminal holds them again, and what was lent of them since came from nowhere.
        """
        witness, there = self._witness, self._there()
        gone = [digest for digest in witness.committed if digest not in there]
        bodies = [witness.body_of(digest) for digest in gone]
        return {item.lease for body in bodies if isinstance(body, LeaseReturnBody) for item in body.leases}

    def _require_refunds(self) -> None:
        witness = self._witness
        assert witness.reader is not None
        digests = {witness.original.get(digest, digest) for digest in witness.books.digests}
        headers = [witness.committed[digest] for digest in digests]
        refunds: dict[bytes, tuple[int, ...]] = {}
        for digest, header in zip(digests, headers, strict=True):
            body = witness.body_of(digest) if header.kind is EntryKind.REFUND else None
            if isinstance(body, RefundBody):
                refunds[header.transaction] = body.units
        found = list(refund_differences(witness.reader, refunds))
        if found:
            self._broken("a refund is at head office once", "; ".join(found[:3]))

    def _require_coupons(self) -> None:
        """Of those who used a coupon and did not give it back the first counts; all others are charged, nobody else."""
        witness = self._witness
        assert witness.reader is not None
        found = coupon_differences(witness.reader, self._entries(), witness.forked_or_copied())
        if found:
            self._broken("who uses a coupon alone is never charged for it", "; ".join(found[:3]))

    def _require_floor(self) -> None:
        """What members spent on floor limits is paid as far as they have free money; people are told of the rest."""
        witness = self._witness
        assert witness.reader is not None
        jumped = {unit.identity.address for unit in witness.units if unit.clock_jumped}
        found = list(floor_differences(witness.reader, self._entries(), witness.forked_or_copied() | jumped))
        if found:
            self._broken("what is on the floor is paid, or people are told who bears it", "; ".join(found[:3]))

    def _entries(self) -> list[tuple[EntryHeader, Body]]:
        """What is in the books, as it was first signed."""
        witness = self._witness
        made = {witness.original.get(digest, digest) for digest in witness.books.digests}
        return [(witness.committed[digest], witness.body_of(digest)) for digest in sorted(made)]

    def _broken(self, promise: str, detail: str) -> None:
        violation = Violation(promise, detail)
        self._witness.world.tell("witness", f"VIOLATION {violation}")
        raise Broken(violation)


def _most_charged(truth: Truth, forked: set[TerminalAddress]) -> Counter[tuple[str, str]]:
    """By account and unit, how much may be charged to others where these disks went two ways: what they have moved."""
    most: Counter[tuple[str, str]] = Counter()
    for (address, place), amount in truth.moved.items():
        if address in forked:
            most[place] += amount
    return most


def _is_charged(place: tuple[str, str], amount: int, most: Counter[tuple[str, str]]) -> bool:
    """Tell whether a difference is one that a spend beyond a lease makes, or a slip of which the giver's disk knows
    nothing any more: the member has more, the bearer pays. Points that no lease covered fill no pool, and those that no
    pool covered are charged.
    """
    account, _unit = place
    unfilled = sum(points for (name, of), points in most.items() if of == POINTS and name.endswith("/points"))
    if account == pool_account(FUNDED):
        return -most[place] <= amount <= unfilled
    if account == granted_account(Asset.POOL):
        return -unfilled - most[pool_account(FUNDED), POINTS] <= amount <= 0
    if account.startswith(("member/", "budget/", "gift/")):
        return -most[place] <= amount <= 0
    return account.endswith(("/beyond_leases", "/slips_ahead"))
