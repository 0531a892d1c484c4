"""A whole counter: reader, scanner, keypad, printer, pole, screen and cable, with a switch for each fault.

The keypad is a USB one where the kernel lets us make one, else one on a serial line.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from simulator.cable import Cable
from simulator.field import Field
from simulator.glass import Glass
from simulator.keypad import Keypad
from simulator.keypad_usb import UsbKeypad, kernel_offers_keypads
from simulator.pn532 import Pn532
from simulator.pole import Pole
from simulator.ports import Pty
from simulator.printer import Printer, TcpDoor
from simulator.receipt_roll import ReceiptRoll
from simulator.scanner import Scanner

Peer = Pn532 | Scanner | Keypad | UsbKeypad | Printer | Pole | Glass | Cable
POLE_CHARSET = "gb18030"


class Counter:
    """Everything that stands on a shop's counter but the till itself.

    The peers' ports and sockets lie in `folder`, which must exist; TCP ports are chosen when `start` runs. `broker` is
    where the cable leads; without one there is no cable. A till that has read `device_table` meets real wires only.
    """

    def __init__(self, folder: Path, broker: tuple[str, int] | None = None, line_s: float = 0.0) -> None:
        self.reader = Pn532(folder / "reader")
        self.scanner = Scanner(folder / "scanner")
        self._usb = kernel_offers_keypads()
        self.keypad: Keypad | UsbKeypad = (UsbKeypad if self._usb else Keypad)(folder / "keypad")
        self.roll = ReceiptRoll()
        self._printer_door = TcpDoor()
        self.printer = Printer(self.roll, self._printer_door, line_s)
        self._pole_line = Pty(folder / "pole")
        self.pole = Pole(self._pole_line, POLE_CHARSET)
        self.glass = Glass(folder / "glass")
        self.cable = Cable(broker) if broker else None
        self._faults: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            "card": (self.reader.unplug, self.reader.replug),
            "code": (self.scanner.unplug, self.scanner.replug),
            "keypad": (self.keypad.unplug, self.keypad.replug),
            "glass": (self.glass.unplug, self.glass.replug),
            "pole": (self.pole.unplug, self.pole.replug),
            "printer": (self.printer.power_off, self.printer.power_on),
            "paper": (lambda: self.printer.paper(False), lambda: self.printer.paper(True)),
            "cover": (lambda: self.printer.cover(True), lambda: self.printer.cover(False)),
        }
        if self.cable:
            self._faults["network"] = (self.cable.cut, self.cable.join)
        self._broken: set[str] = set()

    @property
    def cards(self) -> Field:
        """The reader's field, where cards are held."""
        return self.reader.field

    @property
    def fault_names(self) -> tuple[str, ...]:
        """What can be broken: each device by its name, "paper", "cover", and "network" where there is a cable."""
        return tuple(self._faults)

    def start(self) -> None:
        """Plug everything in. Raises OSError, with everything unplugged again, when a path or port is taken."""
        try:
            for peer in self._peers():
                peer.start()
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Take everything away; may be called again."""
        for peer in reversed(self._peers()):
            peer.close()

    def device_table(self) -> dict[str, dict[str, object]]:
        """The table `devices` of a till's configuration for these peers; after `start`."""
        return {
            "card": {"technology": "libnfc", "connstring": self.reader.connstring},
            "code": {"technology": "serial", "path": str(self.scanner.path)},
            "keypad": {"technology": "evdev" if self._usb else "serial", "path": str(self.keypad.path)},
            "printer": {
                "technology": "escpos",
                "connection": "network",
                "host": self._printer_door.host,
                "port": self._printer_door.port,
                "drawer": 2,
            },
            "pole": {"technology": "serial", "path": str(self._pole_line.path), "charset": POLE_CHARSET},
            "glass": {"technology": "socket", "address": self.glass.address},
        }

    def broken(self, fault: str) -> bool:
        """Whether that fault is switched on."""
        return fault in self._broken

    def breaks(self, fault: str, on: bool = True) -> None:
        """Switch a fault on or off; twice the same is once. Raises KeyError for a name not in `fault_names`."""
        begin, end = self._faults[fault]
        if on and fault not in self._broken:
            self._broken.add(fault)
            begin()
        elif not on and fault in self._broken:
            self._broken.remove(fault)
            end()

    def mend(self) -> None:
        """Switch every fault off."""
        for fault in tuple(self._broken):
            self.breaks(fault, on=False)

    def _peers(self) -> list[Peer]:
        peers: list[Peer] = [
            self.reader,
            self.scanner,
            self.keypad,
            self.printer,
            self.pole,
            self.glass,
        ]
        return [*peers, self.cable] if self.cable else peers
