"""An order to write onto tags instead of reading them, on its way to the process that has the reader."""

from __future__ import annotations

import argparse

from agent.drivers.cards.identify import Activated
from contract.making import dataclass


@dataclass(frozen=True, slots=True)
class Order:
    """Which NDEF message is to be written, and onto which tag alone (its number; empty: onto each that comes)."""

    message: bytes
    only: bytes = b""

    def is_for(self, card: Activated) -> bool:
        """Whether this card is to get it."""
        return self.only in (b"", card.uid)

    def to_arguments(self) -> tuple[str, ...]:
        """The process's arguments."""
        return ("--write", self.message.hex(), "--only", self.only.hex())

    @classmethod
    def from_arguments(cls, options: argparse.Namespace) -> Order | None:
        """The order in them; None without one."""
        return cls(bytes.fromhex(options.write), bytes.fromhex(options.only)) if options.write else None


def add_order_arguments(arguments: argparse.ArgumentParser) -> None:
    """Add what `Order.to_arguments` gives."""
    arguments.add_argument("--write", default="", help="an NDEF message in hexadecimal that each tag is to get")
    arguments.add_argument("--only", default="", help="the number, in hexadecimal, of the one tag that is to get it")
