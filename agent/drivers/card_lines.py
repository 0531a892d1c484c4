"""What a card reader's own process tells the till of cards, as lines of JSON, there and back.

`{"t":"card","kind":kind,"uid":hex,"seen_ns":int,"assurance":CardAssurance,"content":hex or null,"counter":int or null}`
and `{"t":"refused","reason":CardProblem}`. The same for every technology.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.drivers.facts import CardAssurance, CardKind, CardPresented, CardProblem, CardRefused, Fact
from contract.making import dataclass

MAX_CONTENT_BYTES = 4_096
_UID_BYTES = range(0, 11)


@dataclass(frozen=True, slots=True)
class CardFound:
    """A card that was read, as `CardPresented` tells of it; `uid` is empty where the card gave none."""

    kind: CardKind
    uid: bytes
    seen_monotonic_ns: int
    assurance: CardAssurance = CardAssurance.UID
    content: bytes | None = None
    counter: int | None = None


def card_line(found: CardFound) -> dict[str, object]:
    """The line for a card that was read."""
    return {
        "t": "card",
        "kind": str(found.kind),
        "uid": found.uid.hex(),
        "seen_ns": found.seen_monotonic_ns,
        "assurance": str(found.assurance),
        "content": None if found.content is None else found.content.hex(),
        "counter": found.counter,
    }


def refused_line(reason: CardProblem) -> dict[str, object]:
    """The line for a card that could not be presented."""
    return {"t": "refused", "reason": str(reason)}


def same_card(one: Fact, other: Fact) -> bool:
    """Whether both tell of one card, as far as that can be known: it has a number, or carries something."""
    if not (isinstance(one, CardPresented) and isinstance(other, CardPresented)):
        return False
    known = bool(one.uid or one.content)
    return known and (one.kind, one.uid, one.content) == (other.kind, other.uid, other.content)


def card_fact(device: str, said: Mapping[str, object]) -> Fact:
    """Make the fact of such a line. Raises ValueError for any other."""
    match said:
        case {"t": "refused", "reason": str(reason)}:
            return CardRefused(device, CardProblem(reason))
        case {
            "t": "card",
            "kind": str(kind),
            "uid": str(uid),
            "seen_ns": int(seen_ns),
            "assurance": str(assurance),
            "content": content,
            "counter": None | int() as counter,
        }:
            number = bytes.fromhex(uid)
            carried = bytes.fromhex(content) if isinstance(content, str) else None
            if len(number) not in _UID_BYTES or len(carried or b"") > MAX_CONTENT_BYTES:
                raise ValueError("more than a card can have")
            return CardPresented(device, CardKind(kind), number, seen_ns, carried, CardAssurance(assurance), counter)
    raise ValueError("no such line")
