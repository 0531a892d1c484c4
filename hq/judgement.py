"""What an entry in the books means: posted once for each transaction id, or put before people. It never refuses.

The entry is stored whatever judging finds. What the till recorded is what happened: the money is in its drawer, so a
sale that differs from the rules is posted as recorded and people are told; only what such an entry of that till cannot
move is held back. Pure: the entry and what is known of the books go in, the verdict comes out.
"""

from collections.abc import Iterator
from enum import StrEnum

from contract.bodies import EpochStartBody, OfficeBody, ShiftCloseBody
from contract.ids import TerminalAddress
from contract.journal import EntryHeader
from contract.making import dataclass
from contract.money import format_minor
from contract.trade import PackRef, RedemptionBody, RefundBody, SaleBody, TopUpBody
from hq.audit import audit_sale, audit_tenders
from hq.audit_level import audit_level
from hq.audit_value import audit_redemption, audit_refund, audit_top_up
from hq.facts import First, Known, claimed, member_of, presentation_of
from hq.meaning import Meaning
from hq.own_accounts import Moving, foreign_postings
from hq.unsettled import Cause, Finding, Place
from rules.engine.compiled import Compiled

EARLIEST_MS = 1_577_836_800_000
"""2020-01-01 (UTC): no till of ours is older."""

FURTHEST_AHEAD_MS = 24 * 60 * 60 * 1_000
"""A till's clock may be so far ahead of head office's before people are told."""

OFFICE_SHOP = "office"
"""The shop whose one terminal is head office itself; no shop of a tenant is called so."""


class Judged(StrEnum):
    """What became of an entry. ``waiting`` ones are judged again when head office starts, perhaps a newer one."""

    POSTED = "posted"
    NOTED = "noted"
    HELD = "held"
    LINKED = "linked"
    """The very same signed entry is in the books already: carried into a later epoch, or come after it was."""
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an entry, and what people must look at. ``new`` says that its transaction came for the first time
    and is to be remembered, ``time`` what is wrong with its clock: told once for a chain.
    """

    judged: Judged
    findings: tuple[Finding, ...] = ()
    new: bool = False
    time: Finding | None = None

    @property
    def in_effect(self) -> bool:
        """Whether what the entry says takes effect."""
        return self.new and self.judged in (Judged.POSTED, Judged.NOTED)


def judge(place: Place, meaning: Meaning, known: Known, now_ms: int) -> Verdict:
    """Judge the entry that stands at ``place``; ``known`` learns from it."""
    judged = _outcome(meaning)
    first = _first(meaning.header, known, judged is Judged.POSTED)
    if first is not None and first.digest == meaning.digest:
        return Verdict(Judged.LINKED)
    findings = list(_findings(meaning, known, now_ms))
    if first is not None:
        told = f"first seen as {first.place.address} epoch {first.place.epoch} seq {first.place.seq}"
        findings.insert(0, Finding(Cause.TRANSACTION_DOUBLED, told))
        judged = Judged.HELD if judged is Judged.POSTED else judged
    elif any(finding.cause in (Cause.POSTINGS_FOREIGN, Cause.FOREIGN_OFFICE) for finding in findings):
        judged = Judged.HELD
    if first is None:
        known.learn(place, meaning, judged is Judged.POSTED)
    return Verdict(judged, tuple(findings), first is None, _time_finding(meaning.header, now_ms))


def _first(header: EntryHeader, known: Known, posted: bool) -> First | None:
    """The entry under the same transaction id that is in the books. What another till journalled counts only where both
    are posted.
    """
    own = known.transactions.get(claimed(header, posted=False))
    if own is not None:
        return own
    first = known.transactions.get(header.transaction)
    return first if first is None or posted or first.place.address == header.address else None


def _outcome(meaning: Meaning) -> Judged:
    match meaning.body:
        case SaleBody() | RefundBody() | TopUpBody() | RedemptionBody() | OfficeBody():
            return Judged.POSTED
    return Judged.NOTED


def _findings(meaning: Meaning, known: Known, now_ms: int) -> Iterator[Finding]:
    address = meaning.header.address
    match meaning.body:
        case SaleBody() | RefundBody() | TopUpBody() | RedemptionBody() as body:
            yield from foreign_postings(body, address, known.currency or body.currency)
            yield from _audit(body, meaning.header, known)
            yield from _who(meaning, known)
        case OfficeBody() if not is_office(meaning.header):
            yield Finding(Cause.FOREIGN_OFFICE, f"{meaning.body.action}: only head office books so")
        case ShiftCloseBody() as body if body.cash_expected_minor != body.cash_counted_minor:
            expected, counted = format_minor(body.cash_expected_minor), format_minor(body.cash_counted_minor)
            yield Finding(Cause.CASH_DIFFERS, f"shift {body.number}: counted {counted}, expected {expected}")
        case EpochStartBody() as body:
            told = f"{body.reason}: after epoch {body.previous_epoch}, {body.head_seq} entries there, of which"
            # Nothing else will ever show where the old epoch ended, so its leases wait for a person.
            lent = "" if body.head_proven else "; what it was lent stays suspended until somebody writes it off"
            yield Finding(Cause.EPOCH_BEGAN, f"{told} {body.acked_seq} were acknowledged{lent}")
            if body.lost:
                lost = ", ".join(str(seq) for seq in body.lost)
                yield Finding(Cause.ENTRIES_LOST, f"epoch {body.previous_epoch}: {lost}")


def is_office(header: EntryHeader) -> bool:
    """Tell whether an entry stands in head office's own chain."""
    return (header.address.shop, header.address.terminal) == (OFFICE_SHOP, "hq")


