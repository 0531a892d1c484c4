"""Coupons used and given back at tills whose journals come in any order: the books come out the same."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from itertools import combinations, groupby, product
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, select

from contract.bodies import EntryKind, OfficeBody
from contract.envelope import keyring
from contract.journal import Entry, open_entry
from contract.value import Account, Asset, Draw
from hq.coupon_charges import COUPON_WEIGHED, weigh_coupons
from hq.coupons import CouponTerms, issue_coupon
from hq.db import open_database, writing
from hq.tables import balances, coupons, entries, exceptions
from hq.unsettled import settle_numbered
from hq.worker import Worker
from rules.postings import counted_postings
from tests.hq.borrowers import balance_of, open_causes, require_sound, take_step
from tests.hq.on_the_line import Line, meet
from tests.hq.test_draws_from_tills import EARN, Shops
from tests.hq.test_value_judged import returned
from tests.hq.tills import A1, B1, NOW_MS, HeadOffice, Till, head_office

OFF_5 = {
    "rule": "off-5",
    "lane": "coupon",
    "when": [{"code": ["C-1"]}],
    "then": [{"amount": {"off_minor": 500, "scope": "basket"}}],
}
BEYOND_A, BEYOND_B = "shop/shop-a/beyond_leases", "shop/shop-b/beyond_leases"
LATER_MS = 2 * NOW_MS

HERE = ("", "u", "ur", "uru", "urur", "uu")
"""What the till A does with a coupon: u uses it, r gives back what was used last."""
THERE = ("", "u", "ur", "uru", "x", "ux")
"""What the till B does with it; x takes back what A sold first."""
CODES = {f"C-{a}-{b}": (a, b) for a, b in product(HERE, THERE) if a + b and not ("x" in b and "r" in a)}

FIRST = ("u", "ur", "uru", "urur", "uu", "ux")
GIVEN_BACK = ("ur", "uru", "urur")
AGAIN = ("uru", "urur", "uu")


def of(words: tuple[str, ...], place: int) -> tuple[str, ...]:
    """The coupons of which a till does one of ``words``."""
    return tuple(code for code, done in CODES.items() if done[place] in words)


def sell(hq: HeadOffice, till: Till, codes: tuple[str, ...], transaction: bytes | None = None) -> Entry:
    """Sell something with these coupons."""
    draws = tuple(Draw(hashlib.sha256(code.encode()).digest()[:16], Account(Asset.COUPON, code), 1) for code in codes)
    body = hq.sale(till)
    moved = (*body.postings, *counted_postings(draws, "CNY", till.address.shop))
    return till.sell(replace(body, draws=draws, postings=moved), transaction)


def take_back(hq: HeadOffice, till: Till, sold: Entry, codes: tuple[str, ...]) -> Entry:
    """Take a sale back, by which these coupons are good again."""
    return till.append(EntryKind.REFUND, replace(returned(hq, till, sold), codes_restored=codes))


def issue(hq: HeadOffice, *codes: str) -> None:
    with writing(hq.engine) as connection:
        for code in codes:
            issue_coupon(connection, hq.desk, CouponTerms(code, 0, LATER_MS), NOW_MS)


class Story:
    """Two tills that use and give back all of CODES, each in four entries of its own."""

    def __init__(self, hq: HeadOffice) -> None:
        self.hq = hq
        self.a, self.b = hq.enrolled(A1), hq.enrolled(B1)
        self.b.wall_ms = NOW_MS + 1
        issue(hq, *CODES)
        sold = sell(hq, self.a, of(FIRST, 0))
        take_back(hq, self.a, sold, of(GIVEN_BACK, 0))
        take_back(hq, self.a, sell(hq, self.a, of(AGAIN, 0)), of(("urur",), 0))
        take_back(hq, self.b, sell(hq, self.b, of(FIRST, 1)), of(GIVEN_BACK, 1))
        sell(hq, self.b, of(AGAIN, 1))
        take_back(hq, self.b, sold, of(("x", "ux"), 1))

    def told_on(self, path: Path, order: tuple[bool, ...], step_each: bool) -> tuple[object, ...]:
        """Tell the story in this order to books that have heard nothing of it yet; return what they say then."""
        engine = open_database(f"sqlite:///{path}")
        before, self.hq = self.hq, replace(self.hq, engine=engine, worker=Worker(engine, self.hq.desk))
        try:
            self.arrive(order, step_each)
            if all(order[:4]):
                self.require_charged()
            return self.books()
        finally:
            engine.dispose()
            self.hq = before

    def arrive(self, order: tuple[bool, ...], step_each: bool) -> None:
        """Bring the entries in, of A where ``order`` says so: one by one and weighed after each, or whatever of a till
        comes together in one batch, and weighed in the end.
        """
        sent = {True: 0, False: 0}
        for of_a, together in groupby(order):
            till, count = self.a if of_a else self.b, len(tuple(together))
            for size in (1,) * count if step_each else (count,):
                batch = till.entries[sent[of_a] : sent[of_a] + size]
                assert self.hq.offer(till, *batch).refused == ()
                sent[of_a] += size
                if step_each:
                    self.weigh()
        self.weigh()

    def weigh(self) -> None:
        """What a worker does between entries."""
        with writing(self.hq.engine) as connection:
            weigh_coupons(connection, self.hq.desk, NOW_MS)

    def books(self) -> tuple[object, ...]:
        """How every account of coupons stands, where each use that counts stands, and what people are to look at."""
        with self.hq.engine.connect() as connection:
            stands = connection.execute(select(balances).where(balances.c.unit == "coupons", balances.c.amount != 0))
            counting = connection.execute(
                select(coupons.c.code, entries.c.address, entries.c.seq).join(
                    entries, entries.c.id == coupons.c.used_entry_id
                )
            )
            told = connection.execute(
                select(exceptions.c.address, exceptions.c.seq, exceptions.c.reason, exceptions.c.detail).where(
                    exceptions.c.settled_ms.is_(None), exceptions.c.reason.startswith("coupon_")
                )
            )
            return tuple(tuple(sorted(tuple(row) for row in rows)) for rows in (stands, counting, told))

    def standing(self, code: str) -> list[tuple[str, int]]:
        """The uses of a coupon that nobody took back, by their clocks."""
        here, there = CODES[code]
        uses = [("a", 1)] if here in FIRST and here not in GIVEN_BACK and "x" not in there else []
        uses += [("b", 1)] if there in FIRST and there not in GIVEN_BACK else []
        uses += [("a", 3)] if here in ("uru", "uu") else []
        return uses + ([("b", 3)] if there == "uru" else [])

    def require_charged(self) -> None:
        """Each use beyond the first that stands is charged to the shop of its till, and nothing else is."""
        charged = {"a": 0, "b": 0}
        for code in CODES:
            uses = self.standing(code)
            assert balance_of(self.hq, f"coupon/{code}", "coupons") == (0 if uses else -1), code
            for shop, _seq in uses[1:]:
                charged[shop] += 1
        assert charged["a"] and charged["b"]
        stands = {shop: balance_of(self.hq, f"shop/shop-{shop}/beyond_leases", "coupons") for shop in charged}
        assert stands == charged
        require_sound(self.hq)


def test_in_whatever_order_journals_come_one_use_counts_and_each_other_is_charged(
    prepared_file: Path, tmp_path: Path
) -> None:
    """All interleavings of both chains, weighed as they come or in the end."""
    untold, path = tmp_path / "untold.db", tmp_path / "told.db"
    shutil.copy(prepared_file, untold)
    with head_office(f"sqlite:///{untold}", prepared=True) as hq:
        story = Story(hq)
    found: dict[tuple[object, ...], tuple[bool, ...]] = {}
    for number, places in enumerate(combinations(range(8), 4)):
        order = tuple(at in places for at in range(8))
        shutil.copy(untold, path)
        found[story.told_on(path, order, step_each=not number % 5)] = order
    assert len(found) == 1, found


def test_two_honest_tills_are_charged_nothing_where_the_return_is_heard_of_last(hq: HeadOffice, tmp_path: Path) -> None:
    """Used at A and given back there, then used at B, whose journal comes first."""
    shops = Shops(hq, tmp_path, OFF_5, EARN)
    shops.meet(2)
    with writing(hq.engine) as connection:
        text = issue_coupon(connection, hq.desk, CouponTerms("C-1", 0, LATER_MS, member="m-1"), NOW_MS)
    for till in (shops.a, shops.b):
        till.tap()
        till.scan(text)
        till.keys("50", "enter", "cash", "enter")
    shops.a.keys("refund", str(shops.a.journal()[-1].header.seq), "enter", "refund", "enter")
    passed_ms = meet(hq, Line(hq, shops.b), began_ms=100_000, turns=3)
    assert balance_of(hq, "coupon/C-1", "coupons") == 0
    meet(hq, Line(hq, shops.a), Line(hq, shops.b), began_ms=passed_ms, turns=3)
    assert [balance_of(hq, place, "coupons") for place in ("coupon/C-1", BEYOND_A, BEYOND_B)] == [0, 0, 0]
    assert open_causes(hq) == set()
    require_sound(hq)
    shops.close()


def test_what_a_person_settled_is_not_put_before_people_again_and_the_office_s_entry_tells_what_moved(
    hq: HeadOffice,
) -> None:
    a, b = hq.enrolled(A1), hq.enrolled(B1)
    b.wall_ms = NOW_MS + 1
    issue(hq, "C-1")
    sold = sell(hq, a, ("C-1",))
    hq.offer(b, sell(hq, b, ("C-1",)))
    hq.offer(a, sold)
    assert balance_of(hq, BEYOND_A, "coupons") == 1
    take_step(hq)
    # A was first by its clock: what it was charged is taken back, and B is charged.
    assert [balance_of(hq, place, "coupons") for place in (BEYOND_A, BEYOND_B)] == [0, 1]
    (told,) = hq.look(lambda connection: connection.execute(select(exceptions).where(_open())).all())
    assert (told.address, told.detail) == (str(B1), f"coupon C-1 was used first as {A1} epoch 1 seq 1")
    (moved,) = hq.look(lambda connection: office_entries(connection, hq))
    assert (moved.action, moved.detail) == ("coupon_weighed", f"C-1 counts as used at {A1} epoch 1 seq 1")
    with writing(hq.engine) as connection:
        settle_numbered(connection, [told.id], "the customer was told", NOW_MS)
    hq.offer(a, take_back(hq, a, sold, ("C-1",)))
    take_step(hq)
    assert [balance_of(hq, place, "coupons") for place in ("coupon/C-1", BEYOND_A, BEYOND_B)] == [0, 0, 0]
    # A third use is doubled, now by that of B, and what is settled stays settled.
    hq.offer(a, sell(hq, a, ("C-1",)))
    take_step(hq)
    assert [balance_of(hq, place, "coupons") for place in ("coupon/C-1", BEYOND_A, BEYOND_B)] == [0, 1, 0]
    require_sound(hq)


def _open() -> ColumnElement[bool]:
    return exceptions.c.settled_ms.is_(None) & (exceptions.c.reason == "coupon_doubled")


def office_entries(connection: Connection, hq: HeadOffice) -> list[OfficeBody]:
    """What head office booked itself about coupons that were weighed."""
    sealed = connection.scalars(select(entries.c.sealed).where(entries.c.kind == EntryKind.OFFICE.value))
    bodies = [open_entry(item, keyring(hq.desk.signer.public)).body() for item in sealed]
    return [body for body in bodies if isinstance(body, OfficeBody) and body.action == COUPON_WEIGHED]


def test_a_coupon_that_these_books_forgot_is_charged_until_it_is_issued_again(hq: HeadOffice) -> None:
    a = hq.enrolled(A1)
    hq.offer(a, sell(hq, a, ("C-1",)))
    take_step(hq)
    assert (open_causes(hq) & {"coupon_unknown"}, balance_of(hq, BEYOND_A, "coupons")) == ({"coupon_unknown"}, 1)
    issue(hq, "C-1")
    take_step(hq)
    assert "coupon_unknown" not in open_causes(hq)
    assert [balance_of(hq, place, "coupons") for place in ("coupon/C-1", BEYOND_A)] == [0, 0]
    require_sound(hq)


def test_of_two_uses_in_one_place_of_a_copied_disk_people_are_told_of_the_one_that_does_not_count(
    hq: HeadOffice,
) -> None:
    """Whichever of both is weighed last."""
    issue(hq, "C-1", "C-2")
    for code, first_ms in (("C-1", 1), ("C-2", -1)):
        address = replace(A1, terminal=f"a{first_ms + 5}")
        till = hq.enrolled(address)
        hq.offer(till, till.tell("opened"))
        copied = Till(address)
        copied.signer, copied.entries = till.signer, [*till.entries]
        copied.wall_ms = NOW_MS + first_ms
        hq.offer(till, sell(hq, till, (code,)))
        sell(hq, copied, (code,), code.encode().ljust(16))
        later = copied.next_epoch(1)
        hq.offer(later, *later.entries)
        take_step(hq)
        told = hq.look(lambda connection: connection.execute(select(exceptions).where(_open())).all())
        assert [row.seq for row in told if row.address == str(address)] == [2], code
