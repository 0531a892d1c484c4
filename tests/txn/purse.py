"""Stored value, coupons and showings as a terminal's store keeps them, in memory; and phones and people that show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from contract import coupons, credentials, wire
from contract.basket import RuleUsage
from contract.bodies import MAX_SLIP_BYTES, Body, SlipInBody, SlipOutBody
from contract.coupons import Coupon, coupon_text, seal_coupon
from contract.credentials import MemberCredential, seal_credential
from contract.envelope import peek
from contract.ids import TerminalAddress
from contract.presentations import Shown, presentation_text, seal_presentation
from contract.signing import PublicKey, Signer, SoftwareSigner
from contract.slips import Slip, seal_slip
from contract.trace import times_acted
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody
from contract.value import Account, Asset, Draw, Lease

DAY_MS = 86_400_000


def new_signer() -> SoftwareSigner:
    """A fresh Ed25519 key."""
    key = Ed25519PrivateKey.generate()
    return SoftwareSigner(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@dataclass(frozen=True, slots=True)
class Held:
    """A lease and what is left of it."""

    lease: Lease
    amount: int
    bonus_minor: int


@dataclass
class Purse:
    """What is held and what was taken before."""

    leases: dict[bytes, Held] = field(default_factory=dict)
    showings: set[bytes] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    void: set[str] = field(default_factory=set)
    """Coupons, members and cards (hexadecimal) that head office called back."""
    slips: set[bytes] = field(default_factory=set)
    others: dict[tuple[TerminalAddress, int], PublicKey] = field(default_factory=dict)
    acted: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each rule has acted for each member."""
    own: SoftwareSigner = field(default_factory=new_signer)
    """The key of this terminal's journal, for slips."""

    def lend(self, member: str, amount: int, bonus: int = 0, number: int = 1) -> None:
        """Lend a part of a top-up made elsewhere."""
        lot = bytes([number]) * 16
        lease = Lease(lot, Account(Asset.STORED, member), amount, 2**50 + number, bonus, lot, "s02")
        self.leases[lot] = Held(lease, amount, bonus)

    def share(self, account: Account, amount: int, number: int = 99) -> None:
        """Lend a part of what is counted: points, uses, a budget, a gift, a merchant's points."""
        lease = Lease(bytes([number]) * 16, account, amount, 2**50 + number)
        self.leases[lease.lease] = Held(lease, amount, 0)

    def spendable(self, account: Account) -> tuple[Held, ...]:
        found = (held for held in self.leases.values() if held.lease.account == account)
        return tuple(held for held in found if held.amount or held.bonus_minor)

    def presentation_taken(self, nonce: bytes) -> bool:
        return nonce in self.showings

    def coupon_taken(self, code: str) -> bool:
        return code in self.used

    def coupon_revoked(self, code: str) -> bool:
        return code in self.void

    def card_revoked(self, uid: bytes) -> bool:
        return uid.hex() in self.void

    def member_revoked(self, member: str, issued_day: int) -> bool:
        return member in self.void and issued_day <= 20_000

    def terminals(self) -> tuple[TerminalAddress, ...]:
        return tuple(sorted({address for address, _epoch in self.others}))

    def terminal_key(self, address: TerminalAddress, epoch: int) -> PublicKey | None:
        return self.others.get((address, epoch))

    def slip_taken(self, slip: bytes) -> bool:
        return slip in self.slips

    def epoch(self) -> int:
        return 1

    def signed_slip(self, slip: Slip) -> bytes:
        return seal_slip(self.own, slip)

    def keep(self, body: Body) -> None:
        """What a committed entry does to all this."""
        match body:
            case SlipOutBody():
                self._take(body.draws)
            case SlipInBody():
                value = wire.unpack(Slip, peek(body.slip, MAX_SLIP_BYTES), MAX_SLIP_BYTES).value
                assert value.lease not in self.slips
                self.slips.add(value.lease)
                self._bear((value,))
            case RedemptionBody():
                self._take(body.draws)
                self.acted[body.member.member, body.rule or ""] += 1
            case RefundBody():
                self._take(body.draws)
                self._bear(body.born)
                self.used -= set(body.codes_restored)
                if body.member is not None:
                    self.acted.subtract({(body.member.member, item.rule): item.times for item in body.rules_undone})
        if not isinstance(body, SaleBody | TopUpBody):
            return
        if body.member is not None and body.member.presentation is not None:
            self.showings.add(body.member.presentation)
        if body.member is not None:
            for rule, times in times_acted(body.effects).items():
                self.acted[body.member.member, rule] += times
        self._take(body.draws)
        self._bear(body.born)

    def times_applied(self, rule: str, member: str | None, today: tuple[int, int]) -> RuleUsage:
        times = 0 if member is None else self.acted[member, rule]
        return RuleUsage(rule, times, times)

    def _take(self, draws: Iterable[Draw]) -> None:
        for draw in draws:
            if draw.account.asset is Asset.COUPON:
                self.used.add(draw.account.holder)
                continue
            if draw.on_floor:
                continue
            held = self.leases[draw.lease]
            assert held.amount >= draw.amount and held.bonus_minor >= draw.bonus_minor
            left = (held.amount - draw.amount, held.bonus_minor - draw.bonus_minor)
            self.leases[draw.lease] = replace(held, amount=left[0], bonus_minor=left[1])

    def _bear(self, born: Iterable[Lease]) -> None:
        for lease in born:
            self.leases[lease.lease] = Held(lease, lease.amount, lease.bonus_minor)


@dataclass
class Phone:
    """A member's phone: its key, and the credential that head office signed for it."""

    hq: Signer
    member: str = "m-9"
    limit_minor: int = 0
    tenant: str = "acme"
    key: SoftwareSigner = field(
        default_factory=lambda: SoftwareSigner(
            ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
    )

    def credential(self, valid_until_day: int = 99_999) -> bytes:
        told = MemberCredential(
            credentials.GRAMMAR, self.tenant, self.member, "gold", (), valid_until_day,
            limit_minor=self.limit_minor, phone_key=self.key.public.raw, issued_day=20_000,
        )  # fmt: skip
        return seal_credential(self.hq, told)

    def shows(self, at_ms: int, nonce: bytes = bytes(16), signer: SoftwareSigner | None = None) -> str:
        """The text of the QR code on its screen."""
        return presentation_text(seal_presentation(signer or self.key, Shown(self.credential(), at_ms, nonce)))


ANYBODYS = Coupon(coupons.GRAMMAR, "acme", "C-1", 0, 2**52)
"""A coupon that is good for ever, everywhere, for everybody."""


def coupon(signer: Signer, told: Coupon = ANYBODYS) -> str:
    """The text of an electronic coupon's QR code."""
    return coupon_text(seal_coupon(signer, told))
