"""A settlement report: rows that recompute from signed entries, what each shop comes to, and who pays whom in the end.

Entries may be handed in in any order and by the million: what is kept is one row for each two parties, kind and
currency. Which entries made a row is told one by one to whoever asks (``lines``).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from contract.bodies import Body, OfficeBody
from contract.ids import TerminalAddress, receipt_number
from contract.postings import Posting
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody
from hq.settlement.movements import POOL, Kind, Movement, currency_of, movements, owed_again
from hq.settlement.terms import SettlementClass, ShopTerms, Terms


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """An entry as it was first signed: its place, when it was made, its transaction, SHA-256 and decoded body.
    ``late_of`` names the closed period it came too late for; empty where it came in time.
    """

    address: TerminalAddress
    epoch: int
    seq: int
    wall_ms: int
    transaction: bytes
    digest: bytes
    body: Body
    late_of: str = ""

    @property
    def receipt(self) -> str:
        """The number on its paper."""
        return receipt_number(self.address, self.epoch, self.seq)


@dataclass(frozen=True, slots=True, order=True)
class RowKey:
    """What a row is about. Parties are shops, ``office``, or the pool."""

    currency: str
    late_of: str
    payer: str
    payee: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Row:
    """All movements of one kind between two parties: ``entries`` signed entries make ``amount_minor``; negative where
    refunds outweigh.
    """

    key: RowKey
    amount_minor: int
    entries: int


@dataclass(frozen=True, slots=True)
class Line:
    """What one signed entry adds to one row."""

    key: RowKey
    amount_minor: int
    entry: SignedEntry


@dataclass(frozen=True, slots=True)
class ShopResult:
    """What a shop comes to, in minor units: the principal it took in and that was spent there, bonus money it is owed
    less what it bears, the fee it owes, what it owes for points and for what was spent beyond leases, and the sum it is
    paid (negative: that it pays).
    """

    terms: ShopTerms
    currency: str
    taken_in_minor: int
    spent_minor: int
    bonus_minor: int
    fee_minor: int
    points_minor: int
    late_minor: int

    @property
    def net_minor(self) -> int:
        """What the shop is paid in the end; what it pays where negative."""
        earned = self.spent_minor - self.taken_in_minor + self.bonus_minor - self.fee_minor
        return earned - self.points_minor - self.late_minor


@dataclass(frozen=True, slots=True)
class Payment:
    """What ``payer`` pays ``payee`` in the end. A party is a company with all its direct shops (``company:NAME``), a
    franchise shop (``shop:NAME``), or the pool.
    """

    payer: str
    payee: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Liability:
    """By how much what members are owed grew, by the entries' own postings and by what was charged to others instead,
    and what the pool took in less what it paid, by the rows. Principal owed and pool are equal, or the books are wrong.
    """

    currency: str
    principal_minor: int
    bonus_minor: int
    pool_minor: int

    @property
    def difference_minor(self) -> int:
        """All rows and the liability together: 0, always."""
        return self.pool_minor - self.principal_minor


@dataclass(frozen=True, slots=True)
class Report:
    """A whole settlement. ``entries`` is how many entries settled anything."""

    rows: tuple[Row, ...]
    shops: tuple[ShopResult, ...]
    payments: tuple[Payment, ...]
    liabilities: tuple[Liability, ...]
    entries: int


class Settling:
    """Takes signed entries and adds them up. ``until_ms`` is the moment whose terms the report shows of each shop;
    every movement is reckoned by the terms of its own moment. ``lines`` is told of each line as it is added.
    """

    def __init__(self, terms: Terms, until_ms: int, lines: Callable[[Line], None] | None = None) -> None:
        self._terms = terms
        self._until_ms = until_ms
        self._lines = lines
        self._rows: dict[RowKey, list[int]] = {}
        self._paid: dict[tuple[str, str, str], int] = {}
        """By currency, payer and payee as parties."""
        self._owed: dict[str, list[int]] = {}
        self._entries = 0

    def add(self, entry: SignedEntry) -> None:
        """Add one entry; whoever hands the same one in twice counts it twice."""
        currency = currency_of(entry.body)
        self._owe(currency, entry.body)
        found = movements(entry.address.shop, entry.wall_ms, entry.body, self._terms)
        self._entries += bool(found)
        by_key: dict[RowKey, int] = {}
        for movement in found:
            key = RowKey(currency, entry.late_of, movement.payer, movement.payee, movement.kind)
            by_key[key] = by_key.get(key, 0) + movement.amount_minor
            self._pay(currency, movement, entry.wall_ms)
        for key, amount in by_key.items():
            row = self._rows.setdefault(key, [0, 0])
            row[0] += amount
            row[1] += 1
            if self._lines is not None:
                self._lines(Line(key, amount, entry))

    def report(self) -> Report:
        """Everything added so far."""
        rows = tuple(Row(key, *self._rows[key]) for key in sorted(self._rows))
        return Report(rows, self._shops(rows), self._payments(), self._liabilities(rows), self._entries)

    def _owe(self, currency: str, body: Body) -> None:
        for place, again in enumerate(owed_again(body)):
            if again:
                self._owed.setdefault(currency, [0, 0])[place] += again
        for posting in _postings(body):
            holder, _, part = posting.account.rpartition("/")
            if holder.startswith("member/") and posting.unit == currency and part in ("principal", "bonus"):
                owed = self._owed.setdefault(currency, [0, 0])
                owed[part == "bonus"] -= posting.amount

    def _pay(self, currency: str, movement: Movement, wall_ms: int) -> None:
        payer, payee = self._party(movement.payer, wall_ms), self._party(movement.payee, wall_ms)
        if payer == payee:
            return
        amount = movement.amount_minor
        if payer > payee:
            payer, payee, amount = payee, payer, -amount
        pair = (currency, payer, payee)
        self._paid[pair] = self._paid.get(pair, 0) + amount

    def _party(self, name: str, wall_ms: int) -> str:
        if name == POOL:
            return POOL
        terms = self._terms.of(name, wall_ms)
        return f"company:{terms.company}" if terms.settles is SettlementClass.DIRECT else f"shop:{name}"

    def _shops(self, rows: Iterable[Row]) -> tuple[ShopResult, ...]:
        sums: dict[tuple[str, str], list[int]] = {}

        def to(currency: str, shop: str, column: int, amount: int) -> None:
            if shop != POOL:
                sums.setdefault((currency, shop), [0, 0, 0, 0, 0, 0])[column] += amount

        for row in rows:
            key, amount = row.key, row.amount_minor
            match key.kind:
                case Kind.PRINCIPAL:
                    to(key.currency, key.payer, 0, amount)
                    to(key.currency, key.payee, 1, amount)
                case Kind.BONUS:
                    to(key.currency, key.payer, 2, -amount)
                    to(key.currency, key.payee, 2, amount)
                case Kind.FEE:
                    to(key.currency, key.payer, 3, amount)
                    to(key.currency, key.payee, 3, -amount)
                case Kind.POINTS:
                    to(key.currency, key.payer, 4, amount)
                    to(key.currency, key.payee, 4, -amount)
                case Kind.LATE:
                    to(key.currency, key.payer, 5, amount)
                    to(key.currency, key.payee, 5, -amount)
        return tuple(
            ShopResult(self._terms.of(shop, self._until_ms), currency, *sums[currency, shop])
            for currency, shop in sorted(sums)
        )

    def _payments(self) -> tuple[Payment, ...]:
        found = []
        for (currency, payer, payee), amount in sorted(self._paid.items()):
            if amount > 0:
                found.append(Payment(payer, payee, currency, amount))
            elif amount < 0:
                found.append(Payment(payee, payer, currency, -amount))
        return tuple(found)

    def _liabilities(self, rows: Iterable[Row]) -> tuple[Liability, ...]:
        pool: dict[str, int] = {}
        for row in rows:
            sign = (row.key.payee == POOL) - (row.key.payer == POOL)
            pool[row.key.currency] = pool.get(row.key.currency, 0) + sign * row.amount_minor
        found = []
        for currency in sorted({*pool, *self._owed}):
            principal, bonus = self._owed.get(currency, (0, 0))
            found.append(Liability(currency, principal, bonus, pool.get(currency, 0)))
        return tuple(found)


def settle(entries: Iterable[SignedEntry], terms: Terms, until_ms: int) -> Report:
    """The report over ``entries``, in whatever order they come."""
    settling = Settling(terms, until_ms)
    for entry in entries:
        settling.add(entry)
    return settling.report()


def _postings(body: Body) -> tuple[Posting, ...]:
    match body:
        case SaleBody() | RefundBody() | TopUpBody() | RedemptionBody() | OfficeBody():
            return body.postings
    return ()
