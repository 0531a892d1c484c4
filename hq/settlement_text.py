"""A settlement report and a closed period as text for a terminal window, Chinese and English side by side."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from contract.money import format_minor

_PARTIES = {"@pool": "资金池 pool", "office": "总部 head office"}
_KINDS = {"principal": "本金 principal", "bonus": "赠金 bonus", "fee": "服务费 fee", "points": "买积分 points",
          "late": "超额支取 late spends"}  # fmt: skip
_CLASSES = {"direct": "直营 direct", "franchise": "加盟 franchise"}


def report_text(said: Mapping[str, Any]) -> str:
    """Return a report, as :func:`hq.settlement.plain.plain_report` says it, as text."""
    sections = (_rows(said["rows"]), _shops(said["shops"]), _payments(said["payments"]), _liabilities(said))
    return "\n".join(line for section in sections for line in (*section, "")).rstrip()


def period_text(said: Mapping[str, Any], report_hash: bytes) -> str:
    """Return a closed period's report, as it is kept, as text."""
    balance = (
        f"{unit} 借 {_amount(sums['debit'], unit)} 贷 {_amount(sums['credit'], unit)}"
        for unit, sums in said["trial_balance"].items()
    )
    differences = said["ledger_differences"]
    head = [
        f"期间 Period {said['period']}",
        f"  凭证 signed entries {said['signed_entries']}, 迟到 late {said['late_entries']}",
        f"  默克尔根 Merkle root {said['merkle_root']}",
        f"  报表摘要 report SHA-256 {report_hash.hex()}",
        f"  试算平衡 trial balance: {'; '.join(balance) or 'nothing posted'}; 差 difference 0",
        f"  超额消费由谁承担 late spends: {_late(said['late_spends'])}",
        f"  与总账 ledger: {'一致 agrees' if not differences else f'不一致 DIFFERS {differences}'}",
        "",
    ]
    return "\n".join(head) + "\n" + report_text(said["settlement"])


def _late(spends: Sequence[Mapping[str, Any]]) -> str:
    """Who bears what was spent beyond what was lent."""
    return "; ".join(f"{item['account']} {_amount(item['amount'], item['unit'])}" for item in spends) or "无 none"


def _rows(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "结算明细 Rows"
    head = ("付 pays", "收 receives", "类别 kind", "币 cur.", "金额 amount", "笔 entries", "迟于期间 late of")
    cells = []
    for row in rows:
        late_of = row.get("late_of", "")
        parties = (_party(row["payer"]), _party(row["payee"]), _KINDS[row["kind"]], row["currency"])
        cells.append(((*parties, format_minor(row["amount_minor"]), str(row["entries"]), late_of), row))
    lines = _table(head, [cell for cell, _row in cells])
    for line, drilled in _beside(lines, cells):
        yield line
        for receipt in drilled:
            yield f"      {receipt['receipt']}  {receipt['transaction']}  {format_minor(receipt['amount_minor'])}"


def _beside(
    lines: Iterable[str], cells: Sequence[tuple[Sequence[str], Mapping[str, Any]]]
) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
    """Each line of the table with the receipts that stand under it."""
    under = [row.get("receipts", ()) for _cell, row in cells]
    for number, line in enumerate(lines):
        yield line, under[number - 2] if 2 <= number < len(under) + 2 else ()


def _shops(shops: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "门店 Shops"
    head = ("门店 shop", "公司 company", "性质 class", "费率 rate", "充值收款 taken in", "消费 spent", "赠金 bonus",
            "服务费 fee", "买积分 points", "超额支取 late spends", "应收(+)应付(-) net")  # fmt: skip
    amounts = ("taken_in_minor", "spent_minor", "bonus_minor", "fee_minor", "points_minor", "late_minor", "net_minor")
    yield from _table(
        head,
        [
            (
                _party(shop["shop"]),
                shop["company"],
                _CLASSES[shop["settles"]],
                f"{shop['rate_bp'] // 100}.{shop['rate_bp'] % 100:02d}%",
                *(format_minor(shop.get(amount, 0)) for amount in amounts),
            )
            for shop in shops
        ],
    )


def _payments(payments: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "最终收付 Payments (同一公司的直营店已内部轧差 direct shops of one company net inside)"
    head = ("付 pays", "收 receives", "币 cur.", "金额 amount")
    yield from _table(
        head,
        [
            (_party(item["payer"]), _party(item["payee"]), item["currency"], format_minor(item["amount_minor"]))
            for item in payments
        ],
    )


def _liabilities(said: Mapping[str, Any]) -> Iterator[str]:
    yield "会员储值 Owed to members"
    head = ("币 cur.", "本金 principal", "赠金 bonus", "资金池 pool", "差 difference")
    amounts = ("principal_minor", "bonus_minor", "pool_minor", "difference_minor")
    yield from _table(
        head,
        [(item["currency"], *(format_minor(item[amount]) for amount in amounts)) for item in said["liabilities"]],
    )


def _party(name: str) -> str:
    kind, _, rest = name.rpartition(":")
    if kind:
        return f"{'公司' if kind == 'company' else '加盟店'} {rest}"
    return _PARTIES.get(name, name)


def _amount(value: int, unit: str) -> str:
    return format_minor(value) if len(unit) == 3 and unit.isupper() else str(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        yield "  无 none"
        return
    widths = [max(_width(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, tuple("-" * width for width in widths), *rows):
        yield ("  " + "  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True))).rstrip()


def _padded(cell: str, width: int) -> str:
    # Amounts stand to the right, so that their digits stand under each other.
    room = " " * (width - _width(cell))
    is_number = cell.lstrip("-").replace(".", "", 1).removesuffix("%").isdecimal()
    return room + cell if is_number else cell + room


def _width(cell: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in cell)
