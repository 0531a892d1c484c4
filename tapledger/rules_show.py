"""What people read: the answers of the rules commands as tables, in Chinese or English."""

from collections.abc import Sequence

from contract.money import format_minor
from contract.trace import Given
from rules.explain import points_text
from rules.linting.finding import Weight
from tapledger.columns import table
from tapledger.rules_output import (
    CompareAnswer,
    CompileAnswer,
    ExplainAnswer,
    LintAnswer,
    PriceAnswer,
    RefundAnswer,
    VerdictAnswer,
)

MOST_ROWS = 200
"""How many findings people are shown; ``--json`` has all of them."""

MOST_FLOORS = MOST_CLAMPS = 20
"""How many articles at their floor people are shown, those first where the floors kept most, and how many lines."""


class Words:
    """Picks the Chinese or the English of what is said twice."""

    def __init__(self, lang: str) -> None:
        self._zh = lang == "zh"

    def __call__(self, zh: str, en: str) -> str:
        """The one in the language asked for."""
        return zh if self._zh else en


def show_price(answer: PriceAnswer, say: Words) -> str:
    """The lines, the effects and the totals."""
    lines = table(
        (say("商品", "article"), say("数量", "units"), say("原价", "list"), say("应付", "to pay")),
        [
            (line.sku, str(line.quantity), format_minor(line.list_minor), format_minor(line.payable_minor))
            for line in answer.lines
        ],
        right=(1, 2, 3),
    )
    effects = table(
        (say("规则", "rule"), say("名称", "title"), say("变化", "change"), say("原因", "reason")),
        [
            (effect.rule, say(effect.title, effect.title_en), effect.change, say(effect.reason, effect.reason_en))
            for effect in answer.effects
        ],
        right=(2,),
    )
    return "\n".join(part for part in (lines, effects, _totals(answer, say)) if part)


def _totals(answer: PriceAnswer, say: Words) -> str:
    points = [points_text(count, answer.points_scale) for count in (answer.points, answer.points_spent)]
    rows = [
        (say("原价", "list"), format_minor(answer.list_minor), True),
        *(
            (f"{tax.tax} {tax.rate_bp // 100}.{tax.rate_bp % 100:02d} %", format_minor(tax.tax_minor), True)
            for tax in answer.taxes
        ),
        (say("取整", "rounding"), format_minor(answer.rounding_minor), answer.rounding_minor != 0),
        (say("应付", "to pay"), format_minor(answer.payable_minor), True),
        (say("储值支付", "from stored value"), format_minor(-answer.stored_minor), answer.stored_minor != 0),
        (say("返储值", "into stored value"), format_minor(answer.bonus_minor), answer.bonus_minor != 0),
        (say("得积分", "points earned"), f"+{points[0]}", answer.points != 0),
        (say("用积分", "points used"), f"-{points[1]}", answer.points_spent != 0),
    ]
    shown = [(name, figure) for name, figure, told in rows if told]
    found = table(("", answer.currency), shown, right=(1,))
    note = say(
        "互斥的规则太多，没有试遍所有组合。\n",
        "So many rules exclude each other that not every combination was tried.\n",
    )
    return found if answer.exact else found + note


def show_explain(answer: ExplainAnswer, say: Words) -> str:
    """The price, then every verdict."""
    verdicts = table(
        (say("规则", "rule"), say("名称", "title"), say("结果", "verdict"), say("最近的改变", "nearest change")),
        [_verdict(verdict, answer.price.points_scale, say) for verdict in answer.verdicts],
    )
    return f"{show_price(answer.price, say)}\n{verdicts}"


def _verdict(verdict: VerdictAnswer, scale: int, say: Words) -> tuple[str, str, str, str]:
    title = say(verdict.title, verdict.title_en)
    if verdict.applied:
        gave = []
        if verdict.off_minor:
            gave.append(format_minor(-verdict.off_minor))
        if verdict.points:
            gave.append(
                say(f"+{points_text(verdict.points, scale)} 分", f"+{points_text(verdict.points, scale)} points")
            )
        return verdict.rule, title, " ".join([say("✔ 生效", "✔ applied"), *gave]), ""
    reason = say(verdict.reason or "", verdict.reason_en or "")
    change = "" if verdict.nearest is None else say(verdict.nearest.words, verdict.nearest.words_en)
    return verdict.rule, title, f"✘ {reason}", change


def show_refund(answer: RefundAnswer, say: Words) -> str:
    """What comes back."""
    counts = (answer.points_back, answer.points_debt, answer.points_restored)
    points = [points_text(count, answer.points_scale) for count in counts]
    rows = [
        (say("退款", "refund"), format_minor(answer.refund_minor), True),
        (say("其中退回储值", "of it into stored value"), format_minor(answer.to_stored_minor), answer.to_stored_minor),
        (say("扣回积分", "points taken back"), points[0], answer.points_back),
        (say("积分欠数", "points owed"), points[1], answer.points_debt),
        (say("退还积分", "points given back"), points[2], answer.points_restored),
        (say("扣回储值赠送", "bonus taken back"), format_minor(answer.bonus_back_minor), answer.bonus_back_minor),
        (say("可再用的券码", "codes to use again"), ", ".join(answer.codes_restored), answer.codes_restored),
        (say("收回的券", "coupons withdrawn"), _listed(answer.coupons_withdrawn), answer.coupons_withdrawn),
        (say("收回的次数", "uses withdrawn"), _listed(answer.counts_withdrawn), answer.counts_withdrawn),
        (say("应退的赠品", "gifts due"), _listed(answer.gifts_due), answer.gifts_due),
    ]
    return table(("", answer.currency), [(name, figure) for name, figure, told in rows if told], right=(1,))


