"""Value lent to a till: head office's leases documents, spends, slips, and what is left by the chain alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import count

from agent.clock import Stamp
from agent.keys import Identity, new_transaction_id
from agent.offline_store.store import Store
from contract import envelope, wire
from contract.bodies import (
    DocumentChangeBody,
    EntryKind,
    EpochStartBody,
    LeaseReturnBody,
    Returned,
    ReturnReason,
    SlipInBody,
    SlipOutBody,
)
from contract.documents import (
    MAX_DOCUMENT_BYTES,
    Document,
    DocumentKind,
    KeysContent,
    LeasesContent,
    OpenedDocument,
    TerminalKey,
    open_document,
    read_leases,
    seal_document,
)
from contract.envelope import keyring
from contract.ids import TerminalAddress
from contract.journal import Entry, TimeQuality
from contract.signing import Signer
from contract.slips import Slip, read_slip_text, seal_slip, slip_text
from contract.trade import RefundBody, SaleBody, TopUpBody
from contract.value import Account, Asset, Draw, Lease
from tests.contract.samples import ADDRESS, NEIGHBOUR, eddsa_signer, sale
from tests.offline_store.counter import NOON_MS, stamp

ANNA = Account(Asset.STORED, "m-anna")
ANNAS_POINTS = Account(Asset.POINTS, "m-anna")
ANNAS_COFFEES = Account(Asset.USES, "m-anna", "coffee")
SPRING = Account(Asset.BUDGET, "spring-20")
COUPON = Account(Asset.COUPON, "C-0001")
TONIGHT_MS = NOON_MS + 10 * 3_600_000
LOT = b"L" * 16


def lease(number: int, account: Account = ANNA, amount: int = 10_000, bonus_minor: int = 0) -> Lease:
    """A lease until tonight; of stored value a part of one top-up at s09."""
    stored = account.asset is Asset.STORED
    return Lease(
        lease=number.to_bytes(16, "big"),
        account=account,
        amount=amount,
        spend_until_ms=TONIGHT_MS,
        bonus_minor=bonus_minor,
        lot=LOT if stored else None,
        issuer="s09" if stored else None,
    )


class Lender:
    """Head office as it lends to one terminal: each document builds on the one before."""

    def __init__(self, address: TerminalAddress = ADDRESS) -> None:
        self.signer = eddsa_signer()
        self._address = address
        self._versions = count(1)
        self._base: bytes | None = None

    def leases(self, *granted: Lease, recalled: Iterable[bytes] = (), epoch: int = 1) -> OpenedDocument:
        """The next leases document."""
        content = wire.pack(LeasesContent(epoch, granted, tuple(recalled)))
        opened = self.document(DocumentKind.LEASES, content, self._base, self._address)
        self._base = opened.digest
        return opened

    def keys(self, *terminals: tuple[TerminalAddress, int, Signer]) -> OpenedDocument:
        """Whose slips are believed."""
        listed = tuple(TerminalKey(address, epoch, signer.public.text()) for address, epoch, signer in terminals)
        return self.document(DocumentKind.KEYS, wire.pack(KeysContent(listed)))

    def document(
        self, kind: DocumentKind, content: bytes, base: bytes | None = None, to: TerminalAddress | None = None
    ) -> OpenedDocument:
        """The next document of the tenant, or to one terminal, opened as a terminal opens it."""
        document = Document(
            grammar=1,
            kind=kind,
            tenant=ADDRESS.tenant,
            version=next(self._versions),
            issued_ms=NOON_MS,
            accept_until_ms=2**53,
            content=content,
            shop=None if to is None else to.shop,
            terminal=None if to is None else to.terminal,
            base=base,
        )
        return open_document(seal_document(self.signer, document), keyring(self.signer.public))


def activate(store: Store, document: OpenedDocument, at: Stamp | None = None) -> Entry:
    """Make a document the active one."""
    return store.activate(document, new_transaction_id(), at or stamp())


def neighbour(signer: Signer) -> Identity:
    """The till at NEIGHBOUR."""
    return Identity(NEIGHBOUR, 1, signer, bytes(range(32)), {})


def spend(store: Store, *draws: Draw, at: Stamp | None = None) -> Entry:
    """A sale that draws."""
    return store.append(EntryKind.SALE, new_transaction_id(), at or stamp(), replace(sale(), draws=draws))


def give_back(store: Store, *returned: Returned) -> Entry:
    """Leases go back."""
    body = LeaseReturnBody(ReturnReason.ASKED, returned)
    return store.append(EntryKind.LEASE_RETURN, new_transaction_id(), stamp(), body)


def slip_out(store: Store, signer: Signer, draw: Draw, carried: Lease, to: TerminalAddress = NEIGHBOUR) -> bytes:
    """Let ``draw`` out on a slip that says ``carried``, under the id of its transaction; the slip as it is read back
    from paper.
    """
    name = new_transaction_id()
    slip = seal_slip(signer, Slip(1, ADDRESS, 1, to, replace(carried, lease=name)))
    store.append(EntryKind.SLIP_OUT, name, stamp(), SlipOutBody("1001", (draw,), slip))
    return read_slip_text(slip_text(slip))


def slip_in(store: Store, slip: bytes, at: Stamp | None = None) -> Entry:
    """Take a slip."""
    return store.append(EntryKind.SLIP_IN, new_transaction_id(), at or stamp(), SlipInBody("1001", slip))


def doubtful(after_ms: int = 0) -> Stamp:
    """A moment by a clock that cannot be believed."""
    return replace(stamp(after_ms), quality=TimeQuality.DOUBTFUL)


def replayed(store: Store) -> dict[bytes, tuple[int, int]]:
    """What is left of each lease by the open epoch's entries and nothing else: amount and bonus."""
    left: dict[bytes, tuple[int, int]] = {}
    for seq in range(1, store.head().seq + 1):
        _let_count(left, store.entry(seq))
    return {name: both for name, both in left.items() if any(both)}


def _let_count(left: dict[bytes, tuple[int, int]], entry: Entry) -> None:
    body = entry.body()
    match body:
        case EpochStartBody():
            left.clear()
        case DocumentChangeBody(sealed=bytes() as sealed):
            document = wire.unpack(Document, envelope.peek(sealed, MAX_DOCUMENT_BYTES), MAX_DOCUMENT_BYTES)
            content = read_leases(document.content)
            granted = content.granted if content.epoch == entry.header.epoch else ()
            for item in granted:
                left.setdefault(item.lease, (item.amount, item.bonus_minor))
        case SlipInBody():
            value = wire.unpack(Slip, envelope.peek(body.slip, 512), 512).value
            assert value.lease not in left
            left[value.lease] = value.amount, value.bonus_minor
        case LeaseReturnBody():
            for returned in body.leases:
                assert left[returned.lease] == (returned.amount, returned.bonus_minor)
                left[returned.lease] = 0, 0
        case SaleBody() | SlipOutBody():
            for draw in body.draws:
                if draw.account.asset is Asset.COUPON and draw.lease not in left:
                    continue  # A signed coupon is brought, not lent.
                amount, bonus = left[draw.lease]
                left[draw.lease] = amount - draw.amount, bonus - draw.bonus_minor
                assert min(left[draw.lease]) >= 0
    if isinstance(body, SaleBody | RefundBody | TopUpBody):
        for item in body.born:
            left[item.lease] = item.amount, item.bonus_minor
