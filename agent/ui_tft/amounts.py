"""Amounts and names as the glass writes them."""

from __future__ import annotations

from agent.txn.state import Lang, Line
from agent.txn.tiers import tier_name, tier_name_en
from contract.money import format_minor


def money(amount_minor: int, currency: str) -> str:
    """Return ``¥221.20`` for yuan, ``EUR 221.20`` for any other currency."""
    return f"¥{format_minor(amount_minor)}" if currency == "CNY" else f"{currency} {format_minor(amount_minor)}"


def tier_words(tier: str, lang: Lang) -> str:
    """The tier as people call it."""
    return tier_name(tier) if lang is Lang.ZH else tier_name_en(tier)


def line_words(line: Line, lang: Lang) -> str:
    """What a line is: the article's name, and how many where it is not one."""
    name = line.item.name if lang is Lang.ZH else line.item.name_en
    return f"{name} × {line.quantity}" if line.quantity > 1 else name


def phone_groups(digits: str) -> str:
    """Return ``138 0000 0001``: a mobile number as people read it, whole or in part."""
    return " ".join(part for part in (digits[:3], digits[3:7], digits[7:]) if part)
