"""What the link tells the till, from its own thread into the till's mailbox."""

from collections.abc import Callable
from enum import StrEnum

from contract.making import dataclass


class LinkProblem(StrEnum):
    """Why there is no connection. The values are stable: they are shown, logged and documented."""

    REFUSED = "refused"
    """The broker's machine answered that nobody listens there."""
    UNREACHABLE = "unreachable"
    """No way there: no network, no such name, no answer in time."""
    TLS = "tls"
    """The handshake failed: not our authority's certificate, another name, or no TLS at all."""
    REJECTED = "rejected"
    """The broker let the connection drop before it had let us in: most often it does not know our certificate."""
    DENIED = "denied"
    """The broker answered, and said no to the connection or to our subscription."""
    TAKEN_OVER = "taken_over"
    """Somebody else connected with our certificate: a second agent, or a copied terminal."""
    SILENT = "silent"
    """The broker or head office said nothing for too long."""
    LOST = "lost"
    """An open connection broke."""
    PROTOCOL = "protocol"
    """The other side does not speak MQTT 5, or sent more than it may."""
    KEYS = "keys"
    """Our own certificate or key cannot be read."""


@dataclass(frozen=True, slots=True)
class LinkUp:
    """Connected, subscribed, and ready to publish."""


@dataclass(frozen=True, slots=True)
class LinkDown:
    """Not connected, and why; the link goes on trying. ``detail`` is for the log."""

    reason: LinkProblem
    detail: str = ""


@dataclass(frozen=True, slots=True)
class MessageArrived:
    """A message as the broker delivered it, not believed yet. ``topic`` is empty where it was no text."""

    topic: str
    payload: bytes


LinkFact = LinkUp | LinkDown | MessageArrived
Emit = Callable[[LinkFact], bool]
"""Takes a fact without blocking; False means there was no room for it now."""
