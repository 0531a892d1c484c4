"""Patience with wrong PINs, a cashier's or a member's: so many, then a lock, which doubles with each further one."""

from __future__ import annotations

from agent.txn.book import PinTries

MOST_WRONG_PINS = 5
LOCK_MS = 60_000
"""How long the first lock lasts; each wrong PIN after it doubles the next, up to ``MOST_DOUBLINGS`` times."""

MOST_DOUBLINGS = 6


def is_locked(tries: PinTries, now_ms: int) -> bool:
    """Whether the last of too many wrong PINs is less than a lock's time away, whichever way a clock was set since."""
    if tries.count < MOST_WRONG_PINS:
        return False
    lock_ms = LOCK_MS << min(tries.count - MOST_WRONG_PINS, MOST_DOUBLINGS)
    return abs(now_ms - tries.last_ms) < lock_ms
