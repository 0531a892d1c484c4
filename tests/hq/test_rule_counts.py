"""Rules that a member gets so often: counted at each till, told from one to the other, given back with the goods."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from contract.documents import MOST_USED
from contract.trace import RuleTimes
from contract.trade import RefundBody, SaleBody
from contract.value import Account, Asset
from hq.audit_value import Origin, audit_refund, returned_as
from hq.books import exception_lines
from hq.bulk import insert_rows
from hq.db import reading, writing
from hq.deltas import publish_members
from hq.grants import grant
from hq.people import replace_members
from hq.rule_counts import used_by_member
from hq.sources import MemberRow
from hq.tables import rule_counts
from hq.unsettled import Cause, Finding
from rules.authoring import read_authored
from rules.engine.compiled import compile_pack
from rules.engine.shortfall import Why
from rules.engine.verdicts import judge
from tests.agent.real_till import RealTill
from tests.hq.test_draws_from_tills import Shops, member_code, sales
from tests.hq.test_returns_at_the_till import code_on
from tests.hq.tills import NOW_MS, HeadOffice

TEN = {"amount": {"off_minor": 1_000, "scope": "basket"}}
ONE_OF_THEM = {"percent": {"rate_bp": 1_000, "scope": "line"}}
WELCOME = {"rule": "welcome", "lane": "basket", "when": [{"member": True}], "limits": {"per_member": 1}, "then": [TEN]}
TODAY = {**WELCOME, "rule": "today", "limits": {"per_member_day": 1}}
FIRST_TWO = {**WELCOME, "rule": "first-two", "when": [], "limits": {"per_shop_day": 2}}


class Counting(Shops):
    """Two tills of two shops with these rules, and members m-1 and m-2, told by head office."""

    def __init__(self, hq: HeadOffice, folder: Path, *rules: Mapping[str, object]) -> None:
        super().__init__(hq, folder, *rules, zones=["Asia/Shanghai"])
        self.compiled = compile_pack(read_authored(json.dumps(self.rules)))
        with writing(hq.engine) as connection:
            rows = [MemberRow(name, "会员", "gold", (), (), None) for name in ("m-1", "m-2")]
            replace_members(connection, rows)
        # What the tills were born with is older than the second document.
        for _version in range(2):
            self.tell()

    def tell(self) -> None:
        """Publish what is known of the members."""
        with writing(self.hq.engine) as connection:
            publish_members(connection, self.hq.desk, NOW_MS)

    def buys(self, till: RealTill, member: str | None = "m-1") -> tuple[int, list[Why], str]:
        """A member buys for 50: what was taken off, why rules did not act, the receipt's code."""
        if member is not None:
            till.scan(member_code(self.hq, member))
        code = code_on(till.keys("50", "enter", "cash"))
        sold = sales(till)[-1]
        short = (verdict.shortfall for verdict in judge(sold.basket, self.compiled).verdicts)
        return sold.basket.list_minor - sold.payable_minor, [item.why for item in short if item], code

    def returns(self, till: RealTill, code: str) -> tuple[RuleTimes, ...]:
        """All of a sale comes back: what that undoes."""
        till.keys("enter", "refund")
        till.scan(code)
        till.keys("enter", "enter")
        return self.undone(till)

    def undone(self, till: RealTill) -> tuple[RuleTimes, ...]:
        """What the newest entry undoes, which is a return."""
        body = till.journal()[-1].body()
        assert isinstance(body, RefundBody)
        return body.rules_undone

    def pass_time(self, elapsed_ms: int) -> None:
        """Let the clocks go on."""
        self._passed_ms += elapsed_ms
        for till in (self.a, self.b):
            till.hands.elapsed_ms = self._passed_ms

    def found(self) -> list[tuple[str, str]]:
        """What head office puts before people: the till and the words."""
        with reading(self.hq.engine) as connection:
            lines = exception_lines(connection)
        assert {line.reason for line in lines} <= {"beyond_limit"}
        return [(line.address.terminal, line.detail) for line in lines]


