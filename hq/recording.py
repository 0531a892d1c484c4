"""Entries into the books: stored as received, judged, and what the verdict says written down, many at once.

All entries of a batch are looked up, judged and written together. Where that fails, the caller begins again and they
are gone through one by one, so that only the one at fault waits; a fault of ours must not hold up what is behind it.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Table, update
from sqlalchemy.exc import InterfaceError, OperationalError

from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.journal import Entry
from contract.making import dataclass
from contract.signing import PublicKey
from hq.applied import Applied
from hq.bulk import Row, Rows, insert_told, keep_rows, write_together
from hq.day_levels import days_exceeded
from hq.effects import take_effect
from hq.facts import claimed, look_up, presentation_of
from hq.floor_limit import floors_judged
from hq.judgement import Judged, Verdict, judge
from hq.meaning import CarriedFalsely, Meaning, meaning_of
from hq.packs import PackShelf
from hq.rows import COLUMNS, rows_of
from hq.rule_counts import limits_exceeded
from hq.tables import carried, entries, presentations, transactions
from hq.unsettled import Cause, Finding, Place, raise_exceptions, raise_once_in_chain

UNREADABLE_KIND = "unreadable"

Keys = Mapping[TerminalAddress, Mapping[int, PublicKey]]
"""The journal keys of tills, by epoch."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arrived:
    """An entry that its till signed and that is in its place. ``entry`` is None where its header cannot be read, which
    ``problem`` explains. ``entry_id`` is its row where it is stored already.
    """

    place: Place
    sealed: bytes
    digest: bytes
    entry: Entry | None
    problem: str = ""
    entry_id: int | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """An entry, what it says where that can be read, and what became of it."""

    arrived: Arrived
    meaning: Meaning | None
    verdict: Verdict


def record(
    connection: Connection,
    arrived: Sequence[Arrived],
    keys: Keys,
    shelf: PackShelf,
    now_ms: int,
    one_by_one: bool = False,
) -> list[Judgement]:
    """Store and judge entries, those of each till in the order of its chain; ``keys`` are the tills' by epoch.

    Whatever it raises, the transaction has to be given up. With ``one_by_one`` only OperationalError and InterfaceError
    are raised, where the database itself fails.
    """
    if not arrived:
        return []
    if one_by_one:
        return [_record_alone(connection, item, keys, shelf, now_ms) for item in arrived]
    return _record_together(connection, arrived, keys, shelf, now_ms)


def _record_together(
    connection: Connection,
    arrived: Sequence[Arrived],
    keys: Keys,
    shelf: PackShelf,
    now_ms: int,
) -> list[Judgement]:
    read = [_read(item, keys) for item in arrived]
    known = look_up(connection, [meaning for meaning in read if isinstance(meaning, Meaning)], shelf)
    judged = []
    for item, meaning in zip(arrived, read, strict=True):
        if isinstance(meaning, Verdict):
            judged.append(Judgement(item, None, meaning))
        else:
            judged.append(Judgement(item, meaning, judge(item.place, meaning, known, now_ms)))
    _write(connection, judged, now_ms)
    fresh = [(item.arrived.place, item.meaning) for item in judged if item.meaning and item.verdict.in_effect]
    told = days_exceeded(connection, fresh, known, now_ms)
    told += floors_judged(connection, fresh, known.packs, shelf, now_ms)
    raise_exceptions(connection, told + limits_exceeded(connection, fresh, known, now_ms), now_ms)
    return judged


def _record_alone(connection: Connection, item: Arrived, keys: Keys, shelf: PackShelf, now_ms: int) -> Judgement:
    try:
        with connection.begin_nested():
            return _record_together(connection, (item,), keys, shelf, now_ms)[0]
    except (InterfaceError, OperationalError):
        raise
    except Exception as error:
        # It is told to people, and judged again within the hour.
        _LOG.exception("event=judging_failed entry=%s", item.place)
        finding = Finding(Cause.JUDGING_FAILED, f"{type(error).__name__}: {error}")
        failed = Judgement(item, None, Verdict(Judged.WAITING, (finding,)))
        _write(connection, [failed], now_ms)
        return failed


