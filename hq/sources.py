"""The files in which head office's staff hand in members, cashiers, the catalogue and new tills.

JSON, or CSV (RFC 4180) with a header line for members and cashiers; lists are separated by spaces there. A file is read
as strictly as a configuration: all mistakes at once, each with its row.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract import settings
from contract.basket import MOST_VISIT_DAYS, TaxRate
from contract.calendar import day_of, yearly_of
from contract.documents import CatalogueContent, CatalogueItem
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.money import MAX_AMOUNT_MINOR
from contract.signing import PublicKey, parse_public_key

_WORD = "[a-z0-9_-]{1,24}"
_TIER = "[a-z0-9_-]{1,16}"
_BARCODE = "[0-9]{8,14}"
_SKU = "[A-Za-z0-9._-]{1,32}"
_NUMBER = re.compile("[0-9]{1,10}")

MEMBERS = settings.Table(
    {
        "members": settings.Tables(
            settings.Table(
                {
                    "member": settings.text(pattern="[a-z0-9-]{1,24}"),
                    "name": settings.text(max_chars=40),
                    "tier": settings.text(pattern=_TIER),
                    "tags": settings.several(settings.text(pattern=_WORD), 32, default=()),
                    "cards": settings.several(settings.text(pattern="(?:[0-9A-Fa-f]{2}){4,10}"), 8, default=()),
                    "phone": settings.text(default=None, pattern="[0-9]{5,15}"),
                    "segments": settings.several(settings.text(pattern=_WORD), 32, default=()),
                    "card_type": settings.text(default=None, pattern=_WORD),
                    "birthday": settings.text(default=None, pattern="[0-9]{2}-[0-9]{2}"),
                    "visits": settings.whole(0, 2**31, default=None),
                    "visit_days": settings.several(
                        settings.text(pattern="[0-9]{4}-[0-9]{2}-[0-9]{2}"), MOST_VISIT_DAYS, default=()
                    ),
                    "pin": settings.text(default=None, pattern="[0-9]{4,8}", secret=True),
                }
            ),
            most=1_000_000,
        )
    }
)

CASHIERS = settings.Table(
    {
        "cashiers": settings.Tables(
            settings.Table(
                {
                    "number": settings.text(pattern="[0-9]{1,8}"),
                    "name": settings.text(max_chars=40),
                    "pin": settings.text(pattern="[0-9]{4,8}", secret=True),
                }
            ),
            most=1_000,
        )
    }
)

CATALOGUE = settings.Table(
    {
        "currency": settings.text(pattern="[A-Z]{3}"),
        "shop_name": settings.text(max_chars=40),
        "open_sku": settings.text(pattern=_SKU),
        "items": settings.Tables(
            settings.Table(
                {
                    "sku": settings.text(pattern=_SKU),
                    "name": settings.text(max_chars=40),
                    "name_en": settings.text(max_chars=40),
                    "category": settings.text(pattern=_WORD),
                    "price_minor": settings.whole(0, MAX_AMOUNT_MINOR),
                    "barcode": settings.text(default=None, pattern=_BARCODE),
                    "more_categories": settings.several(settings.text(pattern=_WORD), 7, default=()),
                    "brand": settings.text(default=None, pattern=_WORD),
                    "tags": settings.several(settings.text(pattern=_WORD), 16, default=()),
                    "member_price_minor": settings.whole(0, MAX_AMOUNT_MINOR, default=None),
                    "floor_minor": settings.whole(0, MAX_AMOUNT_MINOR, default=0),
                    "reduced": settings.flag(default=False),
                    "excluded": settings.flag(default=False),
                    "taxes": settings.Tables(
                        settings.Table({"tax": settings.text(pattern=_WORD), "rate_bp": settings.whole(0, 10_000)}),
                        most=4,
                    ),
                }
            ),
            most=200_000,
        ),
    }
)

ENROLMENT = settings.Table(
    {
        "tenant": settings.name(),
        "shop": settings.name(),
        "terminal": settings.name(),
        "epoch": settings.whole(1, 2**31),
        "journal_public_key": settings.text(pattern="(?:eddsa:[0-9a-f]{64}|es256:[0-9a-f]{66})"),
    }
)


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member as handed in. ``cards`` are UIDs in lower-case hexadecimal; ``birthday`` and ``visit_days`` are days of
    ``contract.calendar``; ``pin`` is the PIN itself, which nobody keeps.
    """

    member: str
    name: str
    tier: str
    tags: tuple[str, ...]
    cards: tuple[str, ...]
    phone: str | None
    segments: tuple[str, ...] = ()
    card_type: str | None = None
    birthday: int | None = None
    visits: int | None = None
    visit_days: tuple[int, ...] = ()
    pin: str | None = None


