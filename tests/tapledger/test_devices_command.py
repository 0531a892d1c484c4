"""``tapledger devices`` and ``tapledger device``, with the simulated counter's devices and with a till that runs."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.device_view import DeviceView, read_view, view_path
from agent.drivers.facts import DeviceStatus, Status
from agent.drivers.grades import GRADES
from contract.credentials import GRAMMAR, MemberCredential, seal_credential
from contract.signing import SoftwareSigner
from hq.credentials import card_memory
from provisioning.birth import check_address, ensure_terminal
from provisioning.headquarters import ensure_head_office
from simulator.cards import UidCard
from simulator.cards_type2 import Ntag213
from simulator.counter import Counter
from simulator.keypad import Keypad
from tapledger.main import main
from tests.processes import started
from tests.waiting import eventually

UID = bytes.fromhex("04a1b2c3d4e5f6")
CONFIG = """\
[terminal]
tenant = "demo"
shop = "a"
terminal = "a1"
identity = "identity"
store = "till.db"
[hq]
host = "127.0.0.1"
port = 1
"""


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    counter = Counter(tmp_path)
    counter.start()
    yield counter
    counter.close()


@pytest.fixture
def config(tmp_path: Path, counter: Counter) -> Path:
    return written(tmp_path, counter.device_table())


def written(folder: Path, devices: dict[str, dict[str, object]]) -> Path:
    """A till's configuration with these devices."""
    lines = [CONFIG]
    for name, table in devices.items():
        lines += [f"[devices.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    path = folder / "agent.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_every_device_is_shown_with_its_status_its_grade_and_what_to_do(
    config: Path, counter: Counter, capsys: pytest.CaptureFixture[str]
) -> None:
    counter.scanner.unplug()
    assert main(["devices", str(config), "--json", "--seconds", "8"]) == 1
    last = {line["device"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert {name: line["status"] for name, line in last.items()} == {
        "card": "ready",
        "code": "missing",
        "keypad": "ready",
        "printer": "ready",
        "pole": "ready",
        "glass": "ready",
    }
    code = last["code"]
    assert (code["reason"], code["zh"]) == ("not_found", "扫码器没有找到，请检查接线和电源")
    assert code["grade"] == GRADES["code", "serial"].grade
    assert code["en"] == "Scanner not found; check cable and power"
    assert not code["till_runs"]


def test_while_the_till_runs_its_own_word_is_shown_and_nothing_is_opened(
    config: Path, counter: Counter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    view = DeviceView(view_path(tmp_path / "till.db"))
    view.start()
    emit = view.passing(lambda _fact: True)
    emit(DeviceStatus("printer", Status.SELF_CHECK_FAILED, "paper_out", "load_paper"))
    path = view_path(tmp_path / "till.db")
    eventually(lambda: (seen := read_view(path)) is not None and seen.live and seen.devices)
    try:
        assert main(["devices", str(config), "--seconds", "0.1"]) == 1
        said = capsys.readouterr().out
        assert "the till runs" in said and "收银程序正在运行" in said
        assert "paper_out" in said and "Printer out of paper; load paper · 打印机缺纸，请装纸" in said
        assert counter.reader.commands == 0
        assert main(["device", "test", str(config), "printer"]) == 1
        said = capsys.readouterr().err
        assert "Stop it first" in said and "请先停止它" in said
    finally:
        view.close()


def test_a_real_till_says_how_its_devices_are_and_lets_go_when_it_ends(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    ensure_head_office(tmp_path / "keys", "hq-1", now)
    ensure_terminal(tmp_path / "keys", check_address("demo", "a", "a1"), tmp_path, now)
    config = written(tmp_path, {"code": {"technology": "serial", "path": str(tmp_path / "none")}})
    path = view_path(tmp_path / "till.db")

    def code() -> Status | None:
        seen = read_view(path)
        assert seen is not None and seen.live
        return seen.devices["code"].status if "code" in seen.devices else None

    with started([sys.executable, "-m", "tapledger.main", "agent", "run", "--config", str(config)]) as till:
        assert eventually(code, 30) is Status.MISSING
        till.send_signal(signal.SIGTERM)
        assert till.wait(20) == 0
    left = read_view(path)
    assert left is not None and not left.live


def test_a_device_that_is_tried_out_has_a_verdict(
    config: Path, counter: Counter, capsys: pytest.CaptureFixture[str]
) -> None:
    counter.cards.present(UidCard(UID))
    assert main(["device", "test", str(config), "card"]) == 0
    assert UID.hex() in capsys.readouterr().out
    assert main(["device", "test", str(config), "printer", "--seconds", "0.2"]) == 0
    (page,) = counter.roll.receipts
    assert "测试页 Test page" in "".join(page.rows)
    assert main(["device", "test", str(config), "glass", "--seconds", "0.2"]) == 0
    assert counter.glass.text == ("TEST",)
    said = capsys.readouterr().out
    assert "verdict: good." in said and "结论：正常。" in said


def test_a_device_that_nobody_touches_or_that_is_not_there_is_not_good(
    config: Path, counter: Counter, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["device", "test", str(config), "code", "--seconds", "0.2"]) == 1
    assert "no code was read" in capsys.readouterr().out
    counter.printer.paper(False)
    assert main(["device", "test", str(config), "nothing"]) == 1
    said = capsys.readouterr().err
    assert "no device nothing" in said and "没有设备 nothing" in said


def test_keys_are_drawn_as_they_are_pressed_and_missing_ones_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keypad = Keypad(tmp_path / "keypad")
    keypad.start()
    config = written(tmp_path, {"keypad": {"technology": "serial", "path": str(keypad.path)}})
    ended: list[int] = []
    trying = threading.Thread(target=lambda: ended.append(main(["device", "test", str(config), "keypad"])))
    trying.start()
    said = ""

    def asked() -> bool:
        nonlocal said
        said += capsys.readouterr().out
        return "Press every key" in said

    eventually(asked)
    keypad.press(*"0123456789", "clear")
    keypad.press("cash", "enter", "enter")
    trying.join(20)
    keypad.close()
    said += capsys.readouterr().out
    assert ended == [0]
    assert "[5]" in said and "<enter>" in said and "not seen: . 00" in said


def test_a_credential_is_written_onto_its_own_card_and_no_other(
    tmp_path: Path, counter: Counter, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    ensure_head_office(tmp_path / "keys", "hq-1", now)
    ensure_terminal(tmp_path / "keys", check_address("demo", "a", "a1"), tmp_path, now)
    config = written(tmp_path, counter.device_table())
    signer = SoftwareSigner((tmp_path / "keys" / "hq" / "document.key").read_bytes())
    credential = MemberCredential(GRAMMAR, "demo", "m-1", "gold", (), 30_000, UID)
    memory = card_memory(seal_credential(signer, credential))
    printed = tmp_path / "card.hex"
    printed.write_text(memory.hex() + "\n", encoding="ascii")
    tag = Ntag213(UID)
    counter.cards.present(tag)
    assert main(["device", "write-card", str(config), str(printed)]) == 0
    assert "read back" in capsys.readouterr().out
    assert main(["device", "test", str(config), "card"]) == 0
    assert f"message: {memory[1]} bytes" in capsys.readouterr().out
    counter.cards.remove()
    counter.cards.present(Ntag213(bytes.fromhex("04ffffffffffff")))
    assert main(["device", "write-card", str(config), str(printed), "--seconds", "2"]) == 1
    assert "another card" in capsys.readouterr().out
    printed.write_text((memory[:-9] + bytes(8) + memory[-1:]).hex(), encoding="ascii")
    assert main(["device", "write-card", str(config), str(printed)]) == 1
    assert "签名" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["devices {config}", "device test {config} code"])
def test_ctrl_c_ends_it_cleanly(config: Path, tmp_path: Path, words: str) -> None:
    said = tmp_path / "said"
    command = [sys.executable, "-m", "tapledger.main", *words.format(config=config).split()]
    with said.open("w") as out, started(command, stdout=out, stderr=out) as process:
        eventually(lambda: "ready" in said.read_text(encoding="utf-8"), 20)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) in (0, 1, 130)
    assert "Traceback" not in said.read_text(encoding="utf-8")
