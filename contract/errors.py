"""The one exception of this room: bytes or values that break the contract, with a named reason."""

from enum import StrEnum


class Reason(StrEnum):
    """Why outside bytes were refused. The values are stable: they are journalled, sent in acknowledgements and
    documented.
    """

    TOO_LARGE = "too_large"
    NOT_CBOR = "not_cbor"
    NOT_DETERMINISTIC = "not_deterministic"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_FIELD = "unknown_field"
    MISSING_FIELD = "missing_field"
    BAD_ID = "bad_id"
    BAD_AMOUNT = "bad_amount"
    BAD_TOPIC = "bad_topic"
    BAD_TEXT_FORM = "bad_text_form"
    NOT_AN_ENVELOPE = "not_an_envelope"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    BAD_KEY = "bad_key"
    FOREIGN_ORIGIN = "foreign_origin"
    BROKEN_CHAIN = "broken_chain"
    UNBALANCED = "unbalanced"
    NEWER_GRAMMAR = "newer_grammar"


class ContractError(Exception):
    """Bytes or values that break the contract.

    ``reason`` is one of :class:`Reason`; ``path`` leads to the field (``"lines[2].quantity"``, empty for the whole);
    ``detail`` is for people.
    """

    def __init__(self, reason: Reason, path: str = "", detail: str = "") -> None:
        super().__init__(": ".join(part for part in (reason.value, path, detail) if part))
        self.reason = reason
        self.path = path
        self.detail = detail
