"""Names of things, from tenant to transaction, and the receipt number people read."""

import re
from dataclasses import dataclass

from contract import wire
from contract.errors import ContractError, Reason

NAME_PATTERN = "[a-z0-9](?:[a-z0-9-]{0,15})"
"""Tenant, shop and terminal names: 1 to 16 of a-z, 0-9 and '-', not starting with '-'. Three of them and two slashes
fit a certificate's 64-character common name (RFC 5280, ub-common-name).
"""

NAME = wire.text(16, NAME_PATTERN)
MEMBER_ID = wire.text(24, "[a-z0-9-]{1,24}")
CASHIER_ID = wire.text(8, "[0-9]{1,8}")
SKU = wire.text(32, "[A-Za-z0-9._-]{1,32}")
TIER = wire.text(16, "[a-z0-9_-]{1,16}")
TAG = wire.text(24, "[a-z0-9_-]{1,24}")
CATEGORY = wire.text(24, "[a-z0-9_-]{1,24}")
RULE = wire.text(32, "[a-z0-9_.-]{1,32}")
TRANSACTION_ID = wire.octets(16)
DIGEST = wire.octets(32)

_NAME = re.compile(NAME_PATTERN)


@dataclass(frozen=True, slots=True, order=True)
class TerminalAddress:
    """Which till: tenant, shop and terminal. ``str()`` gives ``tenant/shop/terminal``, the form in certificates and
    topics.
    """

    tenant: str = wire.at(1, NAME)
    shop: str = wire.at(2, NAME)
    terminal: str = wire.at(3, NAME)

    def __str__(self) -> str:
        return f"{self.tenant}/{self.shop}/{self.terminal}"


def parse_address(text: str) -> TerminalAddress:
    """Return the address written as ``tenant/shop/terminal``. Raises ContractError(BAD_ID) for any other text."""
    parts = text.split("/")
    if len(parts) != 3 or not all(_NAME.fullmatch(part) for part in parts):
        raise ContractError(Reason.BAD_ID, detail=f"expected tenant/shop/terminal, each {NAME_PATTERN}")
    return TerminalAddress(*parts)


def receipt_number(address: TerminalAddress, epoch: int, seq: int) -> str:
    """Return the number printed on paper: shop, terminal, epoch and sequence, unique within a tenant for ever.

    A dot parts shop and terminal, because their names may hold the dash: ``a-b`` and ``c`` must not read as ``a`` and
    ``b-c``.
    """
    return f"{address.shop}.{address.terminal}-{epoch}-{seq:06d}".upper()
