"""What head office's staff do at the command line: it is done once, said plainly, and refused with the reason."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.bodies import DocumentChangeBody, EntryKind, TechnicalEventBody
from contract.credentials import open_credential, read_credential_text
from contract.documents import DocumentKind, open_document, read_cashiers, read_catalogue
from contract.envelope import keyring
from contract.pins import is_pin
from hq.db import reading
from hq.documents import sealed_bytes, stored_documents
from hq.identity import load_signer
from hq.ledger_text import NEWEST, books_text
from hq.office import Office, open_office
from provisioning.birth import ensure_terminal
from provisioning.headquarters import ensure_head_office
from tapledger.main import main
from tests.hq.tills import A1, PACK, HeadOffice, spoiled
from tests.provisioning.premises import NOW

Run = Callable[..., int]

CATALOGUE = {
    "currency": "CNY",
    "shop_name": "示范店",
    "open_sku": "open",
    "items": [{"sku": "open", "name": "商品", "name_en": "Goods", "category": "general", "price_minor": 0}],
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A provisioned head office that knows nothing yet, its files beside it."""
    ensure_head_office(tmp_path, "hq-1", NOW)
    (tmp_path / "hq.toml").write_text('tenant = "acme"\nidentity = "hq"\n[broker]\nhost = "localhost"\n')
    (tmp_path / "members.csv").write_text("member,name,tier\nm1,会员一,gold\n", encoding="utf-8")
    (tmp_path / "cashiers.csv").write_text("number,name,pin\n01,收银一,1234\n", encoding="utf-8")
    (tmp_path / "catalogue.json").write_text(json.dumps(CATALOGUE), encoding="utf-8")
    (tmp_path / "pack.json").write_text(PACK, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(site: Path) -> Run:
    def run(*words: str) -> int:
        return main(["hq", *words, "--config", str(site / "hq.toml")])

    return run


def document(office: Office, kind: DocumentKind) -> bytes:
    """The content of the newest document of a kind, verified."""
    with reading(office.engine) as connection:
        newest = [item for item in stored_documents(connection) if item.kind is kind][-1]
        sealed = sealed_bytes(connection, kind, newest.digest)
    assert sealed is not None and newest.published_ms is not None
    return open_document(sealed, keyring(load_signer(office.config).public)).document.content


def test_what_is_loaded_is_signed_and_published(site: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for kind, name in (("members", "members.csv"), ("cashiers", "cashiers.csv"), ("catalogue", "catalogue.json")):
        assert run(kind, "load", str(site / name)) == 0
        assert capsys.readouterr().out.startswith(f"published {kind} version 1, sha256 ")
        # The same file again says nothing new.
        assert run(kind, "load", str(site / name)) == 0
        assert capsys.readouterr().out.startswith(f"published {kind} version 1, sha256 ")
    with open_office(site / "hq.toml") as office:
        (cashier,) = read_cashiers(document(office, DocumentKind.CASHIERS)).cashiers
        assert is_pin("1234", cashier.pin)
        assert read_catalogue(document(office, DocumentKind.CATALOGUE)).shop_name == "示范店"


def test_a_pack_is_signed_then_published(site: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "publish") == 1
    assert "sign it first" in capsys.readouterr().err
    assert run("pack", "sign", str(site / "pack.json")) == 0
    assert capsys.readouterr().out.startswith("signed pack version 1, sha256 ")
    assert run("pack", "publish", "--version", "1") == 0
    assert capsys.readouterr().out.startswith("published pack version 1, sha256 ")


def test_a_member_s_code_is_printed_and_believed(site: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("members", "load", str(site / "members.csv"))
    capsys.readouterr()
    assert run("members", "code", "m1", "--days", "7") == 0
    with open_office(site / "hq.toml") as office:
        believed = keyring(load_signer(office.config).public)
    text = capsys.readouterr().out.strip()
    assert open_credential(read_credential_text(text), believed).member == "m1"


def test_a_till_is_enrolled_by_its_slip(site: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    slip = str(ensure_terminal(site, A1, site / "a1", NOW).enrolment)
    assert (run("terminal", "add", slip), run("terminal", "add", slip)) == (0, 0)
    assert capsys.readouterr().out.splitlines() == [
        f"{A1} epoch 1 is enrolled",
        f"{A1} 第 1 代登记完成",
        f"{A1} epoch 1 was enrolled before",
        f"{A1} 第 1 代此前已登记",
    ]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("members", "load", "nowhere.csv"), "nowhere.csv"),
        (("pack", "sign", "{site}/members.csv"), "not JSON"),
        (("members", "load", "{site}/catalogue.json"), "no such setting"),
        (("members", "code", "m9"), "no member m9"),
        (("terminal", "add", "{site}/hq.toml"), "journal_public_key"),
    ],
)
def test_what_is_refused_says_why_and_exits_with_1(
    site: Path, run: Run, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], reason: str
) -> None:
    assert run(*(word.format(site=site) for word in words)) == 1
    assert reason in capsys.readouterr().err


def test_a_database_that_is_none_is_refused_and_left_alone(
    site: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "hq.db").write_bytes(b"not a database" * 100)
    assert run("books") == 1
    assert "the database" in capsys.readouterr().err
    assert (site / "hq.db").read_bytes() == b"not a database" * 100


def test_the_books_tell_sales_balances_tills_and_what_people_must_settle(hq: HeadOffice) -> None:
    assert hq.look(books_text).count("  无 none\n") == 7
    till = hq.enrolled()
    sale = till.sell(hq.sale(till))
    doubled = till.sell(hq.sale(till), transaction=sale.header.transaction)
    hq.offer(till, sale, doubled)
    hq.offer(till, spoiled(till.tell("event").sealed), first_seq=3)
    told = hq.look(books_text).splitlines()
    assert any({"268.00", "221.20", "posted"} <= {*line.split()} for line in told)
    assert any("held" in line and "transaction_doubled" in line for line in told)
    assert "试算平衡 Trial balance (合计 sums to CNY 0.00, points 0)" in told
    assert any(line.split() == ["m1", "会员一", "gold", "221"] for line in told)
    assert any(str(A1) in line and "bad_signature" in line for line in told)
    assert any("2027-01-15 08:00:00" in line for line in told)


def test_the_books_tell_what_tills_reported_and_which_documents_they_live_by(hq: HeadOffice) -> None:
    till = hq.enrolled()
    hq.offer(
        till,
        till.append(EntryKind.DOCUMENT_CHANGE, DocumentChangeBody("pack", 2, bytes(32), 1)),
        till.append(EntryKind.TECHNICAL_EVENT, TechnicalEventBody("document_refused", "pack: bad_signature")),
    )
    told = hq.look(books_text).splitlines()
    assert any(line.split()[2:] == [str(A1), "pack", "2", "接", "after", "1"] for line in told)
    assert any(line.split()[2:] == [str(A1), "document_refused", "pack:", "bad_signature"] for line in told)


def test_of_what_tills_reported_the_newest_are_told(hq: HeadOffice) -> None:
    till = hq.enrolled()
    hq.offer(till, *(till.tell(f"event_{number}") for number in range(60)))
    hq.offer(till, *(till.tell(f"event_{number}") for number in range(60, NEWEST + 1)))
    told = {line.split()[-1] for line in hq.look(books_text).splitlines() if "event_" in line}
    assert told == {f"event_{number}" for number in range(1, NEWEST + 1)}
