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
        raise OfficeError(
            f"golden[{failed}] 按这些规则算出的价格不同；请改正规则或购物篮。",
            f"golden[{failed}] is priced differently by these rules; correct the rules or the basket.",
        )
    most = most_effects(pack)
    if most > MAX_EFFECTS:
        raise OfficeError(
            f"rules：一件商品可能碰到 {most} 条优惠，而一笔销售最多 {MAX_EFFECTS} 条，终端无法销售；"
            "请合并一些规则、放进同一组，或按等级、门店、日期、商品收窄。",
            f"rules: one article could meet {most} effects, and a sale holds {MAX_EFFECTS}: no till could sell it; "
            "join some rules, put them into a group, or narrow them to tiers, shops, days or goods.",
        )
    return pack