@dataclass(frozen=True, slots=True)
class CashierRow:
    """A cashier as handed in, with the PIN itself, which nobody keeps."""

    number: str
    name: str
    pin: str


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A new till, or a new epoch of one, and the key its journal is signed with."""

    address: TerminalAddress
    epoch: int
    key: PublicKey


def read_members(path: Path) -> tuple[MemberRow, ...]:
    """Read members from a JSON or CSV file. Raises OSError, or SettingsError with every mistake."""
    plain = _plain(path, "members", ("tags", "cards", "segments", "visit_days"), ("visits",))
    rows = settings.read(plain, MEMBERS, str(path))["members"]
    found = tuple(_member(path, index, row) for index, row in enumerate(rows))
    _require_once(path, "members.member", (row.member for row in found))
    _require_once(path, "members.phone", (row.phone for row in found if row.phone))
    _require_once(path, "members.cards", (card for row in found for card in row.cards))
    return found


def read_cashiers(path: Path) -> tuple[CashierRow, ...]:
    """Read cashiers from a JSON or CSV file. Raises OSError, or SettingsError with every mistake."""
    rows = settings.read(_plain(path, "cashiers", ()), CASHIERS, str(path))["cashiers"]
    found = tuple(CashierRow(**row) for row in rows)
    _require_once(path, "cashiers.number", (row.number for row in found))
    return found


def read_catalogue(path: Path) -> CatalogueContent:
    """Read a catalogue from a JSON file. Raises OSError, or SettingsError with every mistake."""
    values = settings.read(read_json(path), CATALOGUE, str(path))
    items = tuple(
        CatalogueItem(**{**row, "taxes": tuple(TaxRate(**rate) for rate in row["taxes"])})
        for row in values.pop("items")
    )
    _require_once(path, "items.sku", (item.sku for item in items))
    _require_once(path, "items.barcode", (item.barcode for item in items if item.barcode))
    if values["open_sku"] not in {item.sku for item in items}:
        raise _wrong(path, "open_sku", "names no item", "没有这个商品", "Add that item.", "请添加该商品。")
    return CatalogueContent(**values, items=items)


def read_enrolment(path: Path) -> Enrolment:
    """Read the slip a terminal was born with. Raises OSError, or SettingsError with every mistake."""
    values = settings.read(settings.parse_toml(_text(path), str(path)), ENROLMENT, str(path))
    try:
        key = parse_public_key(values["journal_public_key"])
    except ContractError as error:
        raise _wrong(
            path, "journal_public_key", "is no key", "不是公钥", "Ask for the slip again.", "请重新取得登记单。"
        ) from error
    return Enrolment(TerminalAddress(values["tenant"], values["shop"], values["terminal"]), values["epoch"], key)


def _member(path: Path, index: int, row: dict[str, Any]) -> MemberRow:
    """A member of the file, days and card numbers in the form we keep."""
    birthday, days = row["birthday"], row["visit_days"]
    place = f"members[{index}]"
    kept = {
        "cards": tuple(card.lower() for card in row["cards"]),
        "birthday": None if birthday is None else _day(path, f"{place}.birthday", birthday, yearly_of),
        "visit_days": tuple(_day(path, f"{place}.visit_days", day, day_of) for day in days),
    }
    return MemberRow(**{**row, **kept})


def _day(path: Path, name: str, written: str, read: Callable[[str], int]) -> int:
    try:
        return read(written)
    except ContractError as error:
        raise _wrong(
            path, name, f"{written} is no day", f"{written} 不是日期", "Write a day there is.", "请填写存在的日期。"
        ) from error


def _plain(path: Path, name: str, lists: tuple[str, ...], numbers: tuple[str, ...] = ()) -> dict[str, Any]:
    if path.suffix.lower() != ".csv":
        return read_json(path)
    try:
        table = list(csv.DictReader(_text(path).splitlines(), restkey="too many columns"))
    except csv.Error as error:
        raise _wrong(path, "", f"not CSV: {error}", f"不是 CSV:{error}", "Correct it.", "请改正。") from error
    rows = []
    for row in table:
        # An empty cell says nothing, so the setting's own default or "is missing" holds.
        kept: dict[str, Any] = {key: value for key, value in row.items() if value}
        for key in kept.keys() & {*lists}:
            kept[key] = kept[key].split()
        for key in kept.keys() & {*numbers}:
            kept[key] = int(kept[key]) if _NUMBER.fullmatch(kept[key]) else kept[key]
        rows.append(kept)
    return {name: rows}


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises OSError, or SettingsError where there is none."""
    try:
        found = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise _wrong(path, "", f"not JSON: {error}", f"不是 JSON:{error}", "Correct it.", "请改正。") from error
    if not isinstance(found, dict):
        raise _wrong(path, "", "is not a JSON object", "不是 JSON 对象", "Write {...}.", "请写成 {...}。")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong(
            path, "", "is not UTF-8 text", "不是 UTF-8 文本", "Save it as UTF-8.", "请保存为 UTF-8。"
        ) from error


def _require_once(path: Path, name: str, values: Iterable[str]) -> None:
    twice = [value for value, times in Counter(values).items() if times > 1]
    if twice:
        listed = ", ".join(twice[:10])
        raise _wrong(path, name, f"given more than once: {listed}", f"重复:{listed}", "Keep one.", "请只保留一个。")


def _wrong(
    path: Path, name: str, cause: str, cause_zh: str, suggestion: str, suggestion_zh: str
) -> settings.SettingsError:
    return settings.SettingsError((settings.Problem(name, cause, cause_zh, suggestion, suggestion_zh),), str(path))
