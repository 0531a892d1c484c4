"""The rule pack: what HQ signs and every till prices by.

A pack is a list of rules with what they refer to, the policies it is priced under, and golden baskets that a terminal
must reproduce to the minor unit before it believes the pack. The wire form is a record; the authored form is JSON
(``rules.authoring``). Nothing in a pack can run code or loop.
"""

from contract import cbor, wire
from contract.errors import ContractError, Reason
from rules.grammar.pack import Pack
from rules.references import require_sense

GRAMMAR = 2
MAX_PACK_BYTES = 8 * 1024 * 1024


def write_pack(pack: Pack) -> bytes:
    """Return the deterministic bytes of a pack. Raises ContractError where it breaks its own grammar."""
    content = wire.pack(pack)
    require_sense(pack)
    if len(content) > MAX_PACK_BYTES:
        raise ContractError(Reason.TOO_LARGE, detail=f"{len(content)} bytes, at most {MAX_PACK_BYTES}")
    return content


def read_pack(content: bytes) -> Pack:
    """Decode and check a pack, strictly and as a whole. Raises ContractError with the path to the first field that
    is wrong, NEWER_GRAMMAR for a pack this program is too old, or too new, for.
    """
    plain = cbor.decode(content, MAX_PACK_BYTES)
    grammar = plain.get(1) if type(plain) is dict else None
    if type(grammar) is int and grammar != GRAMMAR:
        raise ContractError(Reason.NEWER_GRAMMAR, "grammar", f"{grammar}; this program reads {GRAMMAR}")
    found = wire.from_wire(Pack, plain)
    require_sense(found)
    return found
