"""What the till tells the glass beside the transaction: the link, the backlog, the time and the devices."""

from __future__ import annotations

from contract.making import dataclass

UNCONFIRMED = "unconfirmed"
"""The reason of a printer that is ready and answers nothing: that is how it is, and nobody can do anything about it."""


@dataclass(frozen=True, slots=True)
class Touch:
    """A till that is served by touch, and the key on which a finger rests now, or nothing."""

    pressed: str = ""


@dataclass(frozen=True, slots=True)
class DeviceNote:
    """How one device is doing, in the drivers' own stable words (``status``, ``reason``)."""

    device: str
    status: str
    reason: str

    @property
    def is_trouble(self) -> bool:
        """Whether somebody should do something about it. What is switched off was switched off by somebody."""
        if self.status == "disabled":
            return False
        return self.status != "ready" or self.reason not in ("", UNCONFIRMED)


@dataclass(frozen=True, slots=True)
class StatusBar:
    """The bar at the top. ``pack_version`` is 0 before rules have arrived; ``fetching`` names the kind of document that
    is arriving, or nothing; ``shop_name`` may be empty. ``notice`` is what head office wants cashiers to read now, in
    Chinese and in English.
    """

    online: bool
    backlog: int
    oldest_age_s: int
    clock_text: str
    pack_version: int
    devices: tuple[DeviceNote, ...] = ()
    fetching: str = ""
    shop_name: str = ""
    notice: tuple[str, str] = ("", "")

    def is_in_trouble(self, device: str) -> bool:
        """Whether a device of that name cannot do its work now."""
        return any(note.device == device and note.is_trouble and note.status != "ready" for note in self.devices)

    @property
    def prints_unconfirmed(self) -> bool:
        """Whether what the printer was sent is all that will ever be known of a paper."""
        return any(note.device == "printer" and note.reason == UNCONFIRMED for note in self.devices)
