"""A serial port: opened late, kept open, and its coming and going told.

The scanner and the keypad each read one, the pole writes to one; what the bytes mean is theirs.
"""

from __future__ import annotations

import contextlib
import errno
import os
import termios
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.drivers.device_thread import DeviceThread
from agent.drivers.facts import Status
from agent.drivers.report import Report

if TYPE_CHECKING:
    import serial

RETRY_S = 0.5
"""How often a port that is not there is looked for."""

READ_BYTES = 4096
"""What the kernel holds of one line at the most (tty_ldisc N_TTY)."""


class SerialReader:
    """Reads one port in its own thread, 8N1 and without flow control.

    `take` gets what came, possibly nothing, with CLOCK_MONOTONIC in nanoseconds when it was known; it must not block.
    `patience_s` says for how long it may be quiet before `take` is to hear of that, None for as long as it likes: at
    rest nothing is woken. `opened` is called whenever the port was opened anew. What lay in the port before it was
    opened is thrown away: a key pressed while no till ran is not for this customer.
    """

    def __init__(
        self,
        path: str,
        baud: int,
        report: Report,
        take: Callable[[bytes, int], None],
        opened: Callable[[], None],
        patience_s: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._path = path
        self._baud = baud
        self._report = report
        self._take = take
        self._opened = opened
        self._patience_s = patience_s
        self._thread = DeviceThread(f"serial {path}", report, self._serve, RETRY_S)

    def start(self) -> None:
        """Begin reading; the port may come later."""
        self._thread.start()

    def close(self) -> None:
        """End within a second; may be called again."""
        self._thread.close()

    def _serve(self) -> None:
        port = open_port(self._path, self._baud, self._report)
        if port is None:
            return
        try:
            self._opened()
            self._report.say(Status.READY)
            self._read(port)
        except (OSError, termios.error):
            # pyserial's own exception is an OSError; the kernel's word on a line that hung up may also come from
            # termios, which is not.
            self._report.say_lost()
        finally:
            with contextlib.suppress(OSError, termios.error):
                port.close()

    def _read(self, port: serial.Serial) -> None:
        """Read until the driver is closed. Raises OSError when the port is lost."""
        fd = port.fileno()
        while not self._thread.closing.is_set():
            data = read_ready(fd) if self._thread.wait(fd, self._patience_s()) else b""
            self._take(data, time.monotonic_ns())


def read_ready(fd: int) -> bytes:
    """What lies in a port that poll(2) said something is with. Raises OSError when that is the end of it."""
    try:
        data = os.read(fd, READ_BYTES)
    except BlockingIOError:
        return b""
    if not data:
        # A line that hung up is always ready and has nothing.
        raise OSError(errno.ENODEV, "the line hung up")
    return data


def open_port(path: str, baud: int, report: Report) -> serial.Serial | None:
    """Open a port for this program alone, 8N1 and without flow control; None where it cannot be, which is reported.

    It is for poll(2), and for reading and writing its file without waiting; pyserial sets it up.
    """
    try:
        import serial
    except ImportError:
        report.say(Status.CONFIG_ERROR, "library_missing", "install_library")
        return None
    try:
        return serial.Serial(path, baud, timeout=0, exclusive=True)
    except serial.SerialException as error:
        # An exclusive lock that is taken is told without an errno, by a message alone.
        if error.errno is None and "exclusively lock" in str(error):
            report.say(Status.SELF_CHECK_FAILED, "in_use", "close_other_program")
        elif _is_something_else(path):
            report.say(Status.SELF_CHECK_FAILED, "wrong_device", "check_config")
        else:
            report.say_refused(_by_number(error))
    except (OSError, termios.error, ValueError):
        if _is_something_else(path):
            report.say(Status.SELF_CHECK_FAILED, "wrong_device", "check_config")
        else:
            report.say_lost()
    return None


def _is_something_else(path: str) -> bool:
    """Whether there is something at the path, and it is no terminal line; one that hangs up meanwhile still is one."""
    try:
        line = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except IsADirectoryError:
        return True
    except (OSError, ValueError):
        return False
    try:
        termios.tcgetattr(line)
        return False
    except termios.error as error:
        return bool(error.args[0] == errno.ENOTTY)
    finally:
        os.close(line)


def _by_number(error: OSError) -> OSError:
    """The same failure as the class of exception that its errno stands for."""
    return OSError(error.errno, "") if error.errno is not None else error
