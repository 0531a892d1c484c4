"""Member credentials: head office's signature over who a member is, for a QR code, a card or a phone, believed by every
till of the tenant without asking.
"""

import io
from dataclasses import dataclass

from sqlalchemy import Connection, select

from contract.credentials import GRAMMAR, MAX_TAGS, MemberCredential, credential_text, seal_credential
from contract.signing import Signer
from hq.errors import OfficeError, no_member
from hq.tables import members

MOST_CARD_BYTES = 144
"""What an NTAG213 holds (NXP data sheet, section 8.5): the NDEF message with its TLV around it."""

_NDEF_TLV, _END_TLV = 0x03, 0xFE  # NFC Forum Type 2 Tag 1.2, section 2.3.
_ONE_UNTYPED_RECORD = 0xD5
"""Header of an NDEF record (NDEF 1.0, section 3.2): begins and ends the message, short, type unknown."""
_AROUND_BYTES = 6


@dataclass(frozen=True, slots=True)
class CredentialTerms:
    """For what a credential is good: through which day, issued on which (days since 1970-01-01, UTC), on which card
    alone, shown by which phone alone (its P-256 public key, compressed), and how much of stored value a till that knows
    no better may take in one sale (minor units).
    """

    valid_until_day: int
    issued_day: int = 0
    card: bytes | None = None
    phone_key: bytes | None = None
    limit_minor: int = 0


def issue_credential(connection: Connection, signer: Signer, tenant: str, member: str, terms: CredentialTerms) -> bytes:
    """Return a signed credential for ``member``.

    Raises OfficeError where there is no such member, or one with more tags than a credential holds.
    """
    row = connection.execute(select(members.c.tier, members.c.tags).where(members.c.member == member)).one_or_none()
    if row is None:
        raise no_member(member)
    if len(row.tags) > MAX_TAGS:
        raise OfficeError(
            f"会员 {member} 有 {len(row.tags)} 个标签；会员码最多 {MAX_TAGS} 个，请减少标签。",
            f"member {member} has {len(row.tags)} tags; a credential holds {MAX_TAGS}. Take some away.",
        )
    credential = MemberCredential(
        GRAMMAR,
        tenant,
        member,
        row.tier,
        tuple(row.tags),
        terms.valid_until_day,
        terms.card,
        terms.limit_minor,
        terms.phone_key,
        terms.issued_day,
    )
    return seal_credential(signer, credential)


def qr_text(sealed: bytes) -> str:
    """A credential as the text of a QR code."""
    return credential_text(sealed)


def qr_picture(sealed: bytes) -> bytes:
    """A credential as the picture of its QR code, a PNG with the margin that ISO/IEC 18004 wants around it."""
    # Only who draws one needs it.
    import qrcode

    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, box_size=8, border=4)
    code.add_data(qr_text(sealed))
    output = io.BytesIO()
    code.make_image().save(output, format="PNG")
    return output.getvalue()


def card_memory(sealed: bytes) -> bytes:
    """A credential as it is written on a card, from the first page of user memory on: one NDEF record of its bytes.

    Raises OfficeError where an NTAG213 is too small for it.
    """
    size = len(sealed) + _AROUND_BYTES
    if size > MOST_CARD_BYTES:
        raise OfficeError(
            f"共 {size} 字节，卡上只能写 {MOST_CARD_BYTES} 字节；请减少标签或缩短名称。",
            f"{size} bytes, and a card holds {MOST_CARD_BYTES}; fewer tags or shorter names make it smaller.",
        )
    record = bytes([_ONE_UNTYPED_RECORD, 0, len(sealed)]) + sealed
    return bytes([_NDEF_TLV, len(record)]) + record + bytes([_END_TLV])
