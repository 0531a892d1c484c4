"""Head office's doors: what its worker is sent, what it books, what a web shop asks, and journals brought on a stick.

Nothing may be raised, and whatever has come the books must be right (office_books.py).
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from contract import cbor, topics, wire
from contract.bodies import Body, EntryKind, body_type
from contract.envelope import ContentType, digest, seal
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.journal import identity_hash
from contract.messages import Batch, Hello, LeasesHeld, Want, leases_digest
from contract.topics import Up
from contract.trade import SaleBody, Tender, TenderKind
from contract.value import draw
from hq.stick import bring_in
from tests.contract.bodies import LEASE, every_body
from tests.contract.samples import ADDRESS, NEIGHBOUR, header, sale
from tests.fuzz.office_books import HELD, NOW_MS, TILLS, TOKEN, opened
from tests.fuzz.tape import Tape, bend

MOST_BOOKED = 6
TRANSACTIONS = {EntryKind.SALE: 1, EntryKind.TOP_UP: 7, EntryKind.SLIP_OUT: 8, EntryKind.REFUND: 12}
"""The number in the transaction id that the bodies refer to each other by."""

Taker = Callable[[bytes], object]


def takers() -> dict[str, tuple[Taker, tuple[bytes, ...], tuple[type[Exception], ...]]]:
    """Each door's function of bytes by the door's name, bytes that it takes, and its refusals."""
    sent = {kind: topics.up(ADDRESS, kind) for kind in Up}
    seeds = _messages()
    bookings = (b"", *(bytes([kind, 0]) for kind in range(len(_bodies()))), bytes(range(1, 120, 3)))
    found: dict[str, tuple[Taker, tuple[bytes, ...], tuple[type[Exception], ...]]] = {
        f"{kind} to head office": (_arriving(topic), (seeds[kind],), ()) for kind, topic in sent.items()
    }
    return found | {
        "any topic to head office": (_arriving_anywhere, tuple(_posted(sent[kind], seeds[kind]) for kind in Up), ()),
        "bookings": (_booked, bookings, ()),
        "web shop": (_asked, _requests(), ()),
    }


def bring_stick(data: bytes) -> None:
    """A journal is brought in a file."""
    office = opened()
    office.begin_again()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        path.write_bytes(data)
        bring_in(office.engine, office.packs, path, NOW_MS)
    office.require_right()


def _messages() -> dict[Up, bytes]:
    nothing = identity_hash(ADDRESS, 1, TILLS[str(ADDRESS)].public)
    hello = Hello(1, 1, 0, nothing, 0, NOW_MS, (), LeasesHeld(0, leases_digest(())))
    sealed = tuple(chained(ADDRESS, [(kind, wire.pack(body)) for kind, body in _bodies()][:4]))
    return {
        Up.HELLO: wire.pack(hello),
        Up.BATCH: wire.pack(Batch(1, 1, 1, sealed)),
        Up.WANT: wire.pack(Want(bytes(32), 3)),
    }


def _posted(topic: str, payload: bytes) -> bytes:
    return topic.encode() + b"\n" + payload


def _arriving(topic: str) -> Taker:
    def take(data: bytes) -> None:
        office = opened()
        office.begin_again()
        office.worker.handle(topic, data, NOW_MS)
        office.require_right()

    return take


def _arriving_anywhere(data: bytes) -> None:
    """The topic stands before the first line feed."""
    topic, _, payload = data.partition(b"\n")
    _arriving(topic.decode("latin-1"))(payload)


# Bodies that their till signed.


@cache
def _bodies() -> tuple[tuple[EntryKind, Body], ...]:
    """What tills book: one body of each kind, and a sale paid from the value topped up."""
    whole = sale()
    from_value: SaleBody = replace(
        whole,
        tenders=(Tender(TenderKind.STORED_VALUE, 6_000), Tender(TenderKind.CASH, whole.payable_minor - 6_000)),
        draws=(draw(LEASE, 5_000, 1_000),),
    )
    return (*every_body(TILLS[str(ADDRESS)]).items(), (EntryKind.SALE, from_value))


def _booked(data: bytes) -> None:
    """Two tills journal some entries each, whose bodies are bent as ``data`` says, and lending goes on after them."""
    tape, office = Tape(data), opened()
    office.begin_again()
    for address in (ADDRESS, NEIGHBOUR):
        booked = [bent(tape) for _ in range(1 + tape.pick(MOST_BOOKED))]
        batch = Batch(1, 1, 1, tuple(chained(address, booked, tape)))
        office.worker.handle(topics.up(address, Up.BATCH), wire.pack(batch), NOW_MS)
        office.require_right()
        if tape.ended:
            break
    office.worker.lend(NOW_MS + 60_000)
    office.require_right()


def bent(tape: Tape) -> tuple[EntryKind, bytes]:
    """A body that a till books, and its kind, with places in it changed as ``tape`` says; most balance all the same."""
    kind, body = _bodies()[tape.pick(len(_bodies()))]
    fields: Any = cbor.decode(wire.pack(body), 65_536)
    bend(tape, fields)
    if tape.pick(4):
        _balance(fields, kind)
    try:
        return kind, cbor.encode(fields)
    except ContractError:
        # Beyond what travels at all.
        return kind, wire.pack(body)


def _balance(fields: Any, kind: EntryKind) -> None:
    """Let the first posting of each unit make up what the others lack, as far as there are postings."""
    key = next((part.key for part in wire.layout(body_type(kind)) if part.name == "postings"), None)
    postings = fields.get(key) if isinstance(fields, dict) else None
    first: dict[str, Any] = {}
    for posting in postings if isinstance(postings, list) else ():
        match posting:
            case {1: str(), 2: str() as unit, 3: int() as amount}:
                if unit in first:
                    first[unit][3] -= amount
                else:
                    first[unit] = posting
                    posting[3] = 0


def chained(address: TerminalAddress, booked: list[tuple[EntryKind, bytes]], tape: Tape | None = None) -> list[bytes]:
    """The entries of a till's journal from its beginning; ``tape`` may give some of them a transaction id or a time
    that another has.
    """
    signer = TILLS[str(address)]
    previous, found = identity_hash(address, 1, signer.public), []
    for seq, (kind, body) in enumerate(booked, start=1):
        told = replace(header(seq, previous, kind), address=address, transaction=_transaction(address, kind, seq))
        if tape is not None and tape.pick(8) == 7:
            told = replace(told, transaction=tape.pick(20).to_bytes(16, "big"))
        if tape is not None and tape.pick(8) == 7:
            told = replace(told, wall_ms=(0, 2**53, NOW_MS, NOW_MS + 86_400_000)[tape.pick(4)])
        sealed = seal(signer, ContentType.ENTRY, cbor.encode([wire.to_wire(told), body]))
        found.append(sealed)
        previous = digest(sealed)
    return found


def _transaction(address: TerminalAddress, kind: EntryKind, seq: int) -> bytes:
    number = TRANSACTIONS.get(kind, 1_000 + seq) if address == ADDRESS else 2_000 + seq
    return number.to_bytes(16, "big")


# What a web shop asks.


def _requests() -> tuple[bytes, ...]:
    hold = HELD.hold.hex().encode()
    return (
        b'POST\n/v1/holds\norder-2\n{"member": "m-0001", "amount": 2500}',
        b'POST\n/v1/holds\norder-3\n{"member": "m-0002", "asset": "points", "amount": 1, "seconds": 60}',
        b"GET\n/v1/holds/" + hold + b"\n\n",
        b"POST\n/v1/holds/" + hold + b'/capture\n\n{"amount": 700}',
        b"POST\n/v1/holds/" + hold + b"/release\n\n{}",
    )


def _asked(data: bytes) -> None:
    """Method, path, idempotency key and body of a request, a line each; the body is what is left."""
    method, path, key, body = (data.split(b"\n", 3) + [b""] * 4)[:4]
    office = opened()
    office.begin_again()
    status = asyncio.run(_status(method.decode("latin-1"), path.decode("latin-1"), key, body))
    assert status < 500, status
    office.require_right()


async def _status(method: str, path: str, key: bytes, body: bytes) -> int:
    """What the application answers, spoken to as a server does (the ASGI specification, "HTTP")."""
    statuses: list[int] = []
    headers = [(b"authorization", b"Bearer " + TOKEN.encode()), (b"idempotency-key", key)]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("latin-1"),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await opened().web(scope, receive, send)
    (status,) = statuses
    return status
