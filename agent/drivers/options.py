"""Shapes of options that several drivers share, beside those of :mod:`contract.settings`.

Every driver declares its options as a settings table, so that a mistake in them is told as any other in the
configuration.
"""

from __future__ import annotations

import os

from contract import settings

SLOWEST_BAUD, FASTEST_BAUD = 300, 4_000_000

SOCKET_MOST_BYTES = 107
"""unix(7): what a path of a Unix socket may have, without the NUL behind it."""


def seconds(default: float, low: float, high: float) -> settings.Setting:
    """A time in seconds from `low` to `high`, whole or not."""
    return settings.Setting(
        lambda value: isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high,
        f"a time from {low:g} to {high:g} seconds",
        f"{low:g} 至 {high:g} 秒的时间",
        default,
    )


def baud() -> settings.Setting:
    """The speed of a serial line in baud."""
    return settings.whole(SLOWEST_BAUD, FASTEST_BAUD, default=9600)


def is_socket_path(value: object) -> bool:
    """Whether it can be the path of a Unix socket, from the root on."""
    if type(value) is not str or not value.startswith("/") or not value.isprintable():
        return False
    return len(os.fsencode(value)) <= SOCKET_MOST_BYTES
