"""docs/contract/records.md as the contract's declarations say it: every record on the wire, each field with its key,
its type and its limits.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from contract import (
    basket,
    bodies,
    coupons,
    credentials,
    documents,
    export,
    ids,
    journal,
    messages,
    postings,
    presentations,
    slips,
    trace,
    trade,
    value,
    wire,
)
from contract.calendar import DAY, YEARLY
from tests.tidy.grammar_reference import letters, prose

GROUPS: Mapping[str, tuple[type, ...]] = {
    "Entries of the journal": (
        *(ids.TerminalAddress, journal.EntryHeader),
        *(trade.SaleBody, trade.RefundBody, trade.TopUpBody, trade.RedemptionBody, bodies.CancelBody),
        *(bodies.TrainingBody, bodies.ShiftCloseBody, bodies.OutageBody, bodies.LeaseReturnBody, bodies.SlipOutBody),
        *(bodies.SlipInBody, bodies.DocumentChangeBody, bodies.TechnicalEventBody, bodies.EpochStartBody),
        *(bodies.CarryOverBody, bodies.OfficeBody),
    ),
    "What entries are made of": (
        *(trade.PackRef, trade.MemberRef, trade.Tender, trade.PerpetualTotals, trade.Original, bodies.Returned),
        *(postings.Posting, value.Account, value.Lease, value.Draw),
        *(trace.AppliedEffect, trace.Share, trace.Given),
        *(basket.Basket, basket.BasketLine, basket.TaxRate, basket.Customer, basket.PlannedTender, basket.RuleUsage),
        *(basket.Stock, basket.PoolShare, trade.PendingPoints),
    ),
    "Messages": (
        *(messages.Hello, messages.HeldDocument, messages.LeasesHeld, messages.EarlierEpoch, messages.Batch),
        *(messages.Ack, messages.RefusedEntry, messages.Welcome, messages.Range, messages.Announcement),
        *(messages.Want, messages.Chunk),
    ),
    "Documents": (
        *(documents.Document, documents.MembersContent, documents.MemberRecord, documents.CashiersContent),
        *(documents.CashierRecord, documents.PinVerifier, documents.CatalogueContent, documents.CatalogueItem),
        *(documents.LeasesContent, documents.KeysContent, documents.TerminalKey, documents.RevocationsContent),
        *(documents.RevokedMember, documents.NoticesContent, documents.Notice),
    ),
    "A journal in a file": (export.ExportManifest, export.ExportedEpoch),
    "Codes and cards": (credentials.MemberCredential, presentations.Shown, coupons.Coupon, slips.Slip),
}


def wire_reference() -> str:
    """What the page should hold between its marks."""
    return "\n".join(part for title, records in GROUPS.items() for part in _group(title, records))


def _group(title: str, records: tuple[type, ...]) -> Iterator[str]:
    yield f"## {title}\n"
    for of in records:
        yield f"### {of.__name__}\n\n{prose(of.__doc__)}\n"
        yield "| key | field | type and limits |\n|---:|---|---|"
        for part in wire.layout(of):
            left_out = "" if not part.optional else _left_out(part.default)
            yield f"| {part.key} | `{part.name}` | {_type(part.kind)}{left_out} |"
        yield ""


def _left_out(default: object) -> str:
    if default is None:
        return "; may be missing"
    shown = f"`{default}`" if default != () and default != "" else "empty"
    return f"; left out where {shown}"


def _type(kind: wire.Kind) -> str:
    if kind is DAY:
        return "integer: a day, counted from 1970-01-01 (UTC)"
    if kind is YEARLY:
        return "integer: a day of every year, month times 100 plus day"
    match kind.shape:
        case wire.Later(find):
            return _type(find())
        case wire.Nested(of):
            return f"map [{of.__name__}](#{of.__name__.lower()})"
        case wire.Several(of, least, most):
            return f"array of {least} to {most}, each {_type(of)}"
        case wire.Plain(schema):
            return _plain(schema)
    return "[key, map]"


def _plain(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return "text: " + ", ".join(f"`{item}`" for item in schema["enum"])
    if schema.get("type") == "boolean":
        return "true or false"
    if schema.get("type") == "integer":
        return f"integer, {schema['minimum']} to {schema['maximum']}"
    least, most = schema["minLength"], schema["maxLength"]
    if "0-9a-f]{2})*" in schema.get("pattern", ""):
        return _span(least // 2, most // 2, "bytes")
    if "pattern" in schema:
        return f"text, {letters(schema['pattern'].removeprefix('^').removesuffix('$'))}"
    return f"text, {_span(least, most, 'characters')}"


def _span(least: int, most: int, unit: str) -> str:
    return f"{most} {unit}" if least == most else f"{least} to {most} {unit}"
