"""A journal out of a file meets the same checks as over the air; a file that was touched is taken in no part."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest

from contract.envelope import keyring
from contract.errors import ContractError, Reason
from contract.export import ExportedEpoch, Measure, seal_manifest, write_export
from contract.ids import TerminalAddress
from contract.journal import Entry
from contract.messages import RefusedEntry
from hq import books, chains, ledger
from hq.db import writing
from hq.errors import OfficeError
from hq.packs import PackShelf
from hq.stick import Brought, bring_in
from hq.unsettled import Cause
from tests.hq.tills import A1, NOW_MS, HeadOffice, Till, spoiled


def exported(*tills: Till, missing: tuple[int, ...] = (), sealed: Sequence[bytes] | None = None) -> bytes:
    """The file that a till writes of its epochs, the last of which is open; with ``sealed`` others in their stead."""
    measure = Measure()
    epochs = []
    held: list[Entry] = []
    for till in tills:
        kept = [entry for entry in till.entries if entry.header.seq not in missing]
        held += kept
        last = len(till.entries)
        before = till.entries[0].header.previous
        epochs.append(ExportedEpoch(till.epoch, till.key.text(), 1, last, before, till.head_hash, 0, missing))
    given = [entry.sealed for entry in held] if sealed is None else list(sealed)
    for each in given:
        measure.add(each)
    file = BytesIO()
    manifest = measure.manifest(tills[-1].address, NOW_MS, tuple(epochs))
    write_export(file, seal_manifest(tills[-1].signer, manifest), given)
    return file.getvalue()


def bring(hq: HeadOffice, folder: Path, data: bytes) -> Brought:
    path = folder / "journal.tlj"
    path.write_bytes(data)
    return bring_in(hq.engine, PackShelf(keyring(hq.desk.signer.public)), path, NOW_MS)


def test_what_is_new_is_posted_and_what_is_known_is_passed_over(hq: HeadOffice, tmp_path: Path) -> None:
    till = hq.enrolled()
    for _ in range(150):
        till.sell(hq.sale(till))
    hq.offer(till, *till.entries[:20])
    (epoch,) = bring(hq, tmp_path, exported(till)).epochs
    assert (epoch.new, epoch.known, epoch.unread, epoch.refused) == (130, 20, 0, None)
    assert len(hq.look(books.sale_lines)) == 150
    (again,) = bring(hq, tmp_path, exported(till)).epochs
    assert (again.new, again.known) == (0, 150)
    # The till hears of it when it next says hello.
    assert hq.greet(till).upto_seq == 150
    assert hq.look(ledger.differences) == ()


def test_a_journal_of_another_tenant_is_taken_in_no_part(hq: HeadOffice, tmp_path: Path) -> None:
    mine = hq.enrolled()
    theirs = Till(TerminalAddress("other", A1.shop, A1.terminal))
    theirs.signer = mine.signer
    foreign = theirs.sell(hq.sale(mine))
    with pytest.raises(OfficeError, match="not enrolled"):
        bring(hq, tmp_path, exported(theirs))
    # Nor inside a file of our own till.
    mine.sell(hq.sale(mine))
    (brought,) = bring(hq, tmp_path, exported(mine, sealed=[foreign.sealed])).epochs
    assert (brought.new, brought.refused) == (0, RefusedEntry(1, Reason.FOREIGN_ORIGIN))
    assert hq.look(books.sale_lines) == ()


def test_all_epochs_in_a_file_come_in_also_those_the_till_began_by_itself(hq: HeadOffice, tmp_path: Path) -> None:
    till = hq.enrolled()
    till.sell(hq.sale(till))
    later = till.next_epoch(0)
    later.sell(hq.sale(till))
    brought = bring(hq, tmp_path, exported(till, later))
    assert [(epoch.epoch, epoch.new) for epoch in brought.epochs] == [(1, 1), (2, 3)]
    assert brought.whole
    assert [sale.posted for sale in hq.look(books.sale_lines)] == [True, True]


def test_behind_a_place_that_the_till_could_not_read_nothing_more_of_that_epoch_is_taken(
    hq: HeadOffice, tmp_path: Path
) -> None:
    till = hq.enrolled()
    for _ in range(4):
        till.tell("event")
    (epoch,) = bring(hq, tmp_path, exported(till, missing=(2,))).epochs
    assert (epoch.new, epoch.missing, epoch.refused) == (1, 1, RefusedEntry(3, Cause.GAP))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_file_that_was_touched_is_taken_in_no_part(hq: HeadOffice, tmp_path: Path) -> None:
    till = hq.enrolled()
    for _ in range(3):
        till.tell("event")
    good = exported(till)
    for bad in (*(spoiled(good, at) for at in range(0, len(good), 7)), good[:-1], good + b"\x40", b""):
        with pytest.raises((ContractError, OfficeError)):
            bring(hq, tmp_path, bad)
    assert [state.upto_seq for state in hq.look(books.till_states)] == [0]


def test_a_file_of_a_till_nobody_enrolled_or_of_another_s_key_is_refused(hq: HeadOffice, tmp_path: Path) -> None:
    stranger = Till(A1)
    stranger.tell("event")
    with pytest.raises(OfficeError, match="not enrolled"):
        bring(hq, tmp_path, exported(stranger))
    hq.enrolled()
    with pytest.raises(ContractError, match="unknown_key"):
        bring(hq, tmp_path, exported(stranger))


def test_a_revoked_till_s_file_is_refused_and_kept_like_its_messages(hq: HeadOffice, tmp_path: Path) -> None:
    till = hq.enrolled()
    till.tell("event")
    with writing(hq.engine) as connection:
        chains.revoke(connection, A1, NOW_MS)
    (epoch,) = bring(hq, tmp_path, exported(till)).epochs
    assert (epoch.new, epoch.refused) == (0, RefusedEntry(1, Cause.TERMINAL_REVOKED))
    assert [line.reason for line in hq.look(books.refused_bytes)] == [Cause.TERMINAL_REVOKED]


def test_an_entry_that_conflicts_is_refused_and_put_before_people(hq: HeadOffice, tmp_path: Path) -> None:
    till = hq.enrolled()
    hq.offer(till, till.tell("event"))
    copy = Till(A1)
    copy.signer = till.signer
    copy.tell("another"), copy.tell("more")
    (epoch,) = bring(hq, tmp_path, exported(copy)).epochs
    assert (epoch.new, epoch.refused) == (0, RefusedEntry(1, Cause.ENTRY_CONFLICT))
    assert [line.reason for line in hq.look(books.exception_lines)] == [Cause.ENTRY_CONFLICT]
