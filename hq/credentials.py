"""Member credentials: the signed text of a member's QR code, believed by every till of the tenant without asking."""

from sqlalchemy import Connection, select

from contract.credentials import GRAMMAR, MAX_TAGS, MemberCredential, credential_text, seal_credential
from contract.signing import Signer
from hq.errors import OfficeError
from hq.tables import members


def issue_credential(connection: Connection, signer: Signer, tenant: str, member: str, valid_until_day: int) -> str:
    """Return the text of a QR code for ``member``, valid up to and including ``valid_until_day`` (days since
    1970-01-01, UTC).

    Raises OfficeError where there is no such member, or one with more tags than a credential holds.
    """
    row = connection.execute(select(members.c.tier, members.c.tags).where(members.c.member == member)).one_or_none()
    if row is None:
        raise OfficeError(f"there is no member {member}; load the members first.")
    if len(row.tags) > MAX_TAGS:
        raise OfficeError(f"member {member} has {len(row.tags)} tags; a credential holds {MAX_TAGS}.")
    credential = MemberCredential(GRAMMAR, tenant, member, row.tier, tuple(row.tags), valid_until_day)
    return credential_text(seal_credential(signer, credential))
