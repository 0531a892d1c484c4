"""From a code in the scanner's light to the fact the till gets: what the line takes and what we do.

On a serial line the bytes come at the line's speed and in the pieces a UART hands on, and the line is the limit; our
own time is that of the processor, in the thread that reads it. A scanner that is a keyboard sends a report for every
key that goes down or up, at most one a millisecond; our own time is that of evdev's reader and ours for its events.
Our share of both together is held against a tenth where there are 100 bytes and more.
"""

import os
import struct
import sys
import tempfile
import threading
import time
from pathlib import Path
from queue import Queue

from evdev import ecodes
from evdev.eventio import EventIO

from agent.drivers.code_evdev import CodeEvdevOptions, ScanStream
from agent.drivers.code_serial import CodeSerial, CodeSerialOptions
from agent.drivers.facts import CodeScanned, Fact
from bench._figures import PI_FACTOR, asked_samples, beside, median
from simulator.scanner import Scanner
from simulator.typed import strokes

BITS_A_BYTE = 10
PIECE_BYTES = 16
"""The buffer of a 16550, which most serial adapters are like."""

REPORT_MS = 1.0
"""Universal Serial Bus Specification 2.0, 5.7.4: full speed asks a keyboard once a millisecond at the most."""

MOST_SHARE = 10.0
LEAST_BYTES = 100
CODES = {
    "13 digits": b"6901234567892",
    "member code, 180 B": b"TL" + b"aB3/" * 44 + b"==",
    "1,000 B": b"0123456789" * 100,
}
CHINESE = {"13 digits": CODES["13 digits"], "100 Chinese characters": "会员".encode() * 50}


def main() -> int:
    """Measure and print; status 1 where a share is over the limit."""
    samples = asked_samples(__doc__ or "", 3)
    print("line              code                      on the line     our own      share    last byte to fact")
    measured = [(data, _serial(baud, name, data, samples)) for baud in (9_600, 115_200) for name, data in CODES.items()]
    measured += [(data, _typed(name, data, samples)) for name, data in CHINESE.items()]
    worst = max(share for data, share in measured if len(data) >= LEAST_BYTES)
    beside(f"largest share of codes of {LEAST_BYTES} bytes and more", worst, MOST_SHARE, "%", "our own time in all")
    slower = worst * PI_FACTOR * 100 / (100 - worst + worst * PI_FACTOR)
    print(f"the same were all of our own time {PI_FACTOR} times as long, as on a Pi-class terminal: {slower:.1f} %")
    return 0 if worst <= MOST_SHARE else 1


def _tell(line: str, name: str, line_ms: float, own_ms: float, after_ms: float) -> float:
    share = own_ms * 100 / (own_ms + line_ms)
    print(
        f"{line:<17} {name:<24} {line_ms:>8.1f} ms {own_ms:>8.2f} ms  {share:>6.1f} %  {after_ms:>8.2f} ms", flush=True
    )
    return share


def _serial(baud: int, name: str, data: bytes, samples: int) -> float:
    piece_s = PIECE_BYTES * BITS_A_BYTE / baud
    own_ms, after_ms = [], []
    with tempfile.TemporaryDirectory(prefix="tapledger-bench-") as folder:
        scanner, facts = Scanner(Path(folder) / "scanner"), Queue[Fact]()
        scanner.start()

        def emit(fact: Fact) -> bool:
            facts.put(fact)
            return True

        driver = CodeSerial("code", CodeSerialOptions(str(scanner.path), baud), emit)
        driver.start()
        facts.get(timeout=30)
        thread = next(thread for thread in threading.enumerate() if str(scanner.path) in thread.name)
        sent = data + b"\r"
        for _ in range(samples):
            ran_ns = _ran_ns(thread)
            for at in range(0, len(sent), PIECE_BYTES):
                time.sleep(piece_s)
                last_ns = time.monotonic_ns()
                scanner.send(sent[at : at + PIECE_BYTES])
            if facts.get(timeout=30) != CodeScanned("code", data):
                raise SystemExit(f"{name}: not as it was sent")
            after_ms.append((time.monotonic_ns() - last_ns) / 1_000_000)
            own_ms.append((_ran_ns(thread) - ran_ns) / 1_000_000)
        driver.close()
        scanner.close()
    line_ms = len(sent) * BITS_A_BYTE * 1_000 / baud
    return _tell(f"serial, {baud}", name, line_ms, median(own_ms), median(after_ms))


def _ran_ns(thread: threading.Thread) -> int:
    """How long a thread has run (proc(5), schedstat)."""
    return int(Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text("ascii").split()[0])


class _Events(EventIO):
    """Input events through a pipe: evdev's own reader takes them as it takes those of a device."""

    def __init__(self) -> None:
        self.fd, self.end = os.pipe()


def _typed(name: str, data: bytes, samples: int) -> float:
    pressed = strokes(data + b"\r")
    events = _Events()
    own_ms, after_ms = [], []
    for _ in range(samples):
        stream = ScanStream(CodeEvdevOptions(""), lambda: ())
        begun_ns = time.thread_time_ns()
        found: list[object] = []
        for code, down in pressed:
            one_ns = time.monotonic_ns()
            os.write(events.end, _report(code, down))
            found += stream.feed((event, one_ns) for event in events.read())
        after_ms.append((time.monotonic_ns() - one_ns) / 1_000_000)
        own_ms.append((time.thread_time_ns() - begun_ns) / 1_000_000)
        if found != [data]:
            raise SystemExit(f"{name}: not as it was typed")
    os.close(events.fd)
    os.close(events.end)
    return _tell("keyboard, 1 ms", name, len(pressed) * REPORT_MS, median(own_ms), median(after_ms))


def _report(code: int, down: bool) -> bytes:
    """What the kernel hands on for one report: the key's place, the key, and the end of the report."""
    told = ((ecodes.EV_MSC, ecodes.MSC_SCAN, 0x70000 + code), (ecodes.EV_KEY, code, int(down)), (ecodes.EV_SYN, 0, 0))
    return b"".join(struct.pack("llHHi", 1, 2, *event) for event in told)


if __name__ == "__main__":
    sys.exit(main())
