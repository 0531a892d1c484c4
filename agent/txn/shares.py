"""What this till may give of what belongs to nobody in particular: campaigns' budgets, points that merchants paid for
in advance, gifts in stock. Rules are told of it where it is too little for a basket; what they give is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from agent.txn.book import Book
from agent.txn.state import Told
from contract.basket import PoolShare, RuleUsage, Stock
from contract.trace import AppliedEffect
from contract.value import Account, Asset, Draw
from rules.beside.draws import Short, spend, spendable
from rules.engine.compiled import Compiled
from rules.moments import day_began_ms, day_of, zone_of
from rules.takings import takings

MOST_ROUNDS = 8
"""So often a basket is priced again because a share does not suffice; then rules are told of every share."""
MOST_TOLD = 500
"""So many campaigns are told of at once."""
MOST_STOCK = 200
"""So many gifts a basket tells of."""


def told_more(told: Told, effects: Iterable[AppliedEffect], compiled: Compiled, member: str | None, book: Book) -> Told:
    """Return what the rules must be told besides ``told``: every share of which ``effects`` take more than lies here,
    and how often limited rules have acted before, for ``member`` and here.
    """
    effects = tuple(effects)
    wanted = takings(effects, book.address.shop, compiled.shared)
    short = {account: left for account, amount in wanted.items() if (left := left_of(account, book)) < amount}
    limited = compiled.shared.limited
    acted = {effect.rule for effect in effects} | {account.holder for account in short} if limited else set()
    uncounted = acted.intersection(limited).difference(item.rule for item in told.usage)
    if not short and not uncounted:
        return told
    return _with(told, short, _counted(uncounted, compiled, member, book))


def all_told(told: Told, compiled: Compiled, member: str | None, book: Book) -> Told:
    """Return all of this till's shares in what a pack gives from shares alone, and how often limited rules have
    acted before: as many as can be told.
    """
    shared = compiled.shared
    known = {item.rule for item in told.usage}
    uncounted = sorted(shared.limited.keys() - known)[:MOST_TOLD]
    accounts = [Account(Asset.BUDGET, rule) for rule in sorted(shared.budgets)[:MOST_TOLD]]
    accounts += [Account(Asset.BUDGET_USES, rule) for rule in sorted(shared.counted)[:MOST_TOLD]]
    if book.address.shop in shared.pools:
        accounts.append(Account(Asset.POOL, book.address.shop))
    unknown = shared.gifts.difference(item.sku for item in told.stock)
    accounts += [Account(Asset.GIFT, sku) for sku in sorted(unknown)[: MOST_STOCK - len(told.stock)]]
    left = {account: left_of(account, book) for account in accounts}
    return _with(told, left, _counted(uncounted, compiled, member, book))


def share_draws(effects: Iterable[AppliedEffect], compiled: Compiled, book: Book) -> tuple[Draw, ...] | Short:
    """Return what ``effects`` take of the leases held here; Short where they do not hold so much."""
    found: list[Draw] = []
    for account, amount in takings(effects, book.address.shop, compiled.shared).items():
        draws = spend(book.spendable(account), amount)
        if isinstance(draws, Short):
            return draws
        found += draws
    return tuple(found)


def left_of(account: Account, book: Book) -> int:
    """What may be drawn here of an account now, in its unit."""
    return spendable(book.spendable(account))


def acted_before(rules: Iterable[str], compiled: Compiled, member: str | None, book: Book) -> tuple[RuleUsage, ...]:
    """Return how often those of ``rules`` that are limited have acted before, for ``member`` and here."""
    limited = compiled.shared.limited.keys() & rules
    return tuple(usage for _rule, usage in sorted(_counted(limited, compiled, member, book).items()))


def _counted(rules: Iterable[str], compiled: Compiled, member: str | None, book: Book) -> dict[str, RuleUsage]:
    """How often these rules have acted before, on this day of the shop by its own clock."""
    now_ms, zone = book.now().wall_ms, zone_of(book.address.shop, compiled.pack)
    today = day_of(now_ms, zone), day_began_ms(now_ms, zone)
    return {rule: book.times_applied(rule, member, today) for rule in rules}


def _with(told: Told, shares: Mapping[Account, int], times: Mapping[str, RuleUsage]) -> Told:
    counted = {item.rule: item for item in told.usage} | dict(times)
    usage = {item.rule: (item.share_minor, item.share_uses) for item in told.usage}
    usage |= {rule: (None, None) for rule in times if rule not in usage}
    stock = {item.sku: item.left for item in told.stock}
    pools = {item.pool: item.left for item in told.pools}
    for account, left in shares.items():
        name = account.holder
        minor, uses = usage.get(name, (None, None))
        match account.asset:
            case Asset.BUDGET:
                usage[name] = (left, uses)
            case Asset.BUDGET_USES:
                usage[name] = (minor, left)
            case Asset.GIFT:
                stock[name] = left
            case Asset.POOL:
                pools[name] = left
    return Told(
        tuple(
            replace(counted.get(rule, RuleUsage(rule)), share_uses=uses, share_minor=minor)
            for rule, (minor, uses) in sorted(usage.items())
        ),
        tuple(Stock(sku, left) for sku, left in sorted(stock.items())),
        tuple(PoolShare(pool, left) for pool, left in sorted(pools.items())),
    )
