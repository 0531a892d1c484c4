"""What a shop's cards carry and where, as the tables of a card reader in agent.toml say it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agent.drivers.cards.desfire import FileMode
from contract import settings
from contract.making import dataclass

_APPLICATION_BYTES = 3
_NDEF_APPLICATION, _NDEF_FILE = "d2760000850101", "e104"


@dataclass(frozen=True, slots=True)
class TagPlan:
    """NTAGs: the name of the master key that their passwords come from (empty: none), and the issuer's own word."""

    key: str = ""
    system: bytes = b""
    counter: bool = False


@dataclass(frozen=True, slots=True)
class DesfirePlan:
    """DESFire cards: the application (3 bytes as sent), its key, and the file that is read (None: none is).

    `key` names the master key from which each card's own comes. Cards that hide their number tell it under another key
    of the application, `number_key_number` (None: there are no such cards), which is the same for all of them.
    """

    application: bytes
    key: str
    key_number: int
    number_key_number: int | None
    system: bytes
    file: int | None
    mode: FileMode


@dataclass(frozen=True, slots=True)
class FilePlan:
    """Cards with files: the application's name and the file's identifier."""

    application: bytes
    file: bytes


@dataclass(frozen=True, slots=True)
class TokenPlan:
    """Where the master keys are: a PKCS#11 library, the token's label, and the file that holds the PIN alone."""

    library: str
    token: str
    pin_file: str


@dataclass(frozen=True, slots=True)
class CardPlan:
    """All of it. What is None is not looked for."""

    tag: TagPlan = TagPlan()
    desfire: DesfirePlan | None = None
    file: FilePlan | None = None
    token: TokenPlan | None = None


def _hex(low: int, high: int, default: str | settings.Absent | None = settings.REQUIRED) -> settings.Setting:
    words = (f"{low} to {high} bytes in hexadecimal", f"十六进制的 {low} 至 {high} 个字节")
    return settings.text(default, pattern=f"(?:[0-9a-fA-F]{{2}}){{{low},{high}}}", words=words)


def _key_name(default: str | settings.Absent | None) -> settings.Setting:
    return settings.text(default, max_chars=64)


TABLES: dict[str, settings.Setting | settings.Table | settings.Tables] = {
    "tag": settings.Table(
        {"key": _key_name(None), "system": _hex(1, 16, None), "counter": settings.flag(default=False)}, optional=True
    ),
    "desfire": settings.Table(
        {
            "application": _hex(_APPLICATION_BYTES, _APPLICATION_BYTES),
            "key": _key_name(settings.REQUIRED),
            "key_number": settings.whole(0, 13, default=0),
            "number_key_number": settings.whole(0, 13, default=None),
            "system": _hex(1, 16, None),
            "file": settings.whole(0, 31, default=None),
            "mode": settings.choice((mode.value for mode in FileMode), default=FileMode.ENCIPHERED.value),
        },
        optional=True,
    ),
    "file": settings.Table(
        {"application": _hex(5, 16, _NDEF_APPLICATION), "file": _hex(2, 2, _NDEF_FILE)}, optional=True
    ),
    "token": settings.Table(
        {"library": settings.text(), "token": settings.text(max_chars=32), "pin_file": settings.text()}, optional=True
    ),
}
"""The tables that every card reader takes beside its own options."""


def plan_of(values: Mapping[str, Any]) -> CardPlan:
    """Make the plan of tables checked by `TABLES`. Raises SettingsError where a key is named and no token."""
    tag, desfire, file, token = (values.get(name) for name in TABLES)
    if token is None and ((desfire is not None) or (tag is not None and tag["key"])):
        raise settings.SettingsError((_NO_TOKEN,))
    return CardPlan(
        TagPlan() if tag is None else TagPlan(tag["key"] or "", _bytes(tag["system"]), tag["counter"]),
        None if desfire is None else _desfire(desfire),
        None if file is None else FilePlan(bytes.fromhex(file["application"]), bytes.fromhex(file["file"])),
        None if token is None else TokenPlan(token["library"], token["token"], token["pin_file"]),
    )


def to_argument(values: Mapping[str, Any]) -> str:
    """Write checked tables as one argument for a reader's own process; no key and no PIN is in it."""
    return json.dumps({name: values[name] for name in TABLES if values.get(name) is not None})


def from_argument(written: str) -> CardPlan:
    """Read what `to_argument` wrote."""
    return plan_of(json.loads(written))


def _desfire(table: Mapping[str, Any]) -> DesfirePlan:
    # People write an application's number as a number, DESFire sends its low byte first.
    application = bytes.fromhex(table["application"])[::-1]
    mode = FileMode(table["mode"])
    return DesfirePlan(
        application,
        table["key"],
        table["key_number"],
        table["number_key_number"],
        _bytes(table["system"]),
        table["file"],
        mode,
    )


def _bytes(written: str | None) -> bytes:
    return bytes.fromhex(written or "")


_NO_TOKEN = settings.Problem(
    "token",
    "is missing, and a key is named",
    "缺少此项，而已写了密钥名",
    "Write [token] with library, token and pin_file.",
    "请填写 [token] 的 library、token 和 pin_file。",
)
