"""Signed bytes as the text of a QR code: a prefix that says what it is, and base32 (RFC 4648) without padding.

Both stay inside a QR code's alphanumeric mode (ISO/IEC 18004), and one value has one text.
"""

import base64
import binascii

from contract.errors import ContractError, Reason

MAX_TEXT_CHARS = 1_024
"""No code of ours is longer."""


def text_form(prefix: str, data: bytes) -> str:
    """Return ``data`` as text that begins with ``prefix``."""
    return prefix + base64.b32encode(data).decode().rstrip("=")


def read_text_form(prefix: str, text: str) -> bytes:
    """Return the bytes written as :func:`text_form` does. Raises ContractError(BAD_TEXT_FORM or TOO_LARGE)."""
    if len(text) > MAX_TEXT_CHARS:
        raise ContractError(Reason.TOO_LARGE, detail=f"{len(text)} characters")
    if not text.startswith(prefix):
        raise ContractError(Reason.BAD_TEXT_FORM, detail=f"does not begin with {prefix}")
    digits = text.removeprefix(prefix)
    try:
        data = base64.b32decode(digits + "=" * (-len(digits) % 8))
    except (binascii.Error, ValueError) as error:
        raise ContractError(Reason.BAD_TEXT_FORM, detail="not base32") from error
    if text_form(prefix, data) != text:
        raise ContractError(Reason.BAD_TEXT_FORM, detail="not the one base32 form")
    return data
