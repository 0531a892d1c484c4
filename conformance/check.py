"""Comparing what came out with what the source asserts. Everything a case asserts is looked at, or the case fails."""

from collections.abc import Iterator
from dataclasses import fields
from fractions import Fraction

from conformance.cases import Expect, Hint
from conformance.outcome import Outcome

_FIGURES = (
    *("subtotal", "discount", "total", "to_pay", "wallet_balance"),
    *("points_earned", "points_spent", "points_balance", "tier"),
)
_OWN_WAY = ("lines", "applied", "reasons", "free_items", "hint", "parts", "any_order")


def differences(expect: Expect, got: Outcome) -> tuple[str, ...]:
    """Return what differs, one sentence each; nothing where the case passes. Only what the case asserts is compared,
    and an assertion without a comparison is a difference too.
    """
    return tuple(_differences(expect, got))


def _differences(expect: Expect, got: Outcome) -> Iterator[str]:
    for item in fields(expect):
        if item.name not in _FIGURES + _OWN_WAY and getattr(expect, item.name) is not None:
            yield f"{item.name}: asserted, but not compared"
    for name in _FIGURES:
        wanted, found = getattr(expect, name), getattr(got, name)
        if wanted is not None and wanted != found:
            yield f"{name}: expected {_shown(wanted)}, got {_shown(found)}"
    for line, discount in (expect.lines or {}).items():
        if got.lines.get(line) != discount:
            yield f"lines.{line}: expected {discount}, got {got.lines.get(line)}"
    if expect.free_items is not None and dict(expect.free_items) != dict(got.free_items):
        yield f"free_items: expected {dict(expect.free_items)}, got {dict(got.free_items)}"
    yield from _verdicts(expect, got)
    yield from _parts(expect, got)


def _verdicts(expect: Expect, got: Outcome) -> Iterator[str]:
    """The applied promotions as a set: their order is that of application in some sources and of the file in others."""
    if expect.applied is not None and set(expect.applied) - got.idle != got.applied - got.idle:
        yield f"applied: expected {sorted(expect.applied)}, got {sorted(got.applied)}"
    for promotion, reason in (expect.reasons or {}).items():
        if got.reasons.get(promotion) != reason:
            yield f"reasons.{promotion}: expected {reason}, got {got.reasons.get(promotion, 'applied')}"
    for promotion, hint in (expect.hint or {}).items():
        found = got.hint.get(promotion, Hint())
        for item in fields(hint):
            wanted, missing = getattr(hint, item.name), getattr(found, item.name)
            if wanted is not None and wanted != missing:
                yield f"hint.{promotion}.{item.name}: expected {wanted}, got {missing}"


def _parts(expect: Expect, got: Outcome) -> Iterator[str]:
    if expect.parts is None:
        return
    found = got.parts or ()
    same = sorted(expect.parts) == sorted(found) if expect.any_order else expect.parts == found
    if not same:
        yield f"parts: expected {list(expect.parts)}, got {list(found)}"


def _shown(value: object) -> str:
    if isinstance(value, Fraction) and value.denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    return str(value)
