"""What head office's staff do about value at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.txn.ndef import payloads
from contract import wire
from contract.coupons import open_coupon, read_coupon_text
from contract.credentials import open_credential, read_credential_text
from contract.documents import DocumentKind, KeysContent, NoticesContent, RevocationsContent
from contract.envelope import keyring
from hq.credentials import MOST_CARD_BYTES
from hq.errors import OfficeError
from hq.identity import load_signer
from hq.office import open_office
from hq.value_office import give_up
from provisioning.birth import ensure_terminal
from tests.hq.test_office import Run, document, run, site
from tests.hq.tills import A1
from tests.provisioning.premises import NOW

__all__ = ["run", "site"]

PHONE = "02" + "11" * 32


@pytest.fixture
def staffed(site: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> Path:
    """A head office with a till, a member and a catalogue."""
    assert run("terminal", "add", str(ensure_terminal(site, A1, site / "a1", NOW).enrolment)) == 0
    assert run("members", "load", str(site / "members.csv")) == 0
    assert run("catalogue", "load", str(site / "catalogue.json")) == 0
    capsys.readouterr()
    return site


def said(run: Run, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(*words) == 0, capsys.readouterr().err
    return capsys.readouterr().out.strip()


def told(run: Run, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """What a command says, in English and in Chinese."""
    return said(run, capsys, *words).splitlines()


def test_money_is_paid_in_once_lent_listed_asked_back_and_written_off(
    staffed: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    for en, zh in (("", ""), (": booked before, nothing changed", "；此前已入账，没有变化")):
        paid = told(run, capsys, "value", "pay-in", "m1", "100.00", "--bonus", "20", "--reference", "wire 7")
        assert paid == [
            f"m1: 100.00 and 20.00 bonus paid in, reference wire 7{en}",
            f"m1：入账 100.00，赠金 20.00，凭证号 wire 7{zh}",
        ]
    assert run("value", "pay-in", "m1", "50.00", "--reference", "wire 7") != 0
    refused = capsys.readouterr().err
    assert "reference wire 7: booked before, as paid_in member m1" in refused and "-10000 CNY" in refused
    lent = told(run, capsys, "leases", "lend", str(A1), "stored", "m1", "9000")
    assert lent == [f"{A1}: 9000 of stored value of m1 lent", f"{A1}：借出 m1 的储值 9000"]
    assert "no more of 9000 is free" in said(run, capsys, "leases", "lend", str(A1), "stored", "m1", "9000")
    exposed = told(run, capsys, "exposure")
    assert any(line.split()[:3] == [str(A1), "2", "120.00"] for line in exposed)
    assert exposed[-1] == "目前最大可能损失 largest possible loss now: 120.00"
    listed = [line.split() for line in told(run, capsys, "leases", "list", str(A1))[2:]]
    assert [line[-4:-2] for line in listed] == [["75.00", "15.00"], ["25.00", "5.00"]]
    assert told(run, capsys, "leases", "recall", str(A1)) == [
        f"{A1}: 2 leases asked back",
        f"{A1}：已要求归还 2 笔额度",
    ]
    off = said(run, capsys, "leases", "write-off", str(A1), "--lease", listed[0][0], "--by", "the manager")
    assert f"{A1}: 1 leases written off (90.00" in off and "核销 1 笔额度" in off
    assert said(run, capsys, "exposure").endswith("largest possible loss now: 30.00")


def test_what_is_counted_is_granted_and_merchants_buy_points(
    staffed: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, en, zh in (
        ("grant points m1 500", "points of m1: +500", "m1 的积分：+500"),
        ("grant uses m1 10 --card WASH", "uses of m1 WASH: +10", "m1 WASH 的次数：+10"),
        ("grant gift CUP 3", "gifts of CUP: +3", "CUP 的赠品：+3"),
        (
            "pool shop-d 10000 --bonus-bp 500 --price 900",
            "shop-d: 10500 points in the pool, 900.00 owed",
            "shop-d：积分池增加 10500 分，应付 900.00",
        ),
        ("points-days 365", "points are good for 365 days", "从现在起获得的积分 365 天内有效"),
        (
            "bearer shop-a office",
            "what the tills of shop-a spend beyond their leases is borne by the office",
            "shop-a 的终端超出额度消费的部分由总部承担",
        ),
    ):
        assert told(run, capsys, "value", *words.split()) == [en, zh]
    books = said(run, capsys, "books")
    assert "shop/shop-d/points_pool" in books and "sums to CNY 0.00" in books


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("value", "pay-in", "m9", "1", "--reference", "x"), "no member m9"),
        (("value", "pay-in", "m1", "1.234", "--reference", "x"), "bad_amount"),
        (("value", "grant", "points", "m9", "1"), "no member m9"),
        (("value", "grant", "points", "m1", "-1"), "only 0 of it are free"),
        (("value", "grant", "gift", "a/b", "1"), "bad_id"),
        (("leases", "lend", "acme/shop-a/a9", "stored", "m1", "1"), "not enrolled"),
        (("leases", "lend", "nowhere", "stored", "m1", "1"), "bad_id"),
        (("leases", "write-off", str(A1), "--lease", "xyz", "--by", "me"), "no lease"),
        (("coupons", "withdraw", "NONE"), "no coupon NONE"),
        (("coupons", "issue", "A B"), "bad_id"),
        (("coupons", "issue", "AB", "--member", "m9"), "no member m9"),
        (("void", "--card", "zz"), "no card number"),
        (("void", "--member", "m9"), "no member m9"),
        (("members", "code", "m1", "--card", "12"), "not a card number"),
        (("members", "code", "m1", "--limit", "x"), "bad_amount"),
        (("notices", "load", "nowhere.json"), "nowhere.json"),
        (("leases", "recall", "acme/shop-a/a9"), "not enrolled"),
        (("void",), "--card"),
        (("settle", "--zone", "Mars/X"), "no such time zone"),
        (("web",), "web: is missing"),
    ],
)
def test_what_is_refused_says_why(
    staffed: Path, run: Run, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], reason: str
) -> None:
    assert run(*words) == 1
    english, chinese = told_apart(capsys.readouterr().err)
    assert reason in english and "Errno" not in english
    assert chinese


def told_apart(refused: str) -> tuple[str, str]:
    """The lines of a refusal that are English alone, and those with Chinese in them."""
    lines = refused.splitlines()
    chinese = [line for line in lines if any("\u4e00" <= char <= "\u9fff" for char in line)]
    return "\n".join(line for line in lines if line not in chinese), "\n".join(chinese)


def test_books_that_were_restored_say_so_and_whom_they_wait_for(
    staffed: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "hq books" in said(run, capsys, "restored")
    for command in ("books", "exposure"):
        assert told(run, capsys, command)[0] == (
            f"账本从备份恢复，暂不出借 RESTORED from a backup, nothing is lent yet; 还在等 waiting for {A1}"
        )
    assert run("leases", "lend", str(A1), "stored", "m1", "1") == 1
    assert "restored from a backup" in capsys.readouterr().err


def test_nobody_writes_off_without_a_name(staffed: Path) -> None:
    with open_office(staffed / "hq.toml") as office:
        for nobody in ("", "  ", "x" * 41, "a\nb"):
            with pytest.raises(OfficeError, match="who decides"):
                give_up(office, A1, None, nobody)


def test_a_credential_on_a_card_fits_it_and_is_found_there_by_a_till(
    staffed: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    written = bytes.fromhex(said(run, capsys, "members", "code", "m1", "--card", "04A1B2C3D4E5F6", "--limit", "50"))
    assert len(written) <= MOST_CARD_BYTES
    assert (written[0], written[1], written[-1]) == (0x03, len(written) - 3, 0xFE)
    (payload,) = payloads(written[2:-1])
    with open_office(staffed / "hq.toml") as office:
        believed = keyring(load_signer(office.config).public)
    found = open_credential(payload, believed)
    assert (found.card, found.limit_minor) == (bytes.fromhex("04a1b2c3d4e5f6"), 5_000)
    assert found.issued_day > 20_000
    shown = said(run, capsys, "members", "code", "m1", "--phone-key", PHONE)
    assert open_credential(read_credential_text(shown), believed).phone_key == bytes.fromhex(PHONE)


def test_tills_are_told_keys_what_is_void_and_what_to_read(
    staffed: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    said(run, capsys, "keys", "publish")
    text = said(run, capsys, "coupons", "issue", "SPRING-1", "--member", "m1", "--shop", "shop-a", "--at", str(A1))
    said(run, capsys, "coupons", "withdraw", "SPRING-1")
    said(run, capsys, "void", "--member", "m1", "--card", "04A1B2C3")
    notices = staffed / "notices.json"
    notices.write_text(json.dumps({"notices": [{"zh": "今日盘点", "en": "Stocktaking", "hours": 8}]}), encoding="utf-8")
    assert said(run, capsys, "notices", "load", str(notices)).startswith("published notices version 1")
    with open_office(staffed / "hq.toml") as office:
        believed = keyring(load_signer(office.config).public)
        keys = wire.unpack(KeysContent, document(office, DocumentKind.KEYS), 10_000)
        void = wire.unpack(RevocationsContent, document(office, DocumentKind.REVOCATIONS), 10_000)
        told = wire.unpack(NoticesContent, document(office, DocumentKind.NOTICES), 10_000)
    assert open_coupon(read_coupon_text(text), believed).addressee == A1
    assert [str(key.address) for key in keys.terminals] == [str(A1)]
    assert ([item.member for item in void.members], void.cards, void.coupons) == (
        ["m1"],
        (bytes.fromhex("04a1b2c3"),),
        ("SPRING-1",),
    )
    assert [notice.en for notice in told.notices] == ["Stocktaking"]


def test_members_are_told_again_with_the_points_of_the_moment(
    staffed: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    said(run, capsys, "value", "grant", "points", "m1", "500")
    assert said(run, capsys, "members", "publish").startswith("published members version 2")
    assert said(run, capsys, "members", "publish").startswith("published members version 2")
