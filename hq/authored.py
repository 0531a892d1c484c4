"""Packs as staff hand them in: checked before anything is signed."""

from contract.trade import MAX_EFFECTS
from hq.errors import OfficeError
from hq.zones import zone_steps
from rules.authoring import read_authored
from rules.crowding import most_effects
from rules.engine.compiled import compile_pack
from rules.engine.golden import failed_golden
from rules.grammar.pack import Pack


def author_pack(text: str) -> Pack:
    """Return the pack that staff wrote as JSON, once its golden baskets come out as they say.

    Raises ContractError where the text is wrong, OfficeError naming the first golden basket that is not reproduced, or
    saying that one article could meet more effects than a sale can hold.
    """
    pack = read_authored(text, zone_steps)
    failed = failed_golden(compile_pack(pack))
    if failed is not None:
        raise OfficeError(f"golden[{failed}] is priced differently by these rules; correct the rules or the basket.")
    most = most_effects(pack)
    if most > MAX_EFFECTS:
        raise OfficeError(
            f"rules: one article could meet {most} effects, and a sale holds {MAX_EFFECTS}: no till could sell it; "
            "join some rules, put them into a group, or narrow them to tiers, shops, days or goods."
        )
    return pack
