"""An ESC/POS receipt printer on a TCP port or a serial line, with the hand that takes its paper away."""

from __future__ import annotations

import contextlib
import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Protocol

from simulator.faults import Faults
from simulator.ports import Pty
from simulator.printed import DrawerPulse
from simulator.printer_engine import Condition, PrinterEngine
from simulator.receipt_roll import ReceiptRoll

TICK_S = 0.02
READ_BYTES = 4096


class Door(Protocol):
    """The way bytes come into the printer and answers out of it."""

    def open(self) -> None:
        """Be reachable."""

    def close(self) -> None:
        """Be gone, dropping whoever is connected."""

    def read(self, limit: int, timeout_s: float) -> bytes:
        """Wait for bytes, up to `limit`; none when nothing came."""

    def write(self, data: bytes) -> None:
        """Send an answer; without anybody connected it is lost."""

    def drop(self) -> None:
        """Break the line off as it is now."""


class TcpDoor:
    """A listening port, as of a network printer; `port` stays the same once chosen."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self.port = port
        self._listener: socket.socket | None = None
        self._line: socket.socket | None = None

    def open(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._listener = socket.create_server((self.host, self.port))
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]

    def close(self) -> None:
        """Close the port and the connection."""
        self._hang_up()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def read(self, limit: int, timeout_s: float) -> bytes:
        """Take bytes from the newest connection; a new one ends the old."""
        with selectors.DefaultSelector() as selector:
            if self._listener is not None:
                selector.register(self._listener, selectors.EVENT_READ)
            if self._line is not None and limit:
                selector.register(self._line, selectors.EVENT_READ)
            ready = [key.fileobj for key, _ in selector.select(timeout_s)]
        if self._listener in ready:
            self._accept()
        elif ready and self._line is not None:
            try:
                if data := self._line.recv(limit):
                    return data
            except BlockingIOError:
                return b""
            except OSError:
                pass
            self._hang_up()
        return b""

    def write(self, data: bytes) -> None:
        """Answer to the newest connection."""
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.send(data)

    def drop(self) -> None:
        """End the connection; the next one is welcome."""
        self._hang_up()

    def _accept(self) -> None:
        if self._listener is None:
            return
        with contextlib.suppress(OSError):
            line, _ = self._listener.accept()
            self._hang_up()
            line.setblocking(False)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._line = line

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


class SerialDoor:
    """A serial line. It stays when the printer is switched off; what is then sent is lost."""

    def __init__(self, pty: Pty) -> None:
        self._pty = pty

    def open(self) -> None:
        """Plug the line in, unless it is."""
        self._pty.plug()

    def close(self) -> None:
        """Leave the line where it is; its plug is the caller's."""

    def read(self, limit: int, timeout_s: float) -> bytes:
        """Take bytes off the line."""
        if not self._pty.plugged:
            self._pty.wait_plugged(timeout_s)
            return b""
        if not limit:
            time.sleep(timeout_s)
            return b""
        return self._pty.read(limit, timeout_s)

    def write(self, data: bytes) -> None:
        """Answer on the line."""
        self._pty.write(data)

    def drop(self) -> None:
        """Pull the plug; to put it in again is the caller's."""
        self._pty.unplug()