def _read(item: Arrived, keys: Keys) -> Meaning | Verdict:
    """What an entry says; the verdict where that cannot be told."""
    if item.entry is None:
        return Verdict(Judged.WAITING, (Finding(Cause.UNREADABLE, item.problem),))
    try:
        return meaning_of(item.entry, keys[item.place.address])
    except ContractError as error:
        return Verdict(Judged.WAITING, (Finding(Cause.UNREADABLE, str(error)),))
    except CarriedFalsely as error:
        return Verdict(Judged.HELD, (Finding(Cause.CARRIED_UNVERIFIED, str(error)),))


def _write(connection: Connection, judged: Sequence[Judgement], now_ms: int) -> None:
    ids = _store(connection, judged, now_ms)
    rows: dict[Table, list[Row]] = defaultdict(list)
    applied: list[Applied] = []
    findings: list[tuple[Place, Finding]] = []
    for item in judged:
        place, meaning, verdict = item.arrived.place, item.meaning, item.verdict
        findings += [(place, finding) for finding in verdict.findings]
        if meaning is None:
            continue
        entry_id = ids[place]
        if meaning.carried:
            header = meaning.header
            rows[carried].append(
                (entry_id, str(header.address), header.epoch, header.seq, meaning.digest, header.previous)
            )
        if verdict.judged is Judged.LINKED:
            continue
        for table, row in rows_of(meaning.header, meaning.body, verdict.judged is Judged.POSTED):
            rows[table].append((entry_id, *row))
        if verdict.new:
            claim = claimed(meaning.header, verdict.judged is Judged.POSTED)
            rows[transactions].append((claim, entry_id, meaning.digest))
        if (shown := presentation_of(meaning)) is not None:
            rows[presentations].append((shown, entry_id))
        if verdict.in_effect:
            applied.append(Applied(entry_id, meaning.header, meaning.body))
    _write_rows(connection, rows)
    take_effect(connection, applied, now_ms)
    raise_exceptions(connection, findings, now_ms)
    for item in judged:
        if item.verdict.time is not None:
            raise_once_in_chain(connection, item.arrived.place, item.verdict.time, now_ms)


def _write_rows(connection: Connection, rows: Mapping[Table, list[Row]]) -> None:
    # In one order, whatever the batch: two workers that carry the same transactions must not wait in a circle.
    named = sorted(rows.get(transactions, ()), key=lambda row: str(row[0]))
    brought = rows.get(carried, ())
    write_together(
        connection,
        (
            Rows(transactions, ("transaction_id", "entry_id", "digest"), named),
            Rows(carried, ("entry_id", "address", "epoch", "seq", "digest", "previous"), brought),
            *(Rows(table, ("entry_id", *columns), rows.get(table, ())) for table, columns in COLUMNS.items()),
        ),
    )
    keep_rows(connection, presentations, ("presentation", "entry_id"), rows.get(presentations, ()))


def _store(connection: Connection, judged: Sequence[Judgement], now_ms: int) -> dict[Place, int]:
    """Write the entries themselves, or what became of those that are stored already; return their rows' numbers."""
    fresh = [item for item in judged if item.arrived.entry_id is None]
    known = {item.arrived.place: item.arrived.entry_id for item in judged if item.arrived.entry_id is not None}
    for item in judged:
        if item.arrived.entry_id is not None:
            connection.execute(
                update(entries)
                .where(entries.c.id == item.arrived.entry_id)
                .values(judged=item.verdict.judged.value, **_named(item.arrived.entry))
            )
    if not fresh:
        return known
    places = {(str(place.address), place.epoch, place.seq): place for item in fresh for place in (item.arrived.place,)}
    told = ("address", "epoch", "seq", "id")
    rows = insert_told(connection, entries, _STORED, [_stored(item, now_ms) for item in fresh], told)
    return known | {places[address, epoch, seq]: entry_id for address, epoch, seq, entry_id in rows}


_STORED = (
    "address",
    "epoch",
    "seq",
    "digest",
    "sealed",
    "received_ms",
    "judged",
    "kind",
    "transaction_id",
)


def _stored(item: Judgement, now_ms: int) -> Row:
    place, arrived = item.arrived.place, item.arrived
    named = _named(arrived.entry)
    here = (str(place.address), place.epoch, place.seq)
    return (*here, arrived.digest, arrived.sealed, now_ms, item.verdict.judged.value, *named.values())


def _named(entry: Entry | None) -> dict[str, object]:
    """Kind and transaction of an entry, as far as they can be read."""
    if entry is None:
        return {"kind": UNREADABLE_KIND, "transaction_id": None}
    return {"kind": entry.header.kind.value, "transaction_id": entry.header.transaction}
