"""Whatever is pressed, tapped and answered, in whatever order: what never happens."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.txn.effects import Commit, Print, RecordPinTry, Sound, SoundName
from agent.txn.events import (
    CardFailed,
    CardRead,
    CashiersChanged,
    CodeFailed,
    CodeRead,
    CommitFailed,
    Committed,
    Event,
    KeyDown,
    PackChanged,
    PinTryCounted,
    PinTryLost,
    ReceiptPrinted,
    ReceiptWaiting,
    Started,
    Tick,
)
from agent.txn.keying import MOST_CHARS
from agent.txn.state import Selling, SignIn
from contract.ids import TerminalAddress
from contract.slips import Slip, seal_slip, slip_text
from contract.trade import SaleBody
from contract.value import Account, Asset, Lease
from rules.engine.price import price
from tests.txn.desk import (
    ADDRESS,
    DAY_ZERO_MS,
    GOLD,
    GOLD_PHONE,
    GOLD_UID,
    NOTHING_OFF,
    PIN,
    SILVER_UID,
    Desk,
    MemoryBook,
    pack,
    verifier,
)
from tests.txn.purse import Phone, coupon, new_signer

HQ = new_signer()
OTHER = pack(2, NOTHING_OFF)
MORE_KEYS = ["refund", "refund", "report", "training", "menu"]
VALUE_KEYS = ["stored", "topup", "slip", "points", "redeem"]
KEYS = [*"0123456789", "00", ".", "clear", "cancel", "enter", "member", "cash", "reprint", "lang", "signout", "A", ""]
THERE = TerminalAddress("acme", "s02", "t01")
_VALUE = Lease(b"L" * 16, Account(Asset.STORED, "m-1"), 5_000, 2**50, 1_000, b"L" * 16, "s02")
_SHOWN = [
    slip_text(seal_slip(HQ, Slip(1, THERE, 1, ADDRESS, _VALUE))),
    coupon(HQ),
    *(Phone(HQ, member="m-1").shows(DAY_ZERO_MS, bytes([number]) * 16) for number in range(3)),
]
ANSWER, FAIL, OTHER_PACK, SIGN_IN, LATER = "answer", "fail", "other pack", "sign in", "later"

events: st.SearchStrategy[Event | str] = st.one_of(
    st.sampled_from([ANSWER, ANSWER, FAIL, OTHER_PACK, SIGN_IN, LATER, GOLD_PHONE, "268.00", PIN]),
    st.sampled_from(KEYS).map(KeyDown),
    st.sampled_from(["1", "enter", *MORE_KEYS]).map(KeyDown),
    st.sampled_from(["enter", "enter", "cash", "cancel", *VALUE_KEYS]).map(KeyDown),
    st.sampled_from(_SHOWN).map(lambda text: CodeRead(text.encode())),
    st.builds(
        CardRead,
        st.just("uid"),
        st.sampled_from([GOLD_UID, SILVER_UID]) | st.binary(max_size=10),
        st.none() | st.binary(max_size=60),
    ),
    st.builds(CodeRead, st.sampled_from([b"6901234567892", b"69012345", b"TLC1:AAAA"]) | st.binary(max_size=700)),
    st.builds(CardFailed, st.sampled_from(["removed", "x"])),
    st.builds(CodeFailed, st.sampled_from(["garbled", "x"])),
    st.builds(ReceiptPrinted, st.integers(1, 4)),
    st.builds(ReceiptWaiting, st.integers(1, 4), st.just("paper_out")),
    st.sampled_from(
        [Started(), Tick(), PackChanged(2), CashiersChanged(), PinTryCounted("1001", True), PinTryLost("io")]
    ),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(events, max_size=60), st.booleans())
def test_no_sequence_raises_or_tells_done_before_the_journal_says_so(
    script: list[Event | str], signed_in: bool
) -> None:
    desk = Desk(book=MemoryBook(hq=HQ, others={(THERE, 1): HQ.public}))
    desk.book.lend("m-1", 10_000, 2_000)
    desk.book.cards[GOLD_UID] = desk.book.phones[GOLD_PHONE] = replace(GOLD, pin=verifier(PIN))
    if signed_in:
        desk.sign_in()
    for happening in script:
        durable = {entry.header.seq for entry in desk.book.journal}
        outstanding = desk.state.outstanding
        event, effects = _play(desk, happening)
        _check(desk, event, effects, durable, outstanding)


def _play(desk: Desk, happening: Event | str) -> tuple[Event | None, tuple[object, ...]]:
    match happening:
        case "answer":
            if desk.state.outstanding is None:
                return None, ()
            event: Event = Committed(desk.book.append(desk.state.outstanding))
        case "fail":
            event = CommitFailed("full")
        case "other pack":
            if not desk.state.open_basket:
                desk.book.active = OTHER
            event = PackChanged(2)
        case "later":
            desk.book.elapsed_ms += 30_000
            event = Tick()
        case "sign in":
            return None, desk.keys("1001", "enter", PIN, "enter")
        case str():
            return None, desk.keys(happening)
        case _:
            event = happening
    return event, desk.tell(event)


def _check(
    desk: Desk, event: Event | None, effects: tuple[object, ...], durable: set[int], outstanding: Commit | None
) -> None:
    asked = [effect for effect in effects if isinstance(effect, Commit)]
    assert len(asked) <= 1
    if outstanding is not None:
        assert not asked
    for effect in effects:
        match effect:
            case Sound(name=SoundName.SUCCESS):
                assert isinstance(event, Committed)
            case Print(seq=seq):
                assert seq in durable | ({event.entry.header.seq} if isinstance(event, Committed) else set())
            case Commit(body=SaleBody() as sale):
                _priced_by_its_own_pack(desk, effect, sale)
            case RecordPinTry(who=who):
                assert who in desk.book.cashiers or who == GOLD.member
    match desk.state.scene:
        case Selling(keyed=keyed):
            assert len(keyed) <= MOST_CHARS
        case SignIn(number=number, pin=pin):
            assert len(number) <= 8 and len(pin or "") <= 12


def _priced_by_its_own_pack(desk: Desk, commit: Commit, sale: SaleBody) -> None:
    by_digest = {found.ref: found.compiled for found in (pack(1), OTHER)}
    priced = price(sale.basket, by_digest[sale.pack])
    assert (sale.payable_minor, sale.effects) == (priced.payable_minor, priced.effects)
    assert sale.points_earned == priced.points
    assert sum(tender.amount_minor for tender in sale.tenders) == sale.payable_minor
    assert sum(sale.payable_by_line) == sale.payable_minor
    assert desk.state.outstanding == commit
