"""The card reader through libnfc: keeps a process that talks to the reader, and tells the till what it says.

libnfc can abort() its process, and a hung one cannot be interrupted; so it has a process of its own
(card_libnfc_child.py), and child.py restarts it. Reasons in DeviceStatus beside those of child.py: `no_permission`
(check_access), `in_use` (close_other_program), `library_missing` (install_libnfc), `reader_silent`, `reader_garbled`
(check_reader).
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from agent.drivers.card_lines import card_fact, same_card
from agent.drivers.cards.order import Order
from agent.drivers.cards.plan import TABLES, plan_of, to_argument
from agent.drivers.child import Child, ChildPlan
from agent.drivers.facts import Emit, Status
from agent.drivers.libnfc_reader import Connstring
from agent.drivers.options import seconds
from agent.drivers.pins import Pins, PinsUnusable, pin
from contract import settings
from contract.making import dataclass

_CHILD_MODULE = "agent.drivers.card_libnfc_child"
CONNSTRING_MOST_CHARS = 400

_RESET_AFTER = ("reader_silent", "reader_garbled", "reader_hung", "reader_stuck")
_RESET_S = 0.01
"""So long the line is low, and so long the chip gets to start: ten times what it needs."""
_PROBLEMS = {"library_missing": (Status.CONFIG_ERROR, "install_libnfc")}


@dataclass(frozen=True, slots=True)
class CardLibnfcOptions:
    """Which reader, and how long to wait for it.

    `connstring` is as libnfc writes it, `child_timeout_s` the silence after which the child is killed, `poll_s` the
    longest pause between two looks at an empty field, `restart_limit_s` the longest pause before a lost child is
    replaced, `reset_pin` the board's pin that leads to the chip's RSTPDN (-1: none does). `tag`, `file`, `desfire` and
    `token` are the tables of cards/plan.py, checked.
    """

    connstring: str
    child_timeout_s: float = 3.0
    poll_s: float = 0.15
    restart_limit_s: float = 2.0
    reset_pin: int = -1
    tag: Mapping[str, object] | None = None
    file: Mapping[str, object] | None = None
    desfire: Mapping[str, object] | None = None
    token: Mapping[str, object] | None = None

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> CardLibnfcOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        shape = settings.Table(
            {
                "connstring": settings.Setting(
                    _is_connstring,
                    "a connection string of libnfc with the port's absolute path, such as pn532_uart:/dev/ttyS0",
                    "libnfc 的连接串，端口写绝对路径，例如 pn532_uart:/dev/ttyS0",
                ),
                "child_timeout_s": seconds(3.0, 1.0, 60.0),
                "poll_s": seconds(0.15, 0.01, 1.0),
                "restart_limit_s": seconds(2.0, 0.1, 60.0),
                "reset_pin": pin(),
                **TABLES,
            }
        )
        values = settings.read(table, shape)
        plan_of(values)
        return cls(**values)

    def cards(self) -> str:
        """What cards carry, for the reader's own process (`to_argument` of cards/plan.py)."""
        return to_argument({name: getattr(self, name) for name in TABLES})


def _is_connstring(value: object) -> bool:
    # A process is started with it: an argument cannot hold NUL.
    if not isinstance(value, str) or not value.isprintable() or len(value) > CONNSTRING_MOST_CHARS:
        return False
    try:
        Connstring.parse(value)
    except ValueError:
        return False
    return True


class CardLibnfc:
    """Emits CardPresented once for each card that comes, CardRefused for one that cannot be used."""

    def __init__(self, name: str, options: CardLibnfcOptions, emit: Emit, order: tuple[str, ...] = ()) -> None:
        """`order` are more arguments for the reader's process."""
        plan = ChildPlan(
            _CHILD_MODULE,
            ("--connstring", options.connstring, "--poll-s", str(options.poll_s), "--cards", options.cards(), *order),
            port=Connstring.parse(options.connstring).port,
            silence_s=options.child_timeout_s,
            restart_limit_s=options.restart_limit_s,
            # What libnfc would say of each failed command, the reasons say already.
            environment={"LIBNFC_LOG_LEVEL": "0"},
            problems=_PROBLEMS,
        )
        self._reset_pin = options.reset_pin
        self._child = Child(name, plan, emit, card_fact, self._reset, same_card)

    def start(self) -> None:
        """Begin watching; the reader may come later."""
        self._child.start()

    def close(self) -> None:
        """End within a second, as `Child.close` does; may be called again."""
        self._child.close()

    def _reset(self, reason: str) -> tuple[Status, str, str] | None:
        """Reset a chip that nothing else brings back, by its own line (PN532 data sheet: RSTPDN, active low); return
        what is wrong with the line if something is.
        """
        if self._reset_pin < 0 or reason not in _RESET_AFTER:
            return None
        try:
            pins = Pins()
            try:
                line = pins.output(self._reset_pin, active_low=True)
                line.on()
                time.sleep(_RESET_S)
                line.off()
                time.sleep(_RESET_S)
            finally:
                pins.close()
        except PinsUnusable as error:
            return error.status, error.reason, error.next_step
        return None


class TagWriter(CardLibnfc):
    """Writes an NDEF message onto each tag that comes, or onto the one numbered `only` alone.

    Emits CardPresented, with the message as `content`, for a tag that was written and read back; CardRefused for one
    that could not be, UNSUPPORTED for another card than the one meant. Where the options name a tag key, the tag is
    closed to writing without its password. The till must have let go of the reader.
    """

    def __init__(self, name: str, options: CardLibnfcOptions, emit: Emit, message: bytes, only: bytes = b"") -> None:
        super().__init__(name, options, emit, Order(message, only).to_arguments())
