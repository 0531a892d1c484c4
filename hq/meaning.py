"""What an entry says: itself, or the entry of an earlier epoch that it carries. Pure."""

from collections.abc import Mapping

from contract.bodies import Body, CarryOverBody, EntryKind
from contract.envelope import digest, keyring
from contract.errors import ContractError, Reason
from contract.journal import Entry, EntryHeader, open_entry
from contract.making import dataclass
from contract.signing import PublicKey


@dataclass(frozen=True, slots=True)
class Meaning:
    """Header, body and SHA-256 of an entry as its till first signed it. ``carried`` where a later epoch brought it."""

    header: EntryHeader
    body: Body
    digest: bytes
    carried: bool = False


class CarriedFalsely(Exception):
    """A carry-over that does not hold what it says: a detail for people."""


def meaning_of(entry: Entry, keys: Mapping[int, PublicKey]) -> Meaning:
    """Return what ``entry``, verified and in its place, says. ``keys`` are its till's by epoch.

    Raises ContractError where this head office cannot read it, CarriedFalsely where what it carries is not a signed
    entry of an earlier epoch of this till, from the place and of the transaction it names.
    """
    body = entry.body()
    if not isinstance(body, CarryOverBody):
        return Meaning(entry.header, body, entry.digest)
    # An epoch that head office never heard of is one the till began itself, with a key that it has.
    signers = (keys[body.epoch],) if body.epoch in keys else tuple(keys.values())
    try:
        original = open_entry(body.sealed, keyring(*signers))
    except ContractError as error:
        if error.reason in (Reason.UNKNOWN_KEY, Reason.BAD_SIGNATURE, Reason.NOT_AN_ENVELOPE):
            raise CarriedFalsely(str(error)) from error
        raise
    _require_own(entry.header, body, original.header)
    return Meaning(original.header, original.body(), digest(body.sealed), carried=True)


def _require_own(carrier: EntryHeader, body: CarryOverBody, original: EntryHeader) -> None:
    named = (carrier.address, body.epoch, body.seq, carrier.transaction)
    if (original.address, original.epoch, original.seq, original.transaction) != named:
        raise CarriedFalsely(f"carries {original.address} epoch {original.epoch} seq {original.seq}")
    if original.epoch >= carrier.epoch:
        raise CarriedFalsely(f"epoch {carrier.epoch} carries an entry of epoch {original.epoch}")
    if original.kind is EntryKind.CARRY_OVER:
        raise CarriedFalsely("carries a carry-over")
