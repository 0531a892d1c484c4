"""What people do about journals and exceptions at the command line: done once, said plainly, refused with a reason."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.bodies import OfficeBody
from contract.documents import DocumentKind
from contract.signing import SoftwareSigner
from hq import books
from hq.chains import newest_of
from hq.clerk import MOST_NOTE_CHARS
from hq.db import reading, writing
from hq.documents import stored_documents
from hq.office import Office, open_office
from hq.own_place import own_chain_of
from hq.restoring import open_restoration
from hq.unsettled import Cause, Finding, Place, raise_exceptions
from provisioning.birth import ensure_terminal
from provisioning.headquarters import ensure_head_office
from tapledger.main import main
from tests.hq.test_stick import exported
from tests.hq.tills import A1, NOW_MS, Till, spoiled
from tests.provisioning.premises import NOW

Run = Callable[..., int]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A provisioned head office with one till enrolled."""
    ensure_head_office(tmp_path, "hq-1", NOW)
    newborn = ensure_terminal(tmp_path, A1, tmp_path / "a1", NOW)
    (tmp_path / "hq.toml").write_text('tenant = "acme"\nidentity = "hq"\n[broker]\nhost = "localhost"\n')
    assert main(["hq", "terminal", "add", str(newborn.enrolment), "--config", str(tmp_path / "hq.toml")]) == 0
    return tmp_path


@pytest.fixture
def run(site: Path) -> Run:
    def run(*words: str) -> int:
        return main(["hq", *words, "--config", str(site / "hq.toml")])

    return run


@pytest.fixture
def office(site: Path) -> Iterator[Office]:
    with open_office(site / "hq.toml") as opened:
        yield opened


@pytest.fixture
def till(site: Path) -> Till:
    till = Till(A1)
    (key,) = site.rglob("journal.key")
    till.signer = SoftwareSigner(key.read_bytes())
    return till


def test_a_journal_from_a_stick_is_brought_in_and_said_in_both_languages(
    site: Path, run: Run, till: Till, capsys: pytest.CaptureFixture[str]
) -> None:
    till.tell("event"), till.tell("event")
    (site / "a1.tlj").write_bytes(exported(till))
    capsys.readouterr()
    assert run("ingest", str(site / "a1.tlj")) == 0
    said = capsys.readouterr().out
    assert "第 1 代：新增 2 条，已有 0 条" in said
    assert "epoch 1: 2 new, 0 known" in said


def test_a_file_that_is_no_journal_and_one_that_conflicts_end_with_the_reason(
    site: Path, run: Run, till: Till, capsys: pytest.CaptureFixture[str]
) -> None:
    till.tell("event")
    good = exported(till)
    (site / "bad.tlj").write_bytes(spoiled(good))
    assert run("ingest", str(site / "bad.tlj")) == 1
    assert "bad_signature" in capsys.readouterr().err
    (site / "good.tlj").write_bytes(good)
    assert run("ingest", str(site / "good.tlj")) == 0
    till.entries.clear()
    till.tell("another")
    (site / "copy.tlj").write_bytes(exported(till))
    assert run("ingest", str(site / "copy.tlj")) == 1
    said = capsys.readouterr()
    assert "从第 1 条起被拒绝：entry_conflict" in said.out
    assert "refused from 1 on: entry_conflict" in said.out


def test_an_exception_is_listed_settled_once_and_stands_in_head_office_s_own_chain(
    office: Office, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    with writing(office.engine) as connection:
        finding = Finding(Cause.PRICE_DIFFERS, "the till says 1.00; by the rules it is 2.00")
        raise_exceptions(connection, ((Place(A1, 1, 7), finding),), NOW_MS)
    assert run("exceptions", "list") == 0
    assert "price_differs" in capsys.readouterr().out
    assert run("exceptions", "settle", "1", "--note", "称重有误，已补收") == 0
    assert run("exceptions", "list") == 0
    assert "price_differs" not in capsys.readouterr().out
    assert run("exceptions", "list", "--all") == 0
    assert "称重有误，已补收" in capsys.readouterr().out
    with reading(office.engine) as connection:
        (entry,) = books.entries_of(connection, own_chain_of("acme"), 1)
    body = entry.body()
    assert isinstance(body, OfficeBody)
    assert (body.action, body.detail) == ("exception_settled", "1 price_differs 1/7: 称重有误，已补收")
    assert run("exceptions", "settle", "1", "--note", "again") == 1
    assert "no exception 1 is open" in capsys.readouterr().err


def test_of_several_exceptions_all_are_settled_or_none(
    office: Office, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    with writing(office.engine) as connection:
        raise_exceptions(connection, ((Place(A1, 1, 7), Finding(Cause.GAP, "")),), NOW_MS)
    assert run("exceptions", "settle", "1", "2", "--note", "looked") == 1
    for note in ("", " ", "x" * (MOST_NOTE_CHARS + 1), "a\x07b"):
        assert run("exceptions", "settle", "1", "--note", note) == 1
    with reading(office.engine) as connection:
        assert [line.settled_ms for line in books.exception_lines(connection)] == [None]


def test_a_revoked_till_may_not_speak_any_more(office: Office, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("terminal", "revoke", str(A1)) == 0
    assert "is revoked" in capsys.readouterr().out
    with reading(office.engine) as connection:
        assert newest_of(connection, A1) is None
        # No till takes a slip of it any more.
        assert [item.kind for item in stored_documents(connection) if item.published_ms] == [DocumentKind.KEYS] * 2
    for wrong in (str(A1), "acme/shop-a", "acme/shop-a/zz"):
        assert run("terminal", "revoke", wrong) == 1


def test_books_told_to_be_restored_lend_nothing(office: Office, run: Run) -> None:
    assert run("restored") == 0
    with reading(office.engine) as connection:
        assert open_restoration(connection) is not None
