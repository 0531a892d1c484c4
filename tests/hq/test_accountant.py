"""What the accountant does at the command line: settles, closes, looks at closed books, and is told why not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from contract.errors import ContractError
from hq.accountant import day_start_ms
from hq.db import writing
from hq.errors import OfficeError
from hq.tables import periods
from tapledger.main import main
from tests.hq.tills import NOW_MS, HeadOffice
from tests.hq.trading import DAY_MS, Chain

Run = Callable[..., tuple[int, str, str]]
TODAY = datetime.fromtimestamp(NOW_MS // 1_000, UTC).date().isoformat()

SHOPS = """
[[shop]]
shop = "shop-c"
company = "partners"
settles = "franchise"
rate_bp = 9700
"""


@pytest.fixture
def chain(hq: HeadOffice) -> Chain:
    return Chain(hq)


@pytest.fixture
def run(chain: Chain, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    config = tmp_path / "hq.toml"
    url = chain.hq.engine.url.render_as_string(hide_password=False)
    config.write_text(f'tenant = "acme"\nidentity = "hq"\n[broker]\nhost = "localhost"\n[database]\nurl = "{url}"\n')

    def run(*words: str) -> tuple[int, str, str]:
        status = main(["hq", *words, "--config", str(config)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_the_report_is_printed_and_every_row_drills_to_its_receipts(run: Run, chain: Chain) -> None:
    top_up = chain.top_up("shop-a", 10_000, 2_000)
    sale = chain.spend("shop-b", 5_000, 1_000)
    status, text, _ = run("settle", "--receipts")
    assert status == 0
    for said in (
        "结算明细 Rows",
        "资金池 pool",
        "本金 principal",
        "100.00",
        "SHOP-A.A1-1-000001",
        "SHOP-B.B1-1-000001",
    ):
        assert said in text
    assert sale.header.transaction.hex() in text
    _, plain, _ = run("settle", "--json", "--receipts", "--from", TODAY, "--to", TODAY)
    found = json.loads(plain)
    (paid_in,) = (row for row in found["rows"] if row["payer"] == "shop-a" and row["kind"] == "principal")
    assert paid_in["receipts"] == [
        {"receipt": "SHOP-A.A1-1-000001", "transaction": top_up.header.transaction.hex(), "amount_minor": 10_000}
    ]
    _, plain, _ = run("settle", "--json", "--to", "2020-01-01")
    assert json.loads(plain)["rows"] == []


def test_a_period_is_closed_shown_and_found_out_when_it_was_changed(run: Run, chain: Chain) -> None:
    for till in chain.tills.values():
        till.wall_ms = 1_700_000_000_000
    status, _, refused = run("period", "show")
    assert status == 1 and "no period is closed yet" in refused and "还没有已结账的期间" in refused
    chain.top_up("shop-a", 10_000, 2_000)
    status, text, _ = run("period", "close", "--to", "2023-12-31", "--name", "2023")
    assert status == 0 and "期间 Period 2023" in text and "试算平衡 trial balance: CNY 借 220.00 贷 220.00" in text
    status, again, _ = run("period", "show", "2023")
    assert status == 0 and again.startswith(text.rstrip("\n")) and "重算一致" in again
    receipts = run("period", "show", "2023", "--receipts")[1]
    assert "SHOP-A.A1-1-000001" in receipts and "SHOP-A.A1-1-000001" not in again
    _, frozen, _ = run("period", "show", "--json")
    assert json.loads(frozen)["period"] == "2023"
    assert run("period", "close", "--to", "2023-12-30")[0] == 1
    assert "no closed period of that name" in run("period", "show", "2024")[2]
    with writing(chain.hq.engine) as connection:
        connection.execute(
            update(periods).values(report=json.dumps({**json.loads(frozen), "late_entries": 7}).encode())
        )
    status, text, complaint = run("period", "show")
    assert status == 1 and "重算不一致" in text and "tampered" in complaint


def test_terms_are_read_from_a_file_and_change_what_is_settled(run: Run, chain: Chain, tmp_path: Path) -> None:
    path = tmp_path / "shops.toml"
    path.write_text(SHOPS)
    assert run("shops", "load", str(path))[:2] == (0, "1 of 1 terms are new\n1 条条款中新增 1 条\n")
    chain.top_up("shop-a", 10_000, 0)
    chain.spend("shop-c", 5_000, 0)
    status, text, _ = run("settle")
    assert status == 0 and "加盟 franchise" in text and "1.50" in text
    path.write_text(SHOPS.replace("9700", "9000"))
    assert "terms once said are not changed" in run("shops", "load", str(path))[2]
    path.write_text(SHOPS.replace('"franchise"', '"rented"').replace("9700", "-1"))
    assert run("shops", "load", str(path))[0] != 0
    path.write_bytes(b"\xff\xfe")
    assert "UTF-8" in run("shops", "load", str(path))[2]


def test_days_begin_where_the_shops_are() -> None:
    assert day_start_ms("1970-01-02", "UTC") == DAY_MS
    assert day_start_ms("1970-01-02", "Asia/Shanghai", 1) == 2 * DAY_MS - 8 * 3_600_000
    with pytest.raises(OfficeError, match="no such time zone"):
        day_start_ms("2026-01-01", "Mars/Olympus")
    with pytest.raises(ContractError):
        day_start_ms("2026-02-30", "UTC")
