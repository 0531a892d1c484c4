"""What the page asks of a stage: its state as plain JSON values, its pictures, and what a person can do to it."""

from typing import Literal, Protocol, TypedDict

KEYS = (
    *"0123456789",
    "00",
    ".",
    "clear",
    "cancel",
    "enter",
    "member",
    "cash",
    "stored",
    "points",
    "topup",
    "slip",
    "redeem",
    "refund",
    "report",
    "training",
    "menu",
    "reprint",
    "lang",
    "signout",
)
"""The keys of the keypad, by the names the till gives them."""


class StageRefusal(Exception):
    """The stage will not do that now; ``reason`` is a stable word, ``zh`` and ``en`` tell a person why."""

    def __init__(self, reason: str, zh: str, en: str) -> None:
        super().__init__(f"{reason}: {en}")
        self.reason = reason
        self.zh = zh
        self.en = en


class TftState(TypedDict):
    """The terminal's glass: the number of the newest frame (0 before the first), its mirrored text, top to bottom."""

    frame: int
    text: list[str]
    lang: Literal["zh", "en"]


class SoundsState(TypedDict):
    """How many sounds the glass has heard since it was made, and the newest: success, refused, attention or empty."""

    count: int
    last: str


class JournalState(TypedDict):
    """The terminal's journal: sequence of its head, up to where HQ has acknowledged, what is between, the age of the
    oldest entry waiting in seconds (0 where none waits).
    """

    head: int
    acked: int
    backlog: int
    oldest_s: int


class PartState(TypedDict):
    """One running part of the demo: broker, hq or terminal. ``note`` is one short fact, such as a process number."""

    name: str
    zh: str
    en: str
    state: Literal["starting", "up", "down"]
    note: str


class ReceiptState(TypedDict):
    """One slip off the roll. ``id`` is never used again and names the picture; ``rows`` are its decoded lines."""

    id: int
    reprint: bool
    rows: list[str]


Look = Literal["gold", "silver", "plain", "phone", "pulled"]
"""How a thing in the tray is drawn."""


class CardState(TypedDict):
    """One thing in the tray. ``look`` says how to draw it; ``pulled`` is drawn as taken away while it is read."""

    name: str
    look: Look
    zh: str
    en: str
    note_zh: str
    note_en: str


class CodeState(TypedDict):
    """One QR code the phone can show."""

    name: str
    zh: str
    en: str


class TerminalState(TypedDict):
    """What HQ knows of the till: its address, epoch, newest sequence stored, what it acknowledged, what the till says
    is still to come, and seconds since HQ last heard of it (-1: never).
    """

    address: str
    epoch: int
    seq: int
    acked: int
    backlog: int
    heard_s: int


class SaleState(TypedDict):
    """One sale in HQ's books, amounts in minor units. ``at`` is the till's clock as HH:MM:SS, ``member`` an id, or
    empty for none.

    ``verdict`` is HQ's own pricing beside the till's; ``signed`` and ``chained`` tell whether signature and hash
    verified.
    """

    receipt: str
    seq: int
    at: str
    member: str
    list_minor: int
    payable_minor: int
    points: int
    pack_version: int
    verdict: Literal["agrees", "differs", "unjudged"]
    signed: bool
    chained: bool


class MemberState(TypedDict):
    """What a member has in HQ's books: points, and stored value in minor units, with its bonus."""

    member: str
    name: str
    tier: str
    points: int
    stored_minor: int


class LeaseState(TypedDict):
    """A part of something that HQ has lent to the till, which may spend it without a network: of which asset, whose,
    how much of it is left by HQ's books (in minor units where it is money), and until when, as a date and a time.
    """

    lease: str
    asset: str
    holder: str
    left: int
    money: bool
    until: str
    suspended: bool


class LentState(TypedDict):
    """What the till was lent and HQ has not heard spent: ``loss_minor`` is the largest possible loss of money now."""

    loss_minor: int
    leases: list[LeaseState]


class AccountState(TypedDict):
    """One line of the trial balance: debit positive, money in minor units of ``unit``, points as they are."""

    account: str
    unit: str
    amount: int


class SumState(TypedDict):
    """All accounts of one unit together; anything but 0 is wrong."""

    unit: str
    amount: int


class ExceptionState(TypedDict):
    """Something HQ keeps for people to settle: a stable code, what it is about, a detail."""

    at: str
    code: str
    subject: str
    detail: str


class DocumentState(TypedDict):
    """One kind of signed document: the newest version at HQ, and the one active at the till (0: none)."""

    kind: str
    hq_version: int
    terminal_version: int


class PackState(TypedDict):
    """A rule pack that can be published from the page; ``published`` once HQ has signed it."""

    name: str
    zh: str
    en: str
    version: int
    published: bool


class BooksState(TypedDict):
    """What HQ's database says, newest first where there is an order; at most 50 sales, members, exceptions each."""

    terminal: TerminalState
    sales: list[SaleState]
    members: list[MemberState]
    lent: LentState
    accounts: list[AccountState]
    sums: list[SumState]
    exceptions: list[ExceptionState]
    documents: list[DocumentState]
    packs: list[PackState]


class EventState(TypedDict):
    """One line of what happened, in both languages; ``tone`` bad is shown as a refusal or a fault."""

    id: int
    at: str
    source: str
    zh: str
    en: str
    tone: Literal["plain", "good", "bad"]


class Snapshot(TypedDict):
    """Everything the page shows. ``network`` and ``paper`` are the switches; ``printer`` is what the printer is doing:
    ready, printing, paper_out, cover_open or off; ``drawer`` how often it sent the cash drawer open; ``pole`` the rows
    that the customer reads. Receipts newest first, at most 30; events newest first, at most 40.
    """

    parts: list[PartState]
    tft: TftState
    sounds: SoundsState
    journal: JournalState
    network: bool
    paper: bool
    printer: str
    drawer: int
    pole: list[str]
    receipts: list[ReceiptState]
    cards: list[CardState]
    codes: list[CodeState]
    books: BooksState
    events: list[EventState]


class StageView(Protocol):
    """A running stage as the page sees it. Every method may be called from any thread, several at once.

    Actions return when the deed is done (the key is on the wire, the card has left the field) and raise StageRefusal
    where it cannot be; what follows from it shows in the next snapshot.
    """

    def snapshot(self) -> Snapshot:
        """Return the state now. Called up to ten times a second while somebody looks; it should take milliseconds."""
        ...

    def tft_png(self) -> bytes | None:
        """Return the newest frame, 480 by 320, as PNG; None before the first."""
        ...

    def receipt_png(self, number: int) -> bytes | None:
        """Return the slip with this id as PNG, drawn from its ESC/POS bytes; None where there is none."""
        ...

    def qr_png(self, name: str) -> bytes | None:
        """Return the QR code the phone shows under this name, as PNG; None where there is none."""
        ...

    def press(self, key: str) -> None:
        """Press one key of :data:`KEYS`."""
        ...

    def tap(self, card_name: str) -> None:
        """Hold this thing from the tray to the reader, and take it away as it is its habit."""
        ...

    def scan(self, name_or_text: str) -> None:
        """Show the scanner the phone's code of this name or, where there is none, a code that carries this text."""
        ...

    def set_network(self, on: bool) -> None:
        """Plug the terminal's cable in or pull it."""
        ...

    def set_paper(self, on: bool) -> None:
        """Put a roll into the printer or take it out."""
        ...

    def publish(self, pack_name: str) -> None:
        """Let HQ sign and publish this rule pack."""
        ...