def test_a_rule_once_per_member_is_told_from_till_to_till_and_comes_back_with_the_goods(
    hq: HeadOffice, tmp_path: Path
) -> None:
    shops = Counting(hq, tmp_path, WELCOME)
    off, _why, code = shops.buys(shops.a)
    assert off == 1_000
    # Offline nobody else knows: the other shop gives it too.
    assert shops.buys(shops.b, "m-2")[0] == 1_000
    assert shops.buys(shops.a, "m-2")[0] == 1_000
    shops.meet(3)
    assert shops.found() == [
        ("b1", "welcome for member/m-2: acted 2 times, the pack allows 1; shop-a/a1 1, shop-b/b1 1")
    ]
    shops.tell()
    shops.meet(4)
    for till in (shops.a, shops.b):
        for member in ("m-1", "m-2"):
            assert shops.buys(till, member)[:2] == (0, [Why.LIMIT_MEMBER])

    # Who brings the goods back may have it again: here at once, there as soon as it is told.
    assert shops.returns(shops.a, code) == (RuleTimes("welcome", 1),)
    shops.meet(3)
    shops.tell()
    shops.meet(4)
    assert shops.buys(shops.b)[0] == 1_000
    shops.meet(3)
    shops.tell()
    shops.meet(4)
    assert shops.buys(shops.a)[:2] == (0, [Why.LIMIT_MEMBER])
    assert len(shops.found()) == 1
    shops.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_days_are_counted_by_the_shops_own_clock_for_members_and_for_the_shop(hq: HeadOffice, tmp_path: Path) -> None:
    shops = Counting(hq, tmp_path, TODAY, FIRST_TWO)
    a = shops.a
    off, _why, code = shops.buys(a)
    assert off == 2_000
    assert shops.buys(a)[:2] == (1_000, [Why.LIMIT_MEMBER_DAY])
    assert shops.buys(a, None)[:2] == (0, [Why.LIMIT_SHOP_DAY, Why.MEMBER])
    assert shops.returns(a, code) == (RuleTimes("first-two", 1), RuleTimes("today", 1))
    assert shops.buys(a)[0] == 2_000
    shops.meet(3)
    shops.tell()
    shops.meet(4)
    # The other shop has given none of its own two, and hears that the member had this day's.
    assert shops.buys(shops.b)[:2] == (1_000, [Why.LIMIT_MEMBER_DAY])
    # NOW_MS is 16:00 in Shanghai; past its midnight, which is 16:00 in London, a new day begins.
    shops.pass_time(8 * 3_600_000)
    assert shops.buys(shops.b)[0] == 2_000
    shops.meet(3)
    assert shops.found() == []
    shops.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_part_returned_gives_nothing_back_and_a_till_that_says_more_is_found_out(
    hq: HeadOffice, tmp_path: Path
) -> None:
    each = {**WELCOME, "lane": "line", "limits": {"per_member": 5}}
    shops = Counting(hq, tmp_path, {**WELCOME, "rule": "whole"}, {**each, "then": [ONE_OF_THEM]})
    shops.a.scan(member_code(hq, "m-1"))
    code = code_on(shops.a.keys("50", "enter", "40", "enter", "cash"))
    # Of two pieces the second comes back, then the first: what both took part in is undone with the last.
    shops.a.keys("enter", "refund")
    shops.a.scan(code)
    shops.a.keys("0", "enter", "enter", "enter")
    second = shops.undone(shops.a)
    assert (second, shops.returns(shops.a, code)) == ((), (RuleTimes("welcome", 1), RuleTimes("whole", 1)))
    sale, body = shops.a.journal()[-3], shops.a.journal()[-1].body()
    sold = sale.body()
    assert isinstance(sold, SaleBody) and isinstance(body, RefundBody)
    earlier = shops.a.journal()[-2].body()
    assert isinstance(earlier, RefundBody)
    origin = Origin(sale.digest, sold, shops.compiled, (returned_as(earlier),))
    assert audit_refund(body, shops.a.book.address, origin) == ()
    forged = replace(body, rules_undone=(RuleTimes("welcome", 4),))
    assert audit_refund(forged, shops.a.book.address, origin) == (
        Finding(
            Cause.REFUND_DIFFERS, "the till says welcome 4 times; by the rules it is welcome 1 times, whole 1 times"
        ),
    )
    # However many tills a member went to, a record has room: the tills are told together then.
    with writing(hq.engine) as connection:
        many = [("member/m-1", "welcome", -1, f"acme/shop-a/t{number}", 1, 1) for number in range(MOST_USED + 1)]
        insert_rows(connection, rule_counts, tuple(rule_counts.c.keys()), many)
        (line,) = used_by_member(connection, hq.desk, NOW_MS)["m-1"]
    assert (line.rule, line.times, line.shop) == ("welcome", MOST_USED + 1, None)
    shops.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_a_member_may_redeem_once_is_handed_out_once(hq: HeadOffice, tmp_path: Path) -> None:
    cup = {**WELCOME, "rule": "cup", "lane": "points", "then": [{"redeem": {"sku": "CUP", "points": 5}}]}
    earn = {"rule": "earn", "lane": "points", "then": [{"points_per_money": {"points": 1, "spend_minor": 100}}]}
    shops = Counting(hq, tmp_path, cup, earn)
    for till in (shops.a, shops.b):
        shops.buys(till)
        till.keys("enter")
    shops.meet(2)
    with writing(hq.engine) as connection:
        grant(connection, hq.desk, Account(Asset.GIFT, "CUP"), 40, NOW_MS)
        grant(connection, hq.desk, Account(Asset.POINTS, "m-1"), 4_000, NOW_MS)
    shops.meet(20)

    def redeems(till: RealTill) -> str:
        till.scan(member_code(hq, "m-1"))
        till.keys("redeem")
        if not till.refused:
            till.keys("1")
        said = till.refused
        till.keys("cancel" if said else "enter", "cancel")
        return said

    assert [redeems(shops.a) for _time in range(2)] == ["", "redeem_nothing"]
    shops.meet(2)
    shops.tell()
    shops.meet(4)
    assert redeems(shops.b) == "redeem_nothing"
    shops.meet(2)
    shops.require_right()
    shops.close()
