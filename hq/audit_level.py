"""Did somebody spend more than the pack lets one who was recognised like that? Pure: what is told is for people."""

from collections.abc import Iterator

from contract.money import format_minor
from contract.trade import RedemptionBody, SaleBody
from contract.value import Asset
from hq.unsettled import Cause, Finding
from rules.grammar.pack import Pack
from rules.grammar.spending import level_of


def audit_level(body: SaleBody | RedemptionBody, pack: Pack) -> Iterator[Finding]:
    """Yield a finding for stored value and for points, where more was spent at once than the level allows."""
    member = body.member
    if member is None or not body.draws:
        return
    level = level_of(pack.spending, member.medium, member.assurance)
    for asset, most in ((Asset.STORED, level.stored_sale_minor), (Asset.POINTS, level.points_sale)):
        own = (draw for draw in body.draws if (draw.account.asset, draw.account.holder) == (asset, member.member))
        spent = 0 if most is None else sum(draw.whole for draw in own)
        if most is not None and spent > most:
            said = [format_minor(amount) if asset is Asset.STORED else str(amount) for amount in (spent, most)]
            how = f"by {member.medium}, {member.assurance}"
            yield Finding(Cause.BEYOND_LEVEL, f"{member.member} {how}: {said[0]} of {asset}, the pack allows {said[1]}")
