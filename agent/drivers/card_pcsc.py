"""Card readers through PC/SC: cards with contacts, and contactless ones on readers of the ACR122's class.

pyscard waits without end for a card that is mute; so it has a process of its own (card_pcsc_child.py), which child.py
restarts. One device serves every reader whose name fits. Reasons in DeviceStatus beside those of child.py:
`service_missing` (check_service), `library_missing` (install_library), `no_permission` (check_access), `card_mute`
(take_card_out).
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.drivers.card_lines import card_fact
from agent.drivers.cards.plan import TABLES, plan_of, to_argument
from agent.drivers.child import Child, ChildPlan
from agent.drivers.facts import Emit, Status
from agent.drivers.options import seconds
from contract import settings
from contract.making import dataclass

_CHILD_MODULE = "agent.drivers.card_pcsc_child"
_PROBLEMS: Mapping[str, tuple[Status | None, str]] = {
    "library_missing": (Status.CONFIG_ERROR, "install_library"),
    "service_missing": (None, "check_service"),
    "card_mute": (None, "take_card_out"),
}


@dataclass(frozen=True, slots=True)
class CardPcscOptions:
    """Which readers, and how long to wait for them.

    `reader` is a pattern for their names (`*` anything, `?` one character), `answer_limit_s` how long a card's answer
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
        """What cards carry, for the readers' own process (`to_argument` of cards/plan.py)."""
        return to_argument({name: getattr(self, name) for name in TABLES})


_PATH_WORDS = ("the absolute path of pcscd's socket", "pcscd 套接字的绝对路径")


class CardPcsc:
    """Emits CardPresented once for each card that comes, CardRefused for one that cannot be used."""

    def __init__(self, name: str, options: CardPcscOptions, emit: Emit) -> None:
        plan = ChildPlan(
            _CHILD_MODULE,
            ("--reader", options.reader, "--answer-limit-s", str(options.answer_limit_s), "--cards", options.cards()),
            # The process may wait for an answer for as long as it is told to.
            silence_s=max(options.child_timeout_s, options.answer_limit_s + 1.0),
            restart_limit_s=options.restart_limit_s,
            environment={} if options.socket is None else {"PCSCLITE_CSOCK_NAME": options.socket},
            problems=_PROBLEMS,
        )
        self._child = Child(name, plan, emit, card_fact)

    def start(self) -> None:
        """Begin watching; pcscd, the readers and the cards may come later."""
        self._child.start()

    def close(self) -> None:
        """End, and leave no process behind; within a second; may be called again."""
        self._child.close()
