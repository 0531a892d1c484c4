"""What may be shown of a person on a glass that customers see and on a paper that lies about."""

_MOST_STARS = 3


def mask_name(name: str) -> str:
    """Return the name with everything but its ends hidden: ``会*一`` for 会员一, ``M***1`` for a longer one."""
    if len(name) <= 1:
        return name
    if len(name) == 2:
        return f"{name[0]}*"
    return f"{name[0]}{'*' * min(len(name) - 2, _MOST_STARS)}{name[-1]}"


def mask_phone(digits: str) -> str:
    """Return ``138****0001`` for the 11 digits of a mobile number."""
    return f"{digits[:3]}****{digits[-4:]}"


def mask_last4(last4: str | None) -> str:
    """Return ``****0001`` where only the last four digits are known, nothing where not even those are."""
    return f"****{last4}" if last4 else ""
