"""What people call the coupons and count cards that rules give."""

from rules.grammar.pack import Pack


def coupon_called(name: str, pack: Pack | None) -> tuple[str, str]:
    """Return a coupon's title (Chinese, English); its name where the pack does not know it, or is not kept."""
    templates = () if pack is None else pack.coupons
    return next(((item.title, item.title_en) for item in templates if item.coupon == name), (name, name))


def card_called(card: str, pack: Pack | None) -> tuple[str, str]:
    """Return a count card's title (Chinese, English); its name where the pack does not know it, or is not kept."""
    cards = () if pack is None else pack.count_cards
    return next(((item.title, item.title_en) for item in cards if item.card == card), (card, card))
