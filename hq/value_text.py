"""What is lent and what could be lost, as text for a terminal window, Chinese and English side by side."""

import time
from collections.abc import Iterable, Mapping

from sqlalchemy import RowMapping

from contract.money import format_minor
from contract.said import Said
from contract.value import Account, Asset
from hq.exposure import MONEY, Exposure
from hq.ledger_text import table

ASSETS = {
    Asset.STORED: Said("储值", "stored value"),
    Asset.POINTS: Said("积分", "points"),
    Asset.USES: Said("次数", "uses"),
    Asset.COUPON: Said("电子券", "coupons"),
    Asset.GIFT: Said("赠品", "gifts"),
    Asset.BUDGET: Said("活动预算", "budget"),
    Asset.BUDGET_USES: Said("活动次数", "budget uses"),
    Asset.POOL: Said("积分池", "points pool"),
}
_STATES = {
    "active": "可用 active",
    "suspended": "冻结 suspended",
    "transit": "在途 on a slip",
}
_LAST_S = 253_402_300_799
"""9999-12-31 23:59:59 (UTC)."""


def named(account: Account) -> Said:
    """An account in words: of what, whose, and which count card."""
    asset = ASSETS[account.asset]
    which = f" {account.name}" if account.name else ""
    return Said(f"{account.holder}{which} 的{asset.zh}", f"{asset.en} of {account.holder}{which}")


def counted_text(amounts: Mapping[Asset, int]) -> str:
    """Amounts of what is not money, each with its name in both languages."""
    return ", ".join(
        f"{_amount(asset, amount)} {ASSETS[asset].zh} {ASSETS[asset].en}" for asset, amount in sorted(amounts.items())
    )


def leases_text(rows: Iterable[RowMapping]) -> str:
    """Open leases as a table."""
    head = ("额度号 lease", "终端 till", "代次 epoch", "状态 state", "什么 of what", "持有者 holder",
            "剩余 left", "赠金 bonus", "有效至 until (UTC)")  # fmt: skip
    lines = table(head, [_lease(row) for row in rows])
    return "\n".join(lines)


def _lease(row: RowMapping) -> tuple[str, ...]:
    asset = ASSETS[Asset(row["asset"])]
    left = row["granted"] - row["drawn"] - row["returned"]
    bonus = row["granted_bonus"] - row["drawn_bonus"] - row["returned_bonus"]
    asked_back = " 已要求归还 asked back" if row["recalled_ms"] is not None else ""
    until = time.gmtime(min(row["spend_until_ms"] // 1_000, _LAST_S))
    return (
        row["lease"].hex(),
        row["address"],
        str(row["epoch"]),
        _STATES[row["state"]] + asked_back,
        f"{asset.zh} {asset.en}",
        f"{row['holder']} {row['name']}".strip(),
        _amount(Asset(row["asset"]), left),
        _amount(Asset(row["asset"]), bonus),
        time.strftime("%Y-%m-%d %H:%M", until),
    )


def exposure_text(found: Exposure, restoring: str) -> str:
    """The largest possible loss now, terminal by terminal and in all; ``restoring`` says that books were restored."""
    head = (
        "终端 till",
        "额度 leases",
        "金额 money",
        "冻结 suspended",
        "在途 on slips",
        "超支 beyond leases",
        "另有 and",
    )
    rows = [
        (
            item.address,
            str(item.leases),
            *(
                format_minor(minor)
                for minor in (item.money_minor, item.suspended_minor, item.travelling_minor, item.beyond_minor)
            ),
            counted_text(item.counted),
        )
        for item in found.terminals
    ]
    counted = counted_text(found.counted)
    total = format_minor(found.money_minor) + (f", {counted}" if counted else "")
    lines = [*([restoring] if restoring else []), *table(head, rows)]
    if found.ahead_minor:
        ahead = format_minor(found.ahead_minor)
        lines.append(f"转出方还没报告的转值单已收 taken from slips whose giver has not said so yet: {ahead}")
    lines.append(f"目前最大可能损失 largest possible loss now: {total}")
    return "\n".join([*lines, *_floor_lines(found)])


def _floor_lines(found: Exposure) -> list[str]:
    """What shops risk beside that: the floor limits, and what is borne of what was spent on them."""
    lines = [
        f"商户自担 merchant risk: {level.medium} {level.assurance} 每会员每天每台收款机垫付限额 "
        f"floor limit per member and day at each till: {format_minor(level.floor_day_minor)}"
        for level in found.floors
    ]
    borne = ", ".join(f"{bearer} {format_minor(minor)}" for bearer, minor in found.on_floor_minor.items())
    return [*lines, *([f"垫付后门店目前承担 spent on floor limits and borne so far: {borne}"] if borne else [])]


def _amount(asset: Asset, value: int) -> str:
    return format_minor(value) if asset in MONEY else str(value)