def show_lint(answer: LintAnswer, say: Words) -> str:
    """The findings, the wrong first, and how many there are."""
    shown = answer.findings[:MOST_ROWS]
    rows = [
        (
            say("错误", "wrong") if finding.weight is Weight.WRONG else say("提示", "note"),
            finding.kind.value,
            finding.rule,
            say(finding.words, finding.words_en),
        )
        for finding in shown
    ]
    found = table((say("轻重", "weight"), say("种类", "kind"), say("规则", "rule"), say("说明", "what")), rows)
    more = len(answer.findings) - len(shown)
    if more:
        found += say(f"…… 还有 {more} 条，见 --json\n", f"... {more} more with --json\n")
    summary = say(
        f"{answer.rules} 条规则：{answer.wrong} 个错误，{answer.notes} 条提示\n",
        f"{answer.rules} rules: {answer.wrong} wrong, {answer.notes} notes\n",
    )
    return f"{found}\n{summary}" if found else summary


def show_compile(answer: CompileAnswer, say: Words) -> str:
    """Sizes and hashes."""
    rows = [
        (say("规则", "rules"), str(answer.rules)),
        (say("字节", "bytes"), str(answer.bytes)),
        ("SHA-256", answer.sha256),
        (say("索引字节", "bytes of the index"), str(answer.index_bytes)),
        (say("索引 SHA-256", "SHA-256 of the index"), answer.index_sha256),
        (say("编译毫秒", "milliseconds to compile"), str(answer.compile_ms)),
    ]
    return table(("", ""), rows).lstrip("\n")


def show_compare(answer: CompareAnswer, say: Words) -> str:
    """For whom, by which rules, where floors hold, and the biggest changes."""
    head = (
        *(say("等级", "tier"), say("笔数", "baskets"), say("少付", "pay less"), say("多付", "pay more")),
        *(say("旧", "old"), say("新", "new"), say("差额", "difference"), say("积分差", "points")),
    )
    whole = say("合计", "all")
    groups = table(
        head,
        [
            (
                group.tier or whole,
                *(str(count) for count in (group.baskets, group.winners, group.losers)),
                *(format_minor(amount) for amount in (group.old_minor, group.new_minor)),
                _signed(group.new_minor - group.old_minor),
                f"{group.new_points - group.old_points:+d}",
            )
            for group in (*answer.tiers, answer.whole)
        ],
        right=range(1, 8),
    )
    rules = table(
        (
            *(say("规则", "rule"), say("旧次数", "old times"), say("新次数", "new times")),
            *(say("旧优惠", "old off"), say("新优惠", "new off")),
        ),
        [
            (
                *(rule.rule, str(rule.old_times), str(rule.new_times)),
                *(format_minor(rule.old_minor), format_minor(rule.new_minor)),
            )
            for rule in answer.rules
        ],
        right=range(1, 5),
    )
    parts = [groups, rules, _clamps(answer, say), _biggest(answer, say)]
    return "\n".join(part for part in parts if part)


def _clamps(answer: CompareAnswer, say: Words) -> str:
    """Where the new pack wants goods below their floor: each article, then the first lines."""
    most = sorted(answer.floors, key=lambda floor: (-floor.kept_minor, floor.sku))[:MOST_FLOORS]
    floors = table(
        (say("触底商品", "at its floor"), say("次数", "times"), say("底价挡住", "kept by floors")),
        [(floor.sku, str(floor.times), format_minor(floor.kept_minor)) for floor in most],
        right=(1, 2),
    )
    lines = table(
        (
            *(say("购物篮", "basket"), say("行", "line"), say("触底商品", "at its floor")),
            *(say("想要", "wanted"), say("应付", "to pay")),
        ),
        [
            (str(one.basket), str(one.line), one.sku, format_minor(one.wanted_minor), format_minor(one.payable_minor))
            for one in answer.clamps[:MOST_CLAMPS]
        ],
        right=(0, 1, 3, 4),
    )
    more = max(len(answer.floors) - MOST_FLOORS, len(answer.clamps) - MOST_CLAMPS)
    lines += say("…… 其余见 --json\n", "... the rest with --json\n") if more > 0 else ""
    return f"{floors}\n{lines}" if floors else ""


def _biggest(answer: CompareAnswer, say: Words) -> str:
    return table(
        (
            *(say("购物篮", "basket"), say("等级", "tier"), say("旧", "old"), say("新", "new")),
            *(say("差额", "difference"), say("规则变化", "rules that came and went")),
        ),
        [
            (
                *(str(one.basket), one.tier, format_minor(one.old_minor), format_minor(one.new_minor)),
                _signed(one.new_minor - one.old_minor),
                " ".join([*(f"+{rule}" for rule in one.came), *(f"-{rule}" for rule in one.went)]),
            )
            for one in answer.biggest
        ],
        right=(0, 2, 3, 4),
    )


def _signed(minor: int) -> str:
    return f"+{format_minor(minor)}" if minor > 0 else format_minor(minor)


def _listed(given: Sequence[Given]) -> str:
    return ", ".join(f"{item.name} × {item.count}" for item in given)
