"""Where head office's own entries stand: a chain like a terminal's, under a shop and terminal of its own."""

from contract.ids import TerminalAddress

OFFICE_SHOP = "office"
"""Reserved: no till can be born in it."""
OFFICE_TERMINAL = "hq"


def own_chain_of(tenant: str) -> TerminalAddress:
    """The address of head office's own chain."""
    return TerminalAddress(tenant, OFFICE_SHOP, OFFICE_TERMINAL)


def own_address(tenant: str) -> str:
    """The same as text."""
    return str(own_chain_of(tenant))
