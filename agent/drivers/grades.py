"""How far each driver has been proved: an explicit table, one honest sentence of what was seen and what was not.

No real device was ever attached in this project's own tests: every grade from 1 on was reached against peers that speak
the device's bytes (``simulator``), against a kernel's own emulated devices, or against other people's programs.
"""

from __future__ import annotations

from enum import IntEnum

from contract.making import dataclass


class Grade(IntEnum):
    """What was seen of a driver at work."""

    WRITTEN = 0
    """Written after the data sheet, never run."""
    PEER = 1
    """Works with a peer that speaks the device's bytes."""
    FAULTS = 2
    """Survives every fault of the matrix that can befall it, and has its place in the technician's page."""
    SOAKED = 3
    """Survived long running with faults besides."""


@dataclass(frozen=True, slots=True)
class Graded:
    """A driver's grade; what it was seen to do, and what was not seen."""

    grade: Grade
    seen: str
    not_seen: str


GRADES: dict[tuple[str, str], Graded] = {
    ("card", "libnfc"): Graded(
        Grade.SOAKED,
        "the real libnfc over a serial line with a PN532 peer: every card kind, every fault, noise for minutes"
        "; half an hour of random faults",
        "a PN532 of silicon, the air, SPI, I2C, USB readers",
    ),
    ("card", "pcsc"): Graded(
        Grade.SOAKED,
        "the real pcscd with cards over vpcd: every fault, a reader pulled while pcscd runs, pcscd started anew"
        "; half an hour of random faults",
        "a reader of plastic, its contacts and its field, an ACR122, its own USB driver (libccid)",
    ),
    ("code", "serial"): Graded(
        Grade.SOAKED,
        "pyserial over a pseudo-terminal; codes of up to 4,096 bytes, split, doubled, garbled"
        "; half an hour of random faults",
        "a scanner, its baud rate, its start-up beeps",
    ),
    ("code", "evdev"): Graded(
        Grade.FAULTS,
        "a USB scanner of a virtual machine's kernel: grabbed, pulled, events dropped; recordings of it elsewhere",
        "a scanner's own keyboard layout and speed",
    ),
    ("keypad", "serial"): Graded(
        Grade.SOAKED,
        "pyserial over a pseudo-terminal, key by key, with noise; half an hour of random faults",
        "a keypad",
    ),
    ("keypad", "evdev"): Graded(
        Grade.FAULTS,
        "a USB keyboard of a virtual machine's kernel: grabbed, pulled while pressed, events dropped; recordings",
        "a keypad's switches as they wear",
    ),
    ("keypad", "gpio"): Graded(
        Grade.SOAKED,
        "gpiozero's mock pins with a matrix of keys: chatter, several keys at once, pins gone and back"
        "; half an hour of random faults",
        "a board's pins, their library (lgpio) and its errors, a keypad's capacities",
    ),
    ("touch", "evdev"): Graded(
        Grade.FAULTS,
        "panels of a virtual machine's kernel (uinput), of one finger and of several: grabbed, chattering, pulled while"
        " touched, events dropped; recordings of them elsewhere; a sale by touch alone from made-up events",
        "a panel, its own noise and where its edges lie",
    ),
    ("printer", "escpos"): Graded(
        Grade.SOAKED,
        "a printer peer over TCP and a serial line that decodes and draws what it got; usblp in a virtual machine"
        "; half an hour of random faults on a network and a serial line",
        "a printer's mechanics, its own timing of answers",
    ),
    ("pole", "serial"): Graded(
        Grade.SOAKED,
        "a CD5220 peer and one of eight figures over a pseudo-terminal; half an hour of random faults",
        "a display; it answers nothing, so nobody can know what it shows",
    ),
    ("panel", "gpio"): Graded(
        Grade.SOAKED,
        "gpiozero's mock pins: lamps, buzzer, relay, contacts, spikes, pins gone and back, a relay left on"
        "; half an hour of random faults",
        "a board's pins, their library (lgpio) and its errors, a relay, a magnet",
    ),
    ("glass", "socket"): Graded(
        Grade.SOAKED,
        "a screen over a Unix socket and TCP; the browser page of the demo; half an hour of random faults",
        "nothing more: it is a program on both ends",
    ),
    ("glass", "luma"): Graded(
        Grade.SOAKED,
        "luma.lcd's own drivers on a peer of the SPI line that keeps the pixels; the line gone and back"
        "; half an hour of random faults",
        "a screen; that controllers tell nothing back, so a dead one is not noticed",
    ),
    ("glass", "framebuffer"): Graded(
        Grade.FAULTS,
        "a virtual machine's framebuffers, at two depths, compared with a screenshot; one taken from it and given back",
        "a panel and its cable",
    ),
}
"""(capability, technology) of every driver in table.py."""
