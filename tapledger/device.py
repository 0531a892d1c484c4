"""``tapledger device``: one device tried out by whoever stands before it, and members' cards written."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from contract.said import SaidError
from tapledger.devices import seconds
from tapledger.verbs import add_verb

if TYPE_CHECKING:
    from agent.config import AgentConfig, DeviceConfig
    from agent.drivers.table import Driver
    from tapledger.device_exercises import Bench

TEST_S = 30.0
READY_S = 15.0
_MOST_FILE_BYTES = 4096

TEST = """\
Tries one device out, with somebody before it, and says whether it works. Stop the till first: it holds the devices.

  card      reads the card that is held to it: kind, number, assurance, message
  code      shows what is scanned
  keypad    draws the keys, and marks those that were pressed
  touch     asks for the four corners, and says how the panel lies behind the picture
  printer   prints a page (中文, a QR code), opens the drawer at it, shows its status while it is touched
  pole      writes digits and letters, lights every lamp
  panel     lights each lamp, beeps, opens the drawer, shows the contacts live
  glass     shows a picture

Status 0 where it works, 1 where it does not or nobody did anything for --seconds.

试用一个设备并给出结论。请先停止收银程序，设备由它占用。
"""

WRITE = """\
Writes onto an NTAG what `tapledger hq members code MEMBER --card NUMBER` printed, and reads it back. Where agent.toml
names a key for tags, closes the tag to writing without its password. Only the card the credential names is written.
FILE holds the printed hexadecimal digits. Head office's signature is checked by the till's own key first.

把总部打印的会员卡内容写到卡上并读回核对。只写会员码里指明的那张卡。
"""


def add_commands(groups: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``device test`` and ``device write-card``."""
    group = groups.add_parser("device", help="try one device out, write members' cards")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    test = add_verb(commands, "test", "try one device out, with somebody before it", TEST)
    test.add_argument("config", type=Path, metavar="CONFIG", help="agent.toml")
    test.add_argument("name", metavar="NAME", help="the device, as in [devices.NAME]")
    test.add_argument("--seconds", type=seconds, default=TEST_S, metavar="N", help="so long (default: %(default)s)")
    test.set_defaults(run=lambda arguments: test_device(arguments.config, arguments.name, arguments.seconds))
    write = add_verb(commands, "write-card", "write a member's credential onto a card", WRITE)
    write.add_argument("config", type=Path, metavar="CONFIG", help="agent.toml")
    write.add_argument("file", type=Path, metavar="FILE", help="what `hq members code --card` printed")
    write.add_argument("--name", default="card", metavar="NAME", help="the reader (default: %(default)s)")
    write.add_argument("--seconds", type=seconds, default=TEST_S, metavar="N", help="so long (default: %(default)s)")
    write.set_defaults(run=lambda args: write_card(args.config, args.file, args.name, args.seconds))


def test_device(path: Path, name: str, for_s: float) -> int:
    """Try a device out for so long at most. Raises SaidError where that cannot be begun."""
    from agent.config import read_config
    from tapledger.device_exercises import EXERCISES, Bench
    from tapledger.device_source import opened

    config = read_config(path)
    device = _free(config, name)
    bench = Bench(device, for_s)
    driver = opened(device, bench.hear)
    if driver is None:
        return bench.not_ready()
    with closing(driver):
        driver.start()
        if not bench.wait_ready(READY_S):
            return bench.not_ready()
        return EXERCISES[device.capability](bench, driver)


def write_card(path: Path, file: Path, name: str, for_s: float) -> int:
    """Write what is in ``file`` onto the one card it is for. Raises SaidError, ContractError or OSError where that
    cannot be begun.
    """
    from agent.config import read_config
    from tapledger.device_exercises import Bench, written

    config = read_config(path)
    device = _free(config, name)
    if device.capability != "card":
        raise SaidError(
            f"{name} 不是读卡器。请用 --name 指明读卡器。", f"{name} is no card reader. Name one with --name."
        )
    message, uid = _credential(config, file)
    bench = Bench(device, for_s)
    with closing(_writer(device, bench, message, uid)) as writer:
        writer.start()
        return written(bench, uid) if bench.wait_ready(READY_S) else bench.not_ready()


def _writer(device: DeviceConfig, bench: Bench, message: bytes, uid: bytes) -> Driver:
    """What writes the card at this reader."""
    from agent.drivers import card_libnfc, card_pcsc

    if device.technology == "pcsc":
        by_pcsc = card_pcsc.CardPcscOptions.from_table(dict(device.options))
        return card_pcsc.TagWriter(device.name, by_pcsc, bench.hear, message, uid)
    by_libnfc = card_libnfc.CardLibnfcOptions.from_table(dict(device.options))
    return card_libnfc.TagWriter(device.name, by_libnfc, bench.hear, message, uid)


def _free(config: AgentConfig, name: str) -> DeviceConfig:
    """The device of that name, where the till does not hold it."""
    from tapledger.device_source import till_runs

    device = next((one for one in config.devices if one.name == name), None)
    if device is None:
        known = ", ".join(one.name for one in config.devices) or "none"
        raise SaidError(
            f"配置里没有设备 {name}。请从这些里选：{known}。",
            f"the configuration has no device {name}. Choose from: {known}.",
        )
    if till_runs(config.store):
        raise SaidError(
            "收银程序正在运行，占用着设备。请先停止它（systemctl stop tapledger-agent）。",
            "the till runs and holds the devices. Stop it first (systemctl stop tapledger-agent).",
        )
    return device


def _credential(config: AgentConfig, file: Path) -> tuple[bytes, bytes]:
    """The NDEF message in the file, and the number of the only card it is good on."""
    from agent.keys import KeyFileError, load_identity
    from agent.txn.ndef import payloads
    from contract.credentials import open_credential

    with file.open("rb") as opened_file:
        text = opened_file.read(_MOST_FILE_BYTES)
    try:
        memory = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        memory = b""
    # One short TLV of an NDEF message, as head office prints it (NFC Forum Type 2 Tag 1.1, section 2.3).
    message = memory[2 : 2 + memory[1]] if len(memory) > 2 and memory[0] == 0x03 else b""
    sealed = next(payloads(message), None)
    if sealed is None:
        raise SaidError(
            "文件里不是写卡的内容。请用 hq members code --card 打印的十六进制文字。",
            "the file does not hold what is written on a card. Give it what `hq members code --card` printed.",
        )
    try:
        believed = load_identity(config.identity, config.address, config.epoch).hq_keys
    except KeyFileError as error:
        raise SaidError(
            f"终端的身份文件有问题（{error.cause}）；请从备份恢复身份文件夹，或重新开通。",
            f"{error.cause}; {error.next_step}.",
        ) from error
    credential = open_credential(sealed, believed)
    if credential.card is None:
        raise SaidError(
            "这个会员码没有指明卡号，写到卡上无效。请用 --card 重新签发。",
            "this credential names no card, and is good on none. Issue it with --card.",
        )
    return message, credential.card
