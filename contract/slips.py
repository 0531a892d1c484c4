"""A slip: value that leaves one terminal on paper, for one other terminal that is named on it.

It is signed by the journal key of the terminal it leaves, which the addressee knows from head office's keys document,
and is taken once, by the addressee alone, with or without a network.
"""

from contract import wire
from contract.bodies import MAX_SLIP_BYTES
from contract.envelope import ContentType, Keyring, open_sealed, seal
from contract.errors import ContractError, Reason
from contract.ids import TerminalAddress
from contract.making import dataclass
from contract.signing import Signer
from contract.texts import read_text_form, text_form
from contract.value import Lease

PREFIX = "TLS1:"
GRAMMAR = 1


@dataclass(frozen=True, slots=True)
class Slip:
    """What is carried from where to whom. ``value.lease`` is the slip's id: the transaction id of the entry that let it
    out; at the addressee it becomes a lease of that id.
    """

    grammar: int = wire.at(1, wire.whole(1, 255))
    giver: TerminalAddress = wire.at(2, wire.record(TerminalAddress))
    giver_epoch: int = wire.at(3, wire.whole(1, 2**31))
    addressee: TerminalAddress = wire.at(4, wire.record(TerminalAddress))
    value: Lease = wire.at(5, wire.record(Lease))


def seal_slip(signer: Signer, slip: Slip) -> bytes:
    """Return the slip as bytes, signed by the terminal it leaves. Raises ContractError(TOO_LARGE) above
    ``MAX_SLIP_BYTES``.
    """
    sealed = seal(signer, ContentType.SLIP, wire.pack(slip))
    if len(sealed) > MAX_SLIP_BYTES:
        raise ContractError(Reason.TOO_LARGE, detail=f"{len(sealed)} bytes")
    return sealed


def open_slip(data: bytes, believed: Keyring) -> Slip:
    """Verify a slip by the keys of the terminals there are and decode it. Raises ContractError. Whether it is for this
    terminal, still good, and signed by the key of the terminal it names, is the caller's to judge.
    """
    opened = open_sealed(data, ContentType.SLIP, believed, MAX_SLIP_BYTES)
    slip = wire.unpack(Slip, opened.payload, MAX_SLIP_BYTES)
    if slip.grammar != GRAMMAR:
        raise ContractError(Reason.NEWER_GRAMMAR, "grammar", str(slip.grammar))
    return slip


def slip_text(data: bytes) -> str:
    """Return the text that goes into the slip's QR code."""
    return text_form(PREFIX, data)


def read_slip_text(text: str) -> bytes:
    """Return the bytes written as :func:`slip_text` does. Raises ContractError(BAD_TEXT_FORM or TOO_LARGE)."""
    return read_text_form(PREFIX, text)
