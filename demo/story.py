"""The story: what the product promises, played on the stage without a person, each step checked where an outsider
would check it.

Checks read head office's database and the decoded receipts; the glass is read only for what a cashier must have seen.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from contract.documents import DocumentKind
from contract.envelope import digest
from contract.said import Said
from demo import attacks, cast, ears
from demo import site as places
from demo.audit import Auditor, Sale
from demo.hands import Hands, NotSeen
from demo.processes import ProcessError
from demo.site import TILL
from demo.stage import Stage
from hq.errors import OfficeError

WAIT_S = 20.0
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Check:
    """One statement, whether it holds, and what was seen."""

    statement: str
    holds: bool
    seen: str


@dataclass(slots=True)
class Chapter:
    """One step of the story; its checks are filled in while it is played."""

    number: int
    title: Said
    checks: list[Check] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether it was played and every check holds."""
        return bool(self.checks) and all(check.holds for check in self.checks)


Tell = Callable[[Chapter], None]


class Story:
    """Plays the chapters on a started stage. ``tell`` is handed each chapter when it is over."""

    CHAPTERS = 6

    def __init__(self, stage: Stage, auditor: Auditor, tell: Tell) -> None:
        self._stage = stage
        self._counter = stage.counter
        self._auditor = auditor
        self._tell = tell
        self._hands = Hands(stage.counter)
        self._chapter = Chapter(0, Said("", ""))

    def play(self) -> list[Chapter]:
        """Play to the end, or to the first chapter that fails; every chapter asked for is in the result."""
        chapters = []
        for number, (title, act) in enumerate(self._chapters(), start=1):
            self._chapter = Chapter(number, title)
            chapters.append(self._chapter)
            try:
                act()
            except (NotSeen, ProcessError, OfficeError, TimeoutError, ValueError) as error:
                self._note("the step can be played", False, str(error))
            self._tell(self._chapter)
            if not self._chapter.holds:
                break
        return chapters

    def _chapters(self) -> Iterator[tuple[Said, Callable[[], None]]]:
        documents = "Signed documents reach the till and become active"
        yield Said("签名的资料送到收银机并生效", documents), self._documents
        sale = "A gold member's sale, from tap to head office's books"
        yield Said("金卡会员的一笔销售：从刷卡到总部的账", sale), self._first_sale
        offline = "Without the network: two sales, a new pack, a broker killed"
        yield Said("断网：两笔销售，一版新规则，消息代理被杀掉", offline), self._offline
        yield Said("记账和小票之间，收银机断电", "The till killed between commit and receipt"), self._crash
        back = "The network returns: nothing lost, nothing doubled, new prices"
        yield Said("网络恢复：不丢、不重、新价格", back), self._return
        yield Said("伪造和误用都被点名拒绝", "Forgeries and misuse are refused by name"), self._refusals

    def _documents(self) -> None:
        for kind in ("pack", "members", "cashiers", "catalogue"):
            self._expect_first_active(kind)
        self._expect_chain()

    def _first_sale(self) -> None:
        self._hands.sign_in(*cast.CASHIER)
        self._hands.tap(cast.gold_card(), "金卡")
        self._hands.press(*"268.00", "enter")
        shown = self._hands.see("268.00", "金卡9折", "-26.80", "满200减20", "-20.00", "221.20", "221")
        self._note("the glass shows list price, each rule with its reason, payable and points", True, " / ".join(shown))
        self._pay("221.20", ("268.00", "-26.80", "-20.00", "221.20", "+221"))
        sound = self._counter.glass.sounds[-1]
        self._note("the success sound was given", sound.name == "success", sound.name)
        self._expect_sales(1)
        self._expect_agreement()
        self._expect_points(cast.GOLD_MEMBER, 221)

    def _offline(self) -> None:
        self._counter.breaks("network")
        self._hands.see("离线")
        self._hands.scan(cast.phone_code(self._stage), "银卡")
        self._hands.key_amount("250.00", "230.00")
        self._pay("230.00", ("满200减20", "230.00", "+230"))
        places.publish_pack(self._stage.site, "pack2")
        self._stage.broker.kill()
        self._stage.restart_broker()
        self._hands.press("member", *cast.PHONE_NUMBER, "enter")
        self._hands.see("0003")
        self._hands.key_amount("99.50", "99.50")
        self._pay("99.50", ("99.50", "+99"))
        shown = self._hands.see("离线", "2 笔")
        self._note("the offline bar shows count and age", any("最早" in row for row in shown), " / ".join(shown[:2]))
        sales = len(self._auditor.sales(TILL))
        self._note("head office has heard of neither sale yet", sales == 1, f"{sales} sale at head office")
        self._note("the broker was killed and runs again", self._stage.broker.pid is not None, "running")

    def _crash(self) -> None:
        self._counter.breaks("paper")
        before = len(self._counter.roll.receipts)
        self._hands.tap(cast.gold_card(), "金卡")
        self._hands.key_amount("150.00", "135.00")
        self._hands.press("cash")
        self._hands.see("收款完成", "135.00", "缺纸")
        self._stage.agent.kill()
        self._counter.breaks("paper", on=False)
        self._stage.start_agent()
        shown = self._hands.see("135.00", "补打")
        self._note("after the restart the till says what was committed and offers the receipt", True, " / ".join(shown))
        printed = len(self._counter.roll.receipts)
        self._note("nothing was printed before somebody asked", printed == before, f"{printed - before} receipts")
        self._hands.press("reprint")
        text = self._hands.paper("the offered receipt", before + 1)
        self._note(
            "the paper that may be the second is marked 补打", "补打" in text and "135.00" in text, _line(text, "补打")
        )

    def _return(self) -> None:
        self._hands.sign_in(*cast.CASHIER)
        self._hands.key_amount("88.00", "88.00")
        with ears.listening(self._stage) as ear:
            self._counter.breaks("network", on=False)
            self._expect_sales(4)
            everything = self._auditor.chain(TILL).count
            told = ears.told_cursor(ear, TILL, everything)
            held = ears.held_after_fetching(ear, TILL, digest(self._auditor.pack_blob(2)), DocumentKind.PACK)
        seen = f"the till's next hello says {told} of {everything}"
        self._note("head office acknowledged, and the till's cursor moved to the head", told == everything, seen)
        activated = self._auditor.activated(TILL, "pack")
        seen = f"fetched, and the till still holds version {held}"
        self._note("pack 2 is here, and waits while the basket is open", (held, activated) == (1, (1,)), seen)
        self._pay("88.00", ("88.00",))
        self._expect(
            "pack 2 is active once the basket is closed",
            lambda: self._auditor.activated(TILL, "pack") == (1, 2),
            lambda: self._auditor.activated(TILL, "pack"),
        )
        self._hands.tap(cast.gold_card(), "金卡")
        self._hands.press(*"268.00", "enter")
        self._hands.see("满200减30", "211.20", "422")
        self._pay("211.20", ("满200减30", "211.20", "+422"))
        self._expect_sales(6)
        payable = [sale.body.payable_minor for sale in self._auditor.sales(TILL)]
        expected = [22120, 23000, 9950, 13500, 8800, 21120]
        self._note(
            "no sale is missing, none is doubled", payable == expected and not self._auditor.doubled(TILL), str(payable)
        )
        self._expect_agreement()
        self._expect_points(cast.GOLD_MEMBER, 221 + 135 + 422)
        self._expect_points(cast.QR_MEMBER, 230)
        self._expect_points(cast.PHONE_MEMBER, 99)
        self._hands.await_that(
            "the backlog on the glass is gone", lambda: "离线" not in "".join(self._counter.glass.text)
        )

    def _refusals(self) -> None:
        attacks.forge_packs(self._stage, self._auditor, self._expect)
        attacks.forge_acknowledgement(self._stage, self._auditor, self._expect)
        attacks.misuse_terminal(self._stage, self._auditor, self._expect)
        self._hands.tap(cast.gold_card(), "金卡")
        self._hands.key_amount("20.00", "18.00")
        self._pay("18.00", ("18.00", "+36"))
        self._expect_sales(7)
        self._expect_agreement()
        self._note("everything went on: the next sale is in the books", True, "sale 7")
        active = self._auditor.activated(TILL, "pack")
        self._note("no forged pack ever became active", active == (1, 2), f"pack versions active: {active}")

    def _pay(self, payable: str, on_paper: tuple[str, ...]) -> None:
        """Take cash, and check the receipt that comes out."""
        number = len(self._counter.roll.receipts) + 1
        self._hands.press("cash")
        text = self._hands.paper(f"the receipt of {payable}", number)
        self._hands.see("收款完成", "小票已打印")
        missing = [words for words in on_paper if words not in text]
        self._note(f"the receipt says {', '.join(on_paper)}", not missing, _line(text, payable))

    def _expect_sales(self, count: int) -> None:
        self._expect(
            f"head office has {count} sale{'s' if count > 1 else ''} of this till",
            lambda: len(self._auditor.sales(TILL)) == count,
            lambda: len(self._auditor.sales(TILL)),
        )
        self._expect_chain()

    def _expect_first_active(self, kind: str) -> None:
        self._expect(
            f"head office has the till's signed word that {kind} version 1 is active",
            lambda: self._auditor.activated(TILL, kind) == (1,),
            lambda: self._auditor.activated(TILL, kind),
        )

    def _expect_chain(self) -> None:
        report = self._auditor.chain(TILL)
        self._note(
            "every signature and the whole chain verify",
            not report.problem,
            report.problem or f"{report.count} entries",
        )

    def _expect_agreement(self) -> None:
        """Every sale priced again by its signed pack, and the ledger's sums."""
        sales: tuple[Sale, ...] = self._auditor.sales(TILL)
        differing = {
            sale.entry.header.seq: self._auditor.differs(sale) for sale in sales if self._auditor.differs(sale)
        }
        self._note(
            "priced again by the same engine: no difference", not differing, str(differing or f"{len(sales)} sales")
        )
        self._expect(
            "every posting balances", lambda: _all_zero(self._auditor.ledger_sums()), self._auditor.ledger_sums
        )
        exceptions = self._auditor.exceptions(TILL)
        self._note("head office has nothing to settle by hand", not exceptions, str(exceptions or "no exceptions"))

    def _expect_points(self, member: str, points: int) -> None:
        self._expect(
            f"{member} has {points} points at head office",
            lambda: self._auditor.points(member) == points,
            lambda: self._auditor.points(member),
        )

    def _expect(self, statement: str, holds: Callable[[], bool], seen: Callable[[], object]) -> None:
        """Note a statement that may take a moment to come true."""
        deadline = time.monotonic() + WAIT_S
        while not (good := holds()) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        self._note(statement, good, str(seen()))

    def _note(self, statement: str, holds: bool, seen: str) -> None:
        self._chapter.checks.append(Check(statement, holds, seen))


def _all_zero(sums: dict[str, int]) -> bool:
    return bool(sums) and not any(sums.values())


def _line(text: str, words: str) -> str:
    """The line of a text that holds ``words``."""
    return next((row.strip() for row in text.splitlines() if words in row), text[:80])