class Printer:
    """The printer: its door, its paper and its faults. Every switch has taken effect when it returns.

    `faults` is what becomes of its answers on their way, once for each time that it has something to say.
    """

    def __init__(self, roll: ReceiptRoll | None = None, door: Door | None = None, line_s: float = 0.0) -> None:
        self.roll = roll or ReceiptRoll()
        self.door: Door = door or TcpDoor()
        self._engine = PrinterEngine(self.roll)
        self._engine.condition.line_s = line_s
        self.faults = Faults()
        self._orders: queue.Queue[tuple[Callable[[], None], threading.Event]] = queue.Queue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated printer", daemon=True)

    @property
    def port(self) -> int:
        """The TCP port, when the door is one."""
        assert isinstance(self.door, TcpDoor)
        return self.door.port

    @property
    def unknown(self) -> tuple[bytes, ...]:
        """The commands that came and are not known."""
        return tuple(self._engine.decoder.unknown)

    @property
    def lost(self) -> bytes:
        """The last bytes that came and were lost, for want of power."""
        return self._engine.lost

    @property
    def pulses(self) -> tuple[DrawerPulse, ...]:
        """What the drawers at it got, oldest first."""
        return tuple(self._engine.pulses)

    @property
    def condition(self) -> Condition:
        """What is the matter with it; to be read only."""
        return self._engine.condition

    def start(self) -> None:
        """Switch on. Raises OSError when the port is taken."""
        self.door.open()
        self._thread.start()

    def close(self) -> None:
        """Take it away; may be called again."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(2.0)
        self.door.close()

    def paper(self, present: bool) -> None:
        """Take the paper out, or put a roll in: the printer then goes on where it stopped."""
        self._set(paper=present)

    def paper_low(self, low: bool) -> None:
        """Let the roll come near its end."""
        self._set(paper_low=low)

    def cover(self, opened: bool) -> None:
        """Open or close the cover."""
        self._set(cover_open=opened)

    def cutter_error(self, stuck: bool) -> None:
        """Let the knife get stuck, or free it."""
        self._set(cutter_error=stuck)

    def stall(self, stalled: bool = True) -> None:
        """Neither take bytes nor print nor answer; what was asked meanwhile is answered afterwards."""
        self._set(stalled=stalled)

    def mute(self, mute: bool = True) -> None:
        """Print, but answer nothing."""
        self._set(mute=mute)

    def chatter(self, chatters: bool = True) -> None:
        """Send automatic status before every answer, whatever it was told."""
        self._set(chatters=chatters)

    def answer_late(self, delay_s: float) -> None:
        """Let every answer take that long."""
        self._set(answer_delay_s=delay_s)

    def print_slowly(self, line_s: float) -> None:
        """Let every line take that long."""
        self._set(line_s=line_s)

    def power_off(self) -> None:
        """Pull the mains: the connection ends, and what is not on paper is lost."""
        self._set(powered=False)

    def power_on(self) -> None:
        """Plug the mains in again, at the same port."""
        self._set(powered=True)

    def power_fails_after(self, more_bytes: int) -> None:
        """Lose power when so many more bytes have come."""
        self._order(lambda: self._engine.power_fails_after(more_bytes))

    def after_lines(self, lines: int, **changes: bool | float) -> None:
        """When so many more lines are on paper, change `condition`, as in `after_lines(3, paper=False)`."""
        self._order(lambda: self._engine.change_after(lines, dict(changes)))

    def _set(self, **changes: object) -> None:
        self._order(lambda: self._engine.change(changes))

    def _order(self, order: Callable[[], None]) -> None:
        done = threading.Event()
        self._orders.put((order, done))
        if self._thread.is_alive():
            done.wait(2.0)

    def _run(self) -> None:
        powered = True
        while not self._closing.is_set():
            finished = self._obey()
            condition = self._engine.condition
            if condition.powered != powered:
                powered = condition.powered
                if powered:
                    self.door.open()
                else:
                    self.door.close()
            for done in finished:
                done.set()
            now_s = time.monotonic()
            hears = not condition.stalled
            data = self.door.read(min(READ_BYTES, self._engine.room_bytes) if hears else 0, TICK_S)
            if hears:
                if data:
                    self._engine.receive(data, now_s)
                self._engine.work(now_s)
                if answers := self._engine.take_answers(time.monotonic()):
                    self.faults.send(
                        answers, self.faults.meet(), self.door.write, self.door.drop, closing=self._closing
                    )

    def _obey(self) -> list[threading.Event]:
        finished: list[threading.Event] = []
        while True:
            try:
                order, done = self._orders.get_nowait()
            except queue.Empty:
                return finished
            order()
            finished.append(done)
