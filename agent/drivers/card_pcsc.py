"""Card readers through PC/SC: cards with contacts, and contactless ones on readers of the ACR122's class.

pyscard waits without end for a card that is mute; so it has a process of its own (card_pcsc_child.py), which child.py
restarts. One device is one reader, and one process: the first reader whose name fits and that no other device of the
till has taken. Reasons in DeviceStatus beside those of child.py: `service_missing` (check_service), `library_missing`
(install_library), `no_permission` (check_access), `card_mute` (take_card_out).
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.drivers.card_lines import card_fact, same_card
from agent.drivers.cards.order import Order
from agent.drivers.cards.plan import TABLES, plan_of, to_argument
from agent.drivers.child import Child, ChildPlan
from agent.drivers.facts import Emit, Status
from agent.drivers.options import seconds
from contract import settings
from contract.making import dataclass

_CHILD_MODULE = "agent.drivers.card_pcsc_child"
_BEATS_IN_SILENCE = 3
"""So often the process says that it lives before it would count as hung."""
_PROBLEMS: Mapping[str, tuple[Status | None, str]] = {
    "library_missing": (Status.CONFIG_ERROR, "install_library"),
    "service_missing": (None, "check_service"),
    "card_mute": (None, "take_card_out"),
}


@dataclass(frozen=True, slots=True)
class CardPcscOptions:
    """Which reader, and how long to wait for it.

    `reader` is a pattern for its name (`*` anything, `?` one character), `answer_limit_s` how long a card's answer
    is waited for before it counts as mute, `child_timeout_s` the silence after which the child is killed,
    `restart_limit_s` the longest pause before a lost child is replaced, `socket` where pcscd listens if not where
    Debian has it. `tag`, `file`, `desfire` and `token` are the tables of cards/plan.py, checked.
    """

    reader: str = "*"
    answer_limit_s: float = 2.0
    child_timeout_s: float = 3.0
    restart_limit_s: float = 2.0
    socket: str | None = None
    tag: Mapping[str, object] | None = None
    file: Mapping[str, object] | None = None
    desfire: Mapping[str, object] | None = None
    token: Mapping[str, object] | None = None

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> CardPcscOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        shape = settings.Table(
            {
                "reader": settings.text("*", max_chars=128),
                "answer_limit_s": seconds(2.0, 0.5, 30.0),
                "child_timeout_s": seconds(3.0, 1.0, 60.0),
                "restart_limit_s": seconds(2.0, 0.1, 60.0),
                "socket": settings.text(None, max_chars=107, pattern="/.*", words=_PATH_WORDS),
                **TABLES,
            }
        )
        values = settings.read(table, shape)
        plan_of(values)
        return cls(**values)

    def cards(self) -> str:
        """What cards carry, for the reader's own process (`to_argument` of cards/plan.py)."""
        return to_argument({name: getattr(self, name) for name in TABLES})


_PATH_WORDS = ("the absolute path of pcscd's socket", "pcscd 套接字的绝对路径")


class CardPcsc:
    """Emits CardPresented once for each card that comes, CardRefused for one that cannot be used."""

    def __init__(self, name: str, options: CardPcscOptions, emit: Emit, order: Order | None = None) -> None:
        """With an `order`, tags are written instead of read."""
        # The process may wait for an answer for as long as it is told to.
        silence_s = max(options.child_timeout_s, options.answer_limit_s + 1.0)
        told: dict[str, str] = {
            "--reader": options.reader,
            "--answer-limit-s": str(options.answer_limit_s),
            "--beat-s": str(silence_s / _BEATS_IN_SILENCE),
            "--cards": options.cards(),
        }
        plan = ChildPlan(
            _CHILD_MODULE,
            # In one word each: a reader's name may begin with anything.
            (*(f"{option}={value}" for option, value in told.items()), *(order.to_arguments() if order else ())),
            silence_s=silence_s,
            restart_limit_s=options.restart_limit_s,
            environment={} if options.socket is None else {"PCSCLITE_CSOCK_NAME": options.socket},
            problems=_PROBLEMS,
        )
        self._child = Child(name, plan, emit, card_fact, same=same_card)

    def start(self) -> None:
        """Begin watching; pcscd, the readers and the cards may come later."""
        self._child.start()

    def close(self) -> None:
        """End, and leave no process behind; within a second; may be called again."""
        self._child.close()


class TagWriter(CardPcsc):
    """Writes an NDEF message onto each tag that comes, or onto the one numbered `only` alone.

    Emits CardPresented, with the message as `content`, for a tag that was written and read back; CardRefused for one
    that could not be, UNSUPPORTED for another card than the one meant. Where the options name a tag key, the tag is
    closed to writing without its password, on a reader that passes a tag's own commands; on any other it is refused.
    The till must have let go of the reader.
    """

    def __init__(self, name: str, options: CardPcscOptions, emit: Emit, message: bytes, only: bytes = b"") -> None:
        super().__init__(name, options, emit, Order(message, only))
