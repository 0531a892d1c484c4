"""What is in a document that has arrived, read as strictly as it was agreed on: content, or why it is not taken."""

from collections.abc import Callable

from agent.offline_store.documents import Content
from contract.documents import (
    MOST_DELTA_MEMBERS,
    MOST_MEMBERS,
    MOST_MEMBERS_BYTES,
    Document,
    DocumentKind,
    MembersContent,
    read_cashiers,
    read_catalogue,
    read_keys,
    read_leases,
    read_members,
    read_notices,
    read_revocations,
)
from contract.errors import ContractError
from rules.engine.compiled import Compiled
from rules.engine.golden import failed_golden

GOLDEN_FAILED = "golden_basket_differs"
TOO_MANY = "too_many"
"""So many members, in one document, would keep the till's one thread from the counter for too long."""


def read_content(document: Document, compiled: Callable[[bytes], Compiled]) -> tuple[str, Content | None]:
    """Why a document's content cannot be used (empty where it can), and what is in it, read once; of a pack nothing,
    which ``compiled`` reads and must price its golden baskets as it says.
    """
    content = document.content
    try:
        match document.kind:
            case DocumentKind.PACK:
                return ("" if failed_golden(compiled(content)) is None else GOLDEN_FAILED), None
            case DocumentKind.MEMBERS:
                return _members(content, document.base is not None)
            case DocumentKind.CATALOGUE:
                return "", read_catalogue(content, delta=document.base is not None)
            case DocumentKind.CASHIERS:
                return "", read_cashiers(content)
            case DocumentKind.LEASES:
                return "", read_leases(content)
            case DocumentKind.KEYS:
                return "", read_keys(content)
            case DocumentKind.REVOCATIONS:
                return "", read_revocations(content)
            case DocumentKind.NOTICES:
                return "", read_notices(content)
    except ContractError as error:
        return error.reason.value, None


def _members(content: bytes, delta: bool) -> tuple[str, MembersContent | None]:
    if len(content) > MOST_MEMBERS_BYTES:
        return TOO_MANY, None
    found = read_members(content)
    many = len(found.members) + len(found.gone) if delta else len(found.members)
    return (TOO_MANY, None) if many > (MOST_DELTA_MEMBERS if delta else MOST_MEMBERS) else ("", found)
