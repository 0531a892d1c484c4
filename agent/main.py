"""Composition of the terminal: read the configuration, build every part, start in order, stop in reverse.

This is the one place that knows all the rooms of the agent; nothing is decided here but who gets what.
"""

import gc
import logging
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.clock import SystemClock
from agent.config import AgentConfig, DeviceConfig, read_config
from agent.counter import Counter
from agent.courier import Courier
from agent.device_view import DeviceView, view_path
from agent.drivers.facts import DeviceStatus, Emit, Status
from agent.drivers.table import close_together, open_driver
from agent.keys import Identity, KeyFileError, load_identity, new_transaction_id
from agent.log import event, set_up_logging
from agent.lookups import StoreBook
from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.recovery import Recovery, recover
from agent.offline_store.store import Store
from agent.starting import cannot_start, open_now
from agent.sync.link import Link, LinkOptions
from agent.till import Mailbox, Till
from agent.txn.state import Lang, TillState
from agent.ui_tft.fonts import FontMissing
from agent.ui_tft.frame import Frame
from agent.ui_tft.view import DeviceNote, StatusBar, compose
from contract.settings import SettingsError
from rules.attributes import attributes_read

SHOWN_S = 2.0
"""So long a program that cannot start gives its last picture to reach the screen, which keeps it."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Stopping:
    """Whether somebody asked the agent to stop."""

    asked: bool = False

    def ask(self, *_signal: object) -> None:
        """Ask; safe in a signal handler."""
        self.asked = True


def run(config_path: Path) -> int:
    """Run the till until SIGTERM or SIGINT. Returns 0, or 1 with the cause and the next step on stderr where it
    cannot start.
    """
    set_up_logging()
    stopping = Stopping()
    signal.signal(signal.SIGTERM, stopping.ask)
    signal.signal(signal.SIGINT, stopping.ask)
    config = read_config(config_path)
    try:
        with ExitStack() as running:
            till = _build(config, running)
            _log.info(event("ready", terminal=config.address))
            # Unlike stdout, stderr takes any letters in any locale.
            print(open_now(config.address), file=sys.stderr, flush=True)
            gc.freeze()
            gc.enable()
            till.run(lambda: stopping.asked, _clear_up)
    except (KeyFileError, StoreError) as error:
        said = cannot_start(error)
        print(f"tapledger: {said.en}\ntapledger: {said.zh}", file=sys.stderr)
        if isinstance(error, StoreError) and error.cause is not StoreCause.LOCKED:
            _say_on_glass(config)
        return 1
    return 0


def _clear_up() -> None:
    """Throw away what only the start needed; what is left stays as long as the program, and is not looked through again
    while somebody pays.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _say_on_glass(config: AgentConfig) -> None:
    """Show that the journal cannot be kept, so that nobody waits before a screen that says nothing."""
    note = DeviceNote("journal", "gone", "store_failed")
    status = StatusBar(False, 0, 0, time.strftime("%H:%M"), 0, (note,))
    screen = compose(TillState(lang=Lang(config.language)), status)
    with ExitStack() as showing:
        counter = _start_devices(tuple(one for one in config.devices if one.name == "glass"), _unheard, showing)
        if counter.glass is None:
            return
        try:
            picture = Frame(1, counter.painter.paint(screen), screen.text, time.monotonic_ns())
        except (FontMissing, OSError) as error:
            _log.error(event("not_painted", problem=str(error)))
            return
        counter.glass.show(picture)
        time.sleep(SHOWN_S)


def _unheard(_fact: object) -> bool:
    """Whoever waits for nothing hears no fact."""
    return True


def _build(config: AgentConfig, running: ExitStack) -> Till:
    """Start every part and leave its end with ``running``, so that the last started stops first."""
    identity = load_identity(config.identity, config.address, config.epoch)
    # The pack that becomes active is the one that was compiled when it arrived.
    store = Store(config.store, identity, attributes=lambda content: attributes_read(book.compiled(content).pack))
    recovered = _opened(store, config.store, identity)
    running.callback(store.close)
    clock = SystemClock(store.signed_time_ms(), kept_ms=store.believed_time_ms())
    mailbox = Mailbox()
    view = DeviceView(view_path(config.store))
    running.callback(view.close)
    view.start()
    counter = _start_devices(config.devices, view.passing(mailbox.put), running)
    link = Link(
        LinkOptions(
            host=config.hq_host,
            port=config.hq_port,
            ca=config.identity / "ca.pem",
            cert=config.identity / "client.pem",
            key=config.identity / "client.key",
            heartbeat_s=config.heartbeat_s,
            silence_s=config.silence_s,
        ),
        identity.address,
        mailbox.put_link,
    )
    link.start()
    running.callback(link.close)
    prints, returns = counter.printer is not None, config.return_leases_at_close
    book = StoreBook(store, identity, clock, prints, returns)
    courier = Courier(
        store, link, identity, clock, book.compiled, config.heartbeat_s, lambda: _mended(store, config.store, identity)
    )
    if recovered is not None:
        courier.tell("store_recovered", recovered.detail)
    return Till(mailbox, store, book, courier, counter, clock, config.language)


def _opened(store: Store, path: Path, identity: Identity) -> Recovery | None:
    """Open the store; one that is damaged is brought back in a new epoch first. Returns what came of that, None where
    nothing was damaged. Raises StoreError where it cannot be opened at all.
    """
    try:
        store.open()
    except StoreError as error:
        if error.cause is not StoreCause.CORRUPT:
            raise
        _log.error(event("store_damaged", detail=error.detail))
        recovered = recover(path, identity, new_transaction_id(), SystemClock(0).stamp())
        store.open()
        return recovered
    return None


def _mended(store: Store, path: Path, identity: Identity) -> str:
    """Bring back a store that was found damaged while it was open; say what came of it. Raises StoreError."""
    store.close()
    try:
        return recover(path, identity, new_transaction_id(), SystemClock(0).stamp()).detail
    finally:
        store.open()


def _start_devices(devices: tuple[DeviceConfig, ...], emit: Emit, running: ExitStack) -> Counter:
    """Start every device that is configured. One that cannot be configured is shown on the glass and left out."""
    started: dict[str, Any] = {}
    running.callback(lambda: close_together(started.values()))
    for device in devices:
        if not device.enabled:
            emit(DeviceStatus(device.name, Status.DISABLED, "switched_off", "check_config"))
            continue
        try:
            driver = open_driver(device.capability, device.technology, device.name, device.options, emit)
        except SettingsError as error:
            _log.error(event("device_config_error", device=device.name, problem=str(error)))
            emit(DeviceStatus(device.name, Status.CONFIG_ERROR, "wrong_options", "check_config"))
            continue
        started[device.name] = driver
        driver.start()
    printer, glass, pole, panel = (started.get(name) for name in ("printer", "glass", "pole", "panel"))
    return Counter(printer, glass, pole, panel, touch="touch" in started)
