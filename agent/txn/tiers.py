"""What people call the tiers that shops use most. A tier not listed is called by its own code."""

_NAMES = {
    "regular": ("普通会员", "Member"),
    "silver": ("银卡", "Silver"),
    "gold": ("金卡", "Gold"),
    "platinum": ("白金卡", "Platinum"),
    "diamond": ("钻石卡", "Diamond"),
}


def tier_name(tier: str) -> str:
    """The tier in Chinese."""
    return _NAMES[tier][0] if tier in _NAMES else tier.upper()


def tier_name_en(tier: str) -> str:
    """The tier in English."""
    return _NAMES[tier][1] if tier in _NAMES else tier.upper()
