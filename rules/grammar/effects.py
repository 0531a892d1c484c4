"""What a rule may do once its conditions hold: every effect, and the one kind they travel as."""

from contract import wire
from rules.grammar.money import (
    Amount,
    AnyFor,
    BuyGet,
    FixedPrice,
    MemberPrice,
    NthUnit,
    Package,
    Percent,
    SpendSave,
)
from rules.grammar.rewards import (
    CostPoints,
    Gift,
    GrantCounts,
    IssueCoupon,
    PayPoints,
    PayStored,
    PointsBonus,
    PointsPerMoney,
    PointsPerUnit,
    PointsPrice,
    PointsTimes,
    Rebate,
    Redeem,
    RoundTotal,
    TopUp,
)

MoneyEffect = Percent | Amount | FixedPrice | MemberPrice | SpendSave | NthUnit | BuyGet | AnyFor | Package
Effect = (
    MoneyEffect | Gift | PointsPerMoney | PointsPerUnit | PointsBonus | PointsTimes | PayPoints | PointsPrice
    | CostPoints | IssueCoupon | GrantCounts | Rebate | RoundTotal | PayStored | TopUp | Redeem
)  # fmt: skip

EFFECT: wire.Kind = wire.one_of(
    percent=Percent,
    amount=Amount,
    fixed_price=FixedPrice,
    member_price=MemberPrice,
    spend_save=SpendSave,
    nth_unit=NthUnit,
    buy_get=BuyGet,
    any_for=AnyFor,
    package=Package,
    gift=Gift,
    points_per_money=PointsPerMoney,
    points_per_unit=PointsPerUnit,
    points_bonus=PointsBonus,
    points_times=PointsTimes,
    pay_points=PayPoints,
    points_price=PointsPrice,
    cost_points=CostPoints,
    issue_coupon=IssueCoupon,
    grant_counts=GrantCounts,
    rebate=Rebate,
    round_total=RoundTotal,
    pay_stored=PayStored,
    top_up=TopUp,
    redeem=Redeem,
)
