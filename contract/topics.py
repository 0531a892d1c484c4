"""MQTT topics: the only place that spells one.

A terminal writes below its own ``up`` and reads below its own ``down``; the broker's access list holds it to that by
the name in its client certificate.
"""

import re
from enum import StrEnum

from contract.errors import ContractError, Reason
from contract.ids import TerminalAddress, parse_address

ROOT = "tl/1"
KIND_PATTERN = "[a-z0-9_]{1,24}"
"""What a document kind is called, today and later."""

MAX_MESSAGE_BYTES = 65_536
"""No message of this contract is larger; both sides refuse more."""


class Up(StrEnum):
    """What a terminal publishes."""

    HELLO = "hello"
    BATCH = "batch"
    WANT = "want"


class Down(StrEnum):
    """What HQ publishes to one terminal. Announcements are retained, one topic a document kind."""

    WELCOME = "welcome"
    ACK = "ack"
    CHUNK = "chunk"
    ANNOUNCE = "announce"


_ANNOUNCED = re.compile(f"{Down.ANNOUNCE}/{KIND_PATTERN}")


def up(address: TerminalAddress, kind: Up) -> str:
    """The topic a terminal publishes ``kind`` on."""
    return f"{ROOT}/{address}/up/{kind}"


def down(address: TerminalAddress, kind: Down) -> str:
    """The topic HQ publishes ``kind`` on for one terminal (announcements: see :func:`announce`)."""
    return f"{ROOT}/{address}/down/{kind}"


def announce(address: TerminalAddress, kind: str) -> str:
    """The retained topic that names the newest document of a kind for a terminal."""
    return f"{down(address, Down.ANNOUNCE)}/{kind}"


def terminal_subscription(address: TerminalAddress) -> str:
    """The one filter a terminal subscribes to."""
    return f"{ROOT}/{address}/down/#"


def hq_subscription(group: str) -> str:
    """The shared filter (MQTT 5 section 4.8.2) by which HQ's workers in ``group`` share all terminals' messages."""
    return f"$share/{group}/{ROOT}/+/+/+/up/+"


def acl_patterns() -> tuple[tuple[str, str], ...]:
    """What the broker lets a terminal do: (access, topic pattern) in mosquitto's words, ``%u`` being the
    certificate's name.
    """
    # Each kind by name: a terminal that may invent topics may fill whatever head office keeps by topic.
    return (*(("write", f"{ROOT}/%u/up/{kind}") for kind in Up), ("read", f"{ROOT}/%u/down/#"))


def acl_hq() -> tuple[tuple[str, str], ...]:
    """What the broker lets an HQ worker do: (access, topic) in mosquitto's words."""
    return (("read", f"{ROOT}/+/+/+/up/+"), ("write", f"{ROOT}/+/+/+/down/#"))


def read_up(topic: str) -> tuple[TerminalAddress, Up]:
    """Return whose message came and what kind. Raises ContractError(BAD_TOPIC)."""
    address, side, rest = _split(topic)
    if side != "up" or rest not in {kind.value for kind in Up}:
        raise ContractError(Reason.BAD_TOPIC, detail=topic[:120])
    return address, Up(rest)


def read_down(topic: str) -> tuple[TerminalAddress, Down]:
    """Return for whom a message is and what kind; an announcement may be of a document kind that this program does not
    know. Raises ContractError(BAD_TOPIC).
    """
    address, side, rest = _split(topic)
    announced = _ANNOUNCED.fullmatch(rest) is not None
    plain = {kind.value for kind in Down} - {Down.ANNOUNCE.value}
    if side != "down" or not (announced or rest in plain):
        raise ContractError(Reason.BAD_TOPIC, detail=topic[:120])
    return address, Down(rest.partition("/")[0])


def _split(topic: str) -> tuple[TerminalAddress, str, str]:
    parts = topic.split("/", 6)
    if len(parts) != 7 or "/".join(parts[:2]) != ROOT:
        raise ContractError(Reason.BAD_TOPIC, detail=topic[:120])
    try:
        address = parse_address("/".join(parts[2:5]))
    except ContractError as error:
        raise ContractError(Reason.BAD_TOPIC, detail=topic[:120]) from error
    return address, parts[5], parts[6]