def _audit(body: Moving, header: EntryHeader, known: Known) -> Iterator[Finding]:
    address = header.address
    match body:
        case SaleBody():
            yield from audit_tenders(body)
            compiled, finding = _pack(body.pack, address, known)
            yield from (finding,) if finding else ()
            if compiled is not None:
                yield from audit_sale(body, address, compiled)
                yield from audit_level(body, compiled.pack)
        case RefundBody():
            yield from audit_refund(body, address, known.origins.get(body.original.transaction))
        case TopUpBody():
            yield from _with_pack(body, address, known)
        case RedemptionBody():
            yield from _with_pack(body, address, known)


def _with_pack(body: TopUpBody | RedemptionBody, address: TerminalAddress, known: Known) -> Iterator[Finding]:
    compiled, finding = _pack(body.pack, address, known)
    yield from (finding,) if finding else ()
    if isinstance(body, TopUpBody):
        yield from audit_top_up(body, address, compiled)
    else:
        yield from audit_redemption(body, address, compiled)
        yield from () if compiled is None else audit_level(body, compiled.pack)


def _pack(ref: PackRef, address: TerminalAddress, known: Known) -> tuple[Compiled | None, Finding | None]:
    found = known.packs.get(ref.digest)
    if found is None:
        return None, Finding(Cause.PACK_UNKNOWN, f"version {ref.version}, {ref.digest.hex()}")
    if found.version != ref.version:
        return None, Finding(Cause.PACK_VERSION_DIFFERS, f"the till says {ref.version}; that pack is {found.version}")
    if not found.covers(address.shop):
        return found.compiled, Finding(Cause.PACK_ELSEWHERE, f"version {found.version} is for {found.shop} alone")
    return found.compiled, None


def _who(meaning: Meaning, known: Known) -> Iterator[Finding]:
    who, shown = member_of(meaning), presentation_of(meaning)
    if who is not None and who.member not in known.members:
        yield Finding(Cause.MEMBER_UNKNOWN, who.member)
    if shown is not None and (first := known.presentations.get(shown)) is not None:
        place, header = first.place, meaning.header
        taken = f"{place.address} epoch {place.epoch} seq {place.seq} and {header.address} epoch {header.epoch}"
        yield Finding(Cause.PRESENTATION_TWICE, f"the same showing at {taken} seq {header.seq}")


def _time_finding(header: EntryHeader, now_ms: int) -> Finding | None:
    if EARLIEST_MS <= header.wall_ms <= now_ms + FURTHEST_AHEAD_MS:
        return None
    detail = f"the till says {header.wall_ms} ms since 1970, and calls its clock {header.time_quality}"
    return Finding(Cause.TIME_IMPLAUSIBLE, detail)
