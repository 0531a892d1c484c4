"""What head office's accountant does, each as one call: say on what terms shops settle, settle, close a period, look at
a closed one.

Every call raises OSError, SettingsError, ContractError or OfficeError with the reason where it is refused.
"""

import json
import time
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection

from contract import settings
from contract.calendar import date_of, day_of
from contract.said import Said
from hq.db import reading, writing
from hq.errors import OfficeError, not_utf8
from hq.office import Office
from hq.periods import (
    Period,
    Progress,
    close_period,
    closed_periods,
    entries_between,
    kept_lines,
    open_entries,
    recomputed,
    settle_entries,
)
from hq.settlement.movements import Kind
from hq.settlement.plain import plain_report
from hq.settlement.report import Line, RowKey
from hq.settlement.terms import WHOLE_BP, WHOLE_PERMILLE, BonusShares, SettlementClass, ShopTerms
from hq.settlement_text import period_text, report_text
from hq.shop_terms import add_terms

SHOP_TERMS = settings.Table(
    {
        "shop": settings.Tables(
            settings.Table(
                {
                    "shop": settings.name(),
                    "company": settings.name(),
                    "settles": settings.choice([item.value for item in SettlementClass]),
                    "rate_bp": settings.whole(0, WHOLE_BP, default=WHOLE_BP),
                    "from_day": settings.text(default=None, pattern="[0-9]{4}-[0-9]{2}-[0-9]{2}"),
                    "bonus_issuer": settings.whole(0, WHOLE_PERMILLE, default=WHOLE_PERMILLE),
                    "bonus_spender": settings.whole(0, WHOLE_PERMILLE, default=0),
                    "bonus_office": settings.whole(0, WHOLE_PERMILLE, default=0),
                }
            ),
            most=20_000,
        )
    }
)


def load_shop_terms(office: Office, path: Path, zone: str) -> Said:
    """Write down the terms in ``path`` (TOML); return a sentence about it."""
    try:
        written = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(path) from error
    values = settings.read(settings.parse_toml(written, str(path)), SHOP_TERMS, str(path))
    told = [
        ShopTerms(
            row["shop"],
            0 if row["from_day"] is None else day_start_ms(row["from_day"], zone),
            row["company"],
            SettlementClass(row["settles"]),
            row["rate_bp"],
            BonusShares(row["bonus_issuer"], row["bonus_spender"], row["bonus_office"]),
        )
        for row in values["shop"]
    ]
    with writing(office.engine) as connection:
        new = add_terms(connection, office.config.tenant, told, _now_ms())
    return Said(f"{len(told)} 条条款中新增 {new} 条", f"{new} of {len(told)} terms are new")


def settled(
    office: Office, days: tuple[str | None, str | None], zone: str, receipts: bool, progress: Progress
) -> dict[str, Any]:
    """Return the settlement report over the days from the first to the second of ``days``, both counted; over all
    entries that are in no closed period where none is named. With ``receipts`` each row lists the entries it comes
    from.
    """
    drilled: dict[RowKey, list[dict[str, Any]]] = {}

    def drill(line: Line) -> None:
        entry = line.entry
        said = {"receipt": entry.receipt, "transaction": entry.transaction.hex(), "amount_minor": line.amount_minor}
        drilled.setdefault(line.key, []).append(said)

    zone_of(zone)
    first, last = days
    from_ms = 0 if first is None else day_start_ms(first, zone)
    to_ms = _now_ms() if last is None else day_start_ms(last, zone, 1)
    with reading(office.engine) as connection:
        if first is None and last is None:
            found = open_entries(connection, progress)
        else:
            found = entries_between(connection, from_ms, to_ms, progress)
        report = settle_entries(connection, office.config.tenant, found, to_ms - 1, drill if receipts else None)
    return plain_report(report, drilled if receipts else None)


def settled_text(said: dict[str, Any], as_json: bool) -> str:
    """A report as the command line prints it."""
    return _json(said) if as_json else report_text(said)


def close(office: Office, last: str, name: str | None, zone: str, progress: Progress) -> str:
    """Close the books through the day ``last``; return the closed period as text."""
    with writing(office.engine) as connection:
        period = close_period(
            connection, office.config.tenant, name or last, day_start_ms(last, zone, 1), _now_ms(), progress
        )
    return period_text(json.loads(period.report), period.report_hash)


def shown(office: Office, name: str | None, as_json: bool, receipts: bool, progress: Progress) -> tuple[str, bool]:
    """Return a closed period (the newest where none is named) as it was printed when it was closed, and whether its
    signed entries still make the very same report. With ``receipts`` its rows list the entries they come from.
    """
    with reading(office.engine) as connection:
        period = _named(closed_periods(connection), name)
        again = recomputed(connection, office.config.tenant, period, progress)
        drilled = _drilled(connection, period) if receipts else {}
    holds = again == period.report
    if as_json:
        return period.report.decode(), holds
    told = json.loads(period.report)
    for row in told["settlement"]["rows"]:
        parties = (row["currency"], row.get("late_of", ""), row["payer"], row["payee"])
        row["receipts"] = drilled.get(RowKey(*parties, Kind(row["kind"])), [])
    said = "重算一致 recomputed from its signed entries: the same" if holds else "重算不一致 RECOMPUTED OTHERWISE"
    return f"{period_text(told, period.report_hash)}\n\n{said}", holds


def _drilled(connection: Connection, period: Period) -> dict[RowKey, list[dict[str, Any]]]:
    found: dict[RowKey, list[dict[str, Any]]] = {}
    for key, receipt, transaction, amount in kept_lines(connection, period):
        said = {"receipt": receipt, "transaction": transaction.hex(), "amount_minor": amount}
        found.setdefault(key, []).append(said)
    return found


def day_start_ms(day: str, zone: str, later: int = 0) -> int:
    """The first millisecond, in the time zone ``zone``, of the day that is ``later`` days after ``day``. Raises
    ContractError where there is no such day, OfficeError where there is no such zone.
    """
    date = date_of(day_of(day) + later)
    return int(datetime(date.year, date.month, date.day, tzinfo=zone_of(zone)).timestamp()) * 1_000


def zone_of(zone: str) -> tzinfo:
    """The time zone of that name. Raises OfficeError where there is none."""
    try:
        return UTC if zone == "UTC" else ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise OfficeError(
            f"{zone}：没有这个时区；请写成 Asia/Shanghai 这样。",
            f"{zone}: no such time zone; write one like Asia/Shanghai.",
        ) from error


def _named(closed: tuple[Period, ...], name: str | None) -> Period:
    if not closed:
        raise OfficeError(
            "还没有已结账的期间；用 hq period close 结账。",
            "no period is closed yet; `tapledger hq period close` closes one.",
        )
    found = [period for period in closed if name in (None, period.name)]
    if not found:
        known = ", ".join(period.name for period in closed[-5:])
        raise OfficeError(
            f"{name}：没有叫这个名字的已结期间；最近的有 {known}。",
            f"{name}: there is no closed period of that name; the newest are {known}.",
        )
    return found[-1]


def _json(said: dict[str, Any]) -> str:
    return json.dumps(said, sort_keys=True, ensure_ascii=False, indent=2)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
