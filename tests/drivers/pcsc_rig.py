"""The matrix's rig for PC/SC: Debian's pcscd with a USB reader, and cards that are laid on it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from agent.drivers.facts import CardPresented, CardRefused, Emit, Fact
from agent.drivers.table import open_driver
from simulator.acr122 import OnReader
from simulator.cards import UidCard
from simulator.faults import Fault
from tests.drivers.matrix_rigs import Befalls, Rig, Trouble, children_naming
from tests.drivers.told import Told
from tests.pcscd import CAN_RUN
from tests.pcscd_usb import CAN_HAVE_USB_BUS, UsbReaderService
from tests.waiting import eventually

CAN_BE_MADE = CAN_RUN and CAN_HAVE_USB_BUS
"""Whether a pcscd can be run in namespaces of its own here, with a USB bus."""

_CHILD = "agent.drivers.card_pcsc_child"
_OPTIONS: dict[str, object] = {"answer_limit_s": 0.5, "child_timeout_s": 1.5, "restart_limit_s": 0.1}


def pcsc(folder: Path) -> Rig:
    """Make it, where `CAN_BE_MADE` says that it can."""
    service = UsbReaderService(folder)
    service.start()
    slot, heard = service.slots[0], Told()

    def opened(emit: Emit) -> Any:
        def passed_on(fact: Fact) -> bool:
            heard.emit(fact)
            return emit(fact)

        return open_driver("card", "pcsc", "card", {"socket": str(service.socket_path), **_OPTIONS}, passed_on)

    def lay(_driver: Any, number: int) -> None:
        slot.remove()
        assert service.wait_cards(0)
        # Without its cable there is no reader to lay a card on.
        with suppress(OSError):
            slot.insert(OnReader(UidCard(_uid(number))))

    def failing(fault: Fault) -> Befalls:
        refused = 0

        def begin() -> None:
            nonlocal refused
            refused = len(heard.of(CardRefused))
            slot.faults.fail(fault)

        def end() -> None:
            """What was laid there meanwhile has met the fault, was refused, and is taken away."""
            eventually(lambda: len(heard.of(CardRefused)) > refused)
            slot.remove()
            slot.faults.heal()

        # A reader speaks for a card only when there is one, and nobody can know before that it will not.
        return Befalls(begin, end, seen=False)

    def kill() -> None:
        for child in children_naming(_CHILD):
            os.kill(child, signal.SIGKILL)

    troubles = {
        Trouble.SILENT: failing(Fault.SILENT),
        Trouble.GARBAGE: failing(Fault.GARBAGE),
        Trouble.TRUNCATED: failing(Fault.HALF_FRAME),
        Trouble.DELAYED: failing(Fault.DELAYED),
        Trouble.UNPLUGGED: Befalls(service.unplug, service.replug),
        Trouble.KILLED: Befalls(kill, lambda: None),
    }
    return Rig(opened, lay, _came, troubles, [service.stop])


def _came(number: int, facts: tuple[Fact, ...]) -> int:
    return sum(isinstance(fact, CardPresented) and fact.uid == _uid(number) for fact in facts)


def _uid(number: int) -> bytes:
    return b"\x11\x22" + (number % 65_536).to_bytes(2, "big")
