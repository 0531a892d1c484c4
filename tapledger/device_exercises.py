"""What ``tapledger device test`` does with each kind of device, and the verdict that comes of it."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from typing import Any

from agent.config import DeviceConfig
from agent.device_view import DeviceState
from agent.drivers import facts
from agent.drivers.facts import DeviceStatus, Fact, Key, Status
from agent.drivers.panel_gpio import Lamps
from agent.drivers.pole_serial import Lamp, PoleText
from agent.paper import Cut, Feed, Pair, Paper, Qr, Rule, Text
from contract.said import Said
from tapledger.device_words import ASSURANCES, CARD_KINDS, CONTACTS, LAMPS, PANEL_LAMPS, PROBLEMS
from tapledger.devices import words
from tapledger.told import shown

STEP_S = 1.0
_QUEUE_MOST = 1000
_PRINTED_S = 20.0
_QUEUED_AT_ONCE_S = 0.2
_KEY_ROWS = (
    (Key.MEMBER, Key.CASH, Key.STORED, Key.TOP_UP, Key.SLIP, Key.POINTS, Key.REDEEM),
    (Key.REFUND, Key.REPORT, Key.TRAINING, Key.MENU, Key.REPRINT, Key.LANG, Key.SIGNOUT),
    (Key.DIGIT_7, Key.DIGIT_8, Key.DIGIT_9, Key.CLEAR),
    (Key.DIGIT_4, Key.DIGIT_5, Key.DIGIT_6, Key.CANCEL),
    (Key.DIGIT_1, Key.DIGIT_2, Key.DIGIT_3),
    (Key.DIGIT_0, Key.DOUBLE_ZERO, Key.POINT, Key.ENTER),
)
NEEDED_KEYS = frozenset((*(key for key in Key if key.value.isdigit() and len(key.value) == 1), Key.CLEAR, Key.ENTER))
"""Without these nobody can sell."""
_LAST = 9_999
_EDGE = 2_500
"""A finger that is asked for a corner is at least so near to both edges, in ten-thousandths of the picture."""
_CORNERS = ((False, False), (True, False), (True, True), (False, True))
"""The corners clockwise from the top left: whether at the right, whether at the bottom."""


class Bench:
    """One device under trial: what it tells, in order, and until when it is waited for."""

    def __init__(self, device: DeviceConfig, for_s: float) -> None:
        self.device = device
        self.for_s = for_s
        self._facts: queue.Queue[Fact] = queue.Queue(_QUEUE_MOST)
        self.state: DeviceState | None = None

    def hear(self, fact: Fact) -> bool:
        """Be the driver's `emit`."""
        try:
            self._facts.put_nowait(fact)
        except queue.Full:
            return False
        return True

    def told(self, for_s: float | None = None) -> Iterator[Fact]:
        """What the device tells, for so long (`for_s`, else what was asked for); each change of its status is shown."""
        until_s = time.monotonic() + (self.for_s if for_s is None else for_s)
        while (left_s := until_s - time.monotonic()) > 0:
            try:
                fact = self._facts.get(timeout=left_s)
            except queue.Empty:
                return
            if isinstance(fact, DeviceStatus):
                self.state = DeviceState(fact.status, fact.reason, fact.next_step, time.time_ns() // 1_000_000)
                self._show_state()
            yield fact

    def wait_ready(self, for_s: float) -> bool:
        """Whether it is ready within that time."""
        return any(isinstance(fact, DeviceStatus) and fact.status is Status.READY for fact in self.told(for_s))

    def is_ready(self) -> bool:
        """Whether it is ready now."""
        return self.state is not None and self.state.status is Status.READY

    def not_ready(self) -> int:
        """The verdict where it cannot even be begun."""
        for _fact in self.told(_QUEUED_AT_ONCE_S):
            continue
        how, what = words(self.device, self.state)
        next_zh, next_en = what.zh or "请检查接线和设置", what.en or "check cable and configuration"
        return verdict(False, Said(f"{how.zh}。{next_zh}", f"{how.en}; {next_en}"))

    def _show_state(self) -> None:
        how, what = words(self.device, self.state)
        status = self.state.status if self.state else ""
        tell(
            Said(
                f"  {self.device.name} {status}：{how.zh}{f'，{what.zh}' if what.zh else ''}",
                f"  {self.device.name} {status}: {how.en}{f'; {what.en}' if what.en else ''}",
            )
        )


def tell(said: Said) -> None:
    """Say it in both languages."""
    print(said, flush=True)


def verdict(good: bool, said: Said) -> int:
    """Say what came of it, and return the exit status."""
    head_zh, head_en = ("正常", "good") if good else ("不正常", "not good")
    tell(Said(f"结论：{head_zh}。{said.zh}。", f"verdict: {head_en}. {said.en}."))
    return 0 if good else 1


def _card(bench: Bench, _driver: Any) -> int:
    tell(Said("请把一张卡放到读卡器上。", "Hold a card to the reader."))
    for fact in bench.told():
        if isinstance(fact, facts.CardPresented):
            number = fact.uid.hex() or "-"
            kind, assurance = CARD_KINDS[fact.kind], ASSURANCES[fact.assurance]
            size = None if fact.content is None else len(fact.content)
            bytes_zh, bytes_en = ("无", "none") if size is None else (f"{size} 字节", f"{size} bytes")
            count_zh, count_en = "", ""
            if fact.counter is not None:
                count_zh, count_en = f"，计数 {fact.counter}", f", counter {fact.counter}"
            tell(
                Said(
                    f"  种类：{kind.zh}，卡号 {number}，可信程度：{assurance.zh}，内容：{bytes_zh}{count_zh}",
                    f"  kind: {kind.en}, number {number}, assurance: {assurance.en}, message: {bytes_en}{count_en}",
                )
            )
            return verdict(True, Said("读到一张卡", "a card was read"))
        if isinstance(fact, facts.CardRefused):
            tell(
                Said(
                    f"  这张卡不能用：{PROBLEMS[fact.reason].zh}，请换一张",
                    f"  this card cannot be used: {PROBLEMS[fact.reason].en}; try another",
                )
            )
    return verdict(False, Said("没有读到卡", "no card was read"))


def _code(bench: Bench, _driver: Any) -> int:
    tell(Said("请扫一个码。", "Scan a code."))
    for fact in bench.told():
        if isinstance(fact, facts.CodeScanned):
            text = shown(fact.data.decode("utf-8", errors="replace"))
            tell(Said(f"  {len(fact.data)} 字节：{text}", f"  {len(fact.data)} bytes: {text}"))
            return verdict(
                True, Said("读到一个码，请与所扫的核对", "a code was read; compare it with what was scanned")
            )
        if isinstance(fact, facts.CodeRefused):
            why = PROBLEMS[fact.reason]
            tell(Said(f"  这个码不能用：{why.zh}", f"  this code cannot be used: {why.en}"))
    return verdict(False, Said("没有读到码", "no code was read"))


def _keypad(bench: Bench, _driver: Any) -> int:
    tell(Said("请逐个按下每个键，最后连按两次确认。", "Press every key, and Enter twice at the end."))
    pressed: set[Key] = set()
    last: Key | None = None
    for fact in bench.told():
        if isinstance(fact, facts.KeyPressed):
            pressed.add(fact.key)
            print(_keys(pressed, fact.key), flush=True)
            if last is Key.ENTER and fact.key is Key.ENTER:
                break
            last = fact.key
    lacking = sorted(key.value for key in NEEDED_KEYS - pressed)
    if lacking:
        return verdict(False, Said(f"没有收到：{' '.join(lacking)}", f"never came: {' '.join(lacking)}"))
    others = sorted(key.value for key in set(Key) - pressed)
    names = " ".join(others) or "-"
    return verdict(True, Said(f"必需的键都收到；没有按到的：{names}", f"all needed keys came; not seen: {names}"))


def _keys(pressed: set[Key], now: Key) -> str:
    """The keys as a picture: [x] was pressed, <x> is the one just now."""

    def one(key: Key) -> str:
        return (f"<{key}>" if key is now else f"[{key}]" if key in pressed else f" {key} ").ljust(11)

    return "\n".join("  " + "".join(one(key) for key in row).rstrip() for row in _KEY_ROWS) + "\n"


def _touch(bench: Bench, _driver: Any) -> int:
    corners: list[tuple[int, int]] = []
    for name_zh, name_en in (
        ("左上", "top left"),
        ("右上", "top right"),
        ("右下", "bottom right"),
        ("左下", "bottom left"),
    ):
        tell(Said(f"请点一下画面的{name_zh}角。", f"Touch the {name_en} corner of the picture."))
        ended = next(
            (one for one in bench.told() if isinstance(one, facts.Touched) and one.finger is facts.Finger.UP), None
        )
        if ended is None:
            return verdict(False, Said("没有收到触摸", "no touch came"))
        corners.append((ended.x_permyriad, ended.y_permyriad))
        at = " ".join(f"{one // 100}.{one % 100:02d} %" for one in corners[-1])
        tell(Said(f"  收到：横、纵 {at}", f"  came at: across, down {at}"))
    return _lies(corners, dict(bench.device.options))


def _lies(corners: list[tuple[int, int]], options: dict[str, Any]) -> int:
    """The verdict on where four corners, clockwise from the top left, were felt."""
    if any(_EDGE <= at <= _LAST - _EDGE for corner in corners for at in corner):
        return verdict(
            False,
            Said(
                "有一角不在面板的边上：再试一次，或面板的范围不对",
                "a corner is not at an edge: try again, or the panel's range is wrong",
            ),
        )
    felt = [tuple(at > _LAST // 2 for at in corner) for corner in corners]
    for turned in (0, 90, 180, 270):
        for mirrored in (False, True):
            if felt == [_where(corner, turned, mirrored) for corner in _CORNERS]:
                if not turned and not mirrored:
                    return verdict(True, Said("四角都对", "all four corners are where they should be"))
                return verdict(False, _put_right(options, turned, mirrored))
    return verdict(
        False, Said("四角的位置对不上，请按提示逐角再试", "the corners do not fit together; touch each as asked")
    )


def _where(corner: tuple[bool, bool], turned: int, mirrored: bool) -> tuple[bool, bool]:
    """Where a corner (right, bottom) is felt by a driver that should turn and mirror so, besides what it does now."""
    right, bottom = corner
    for _ in range((-turned // 90) % 4):
        right, bottom = not bottom, right
    return (not right if mirrored else right), bottom


def _put_right(options: dict[str, Any], turned: int, mirrored: bool) -> Said:
    """What the configuration has to say, given what it says now and how the corners are felt with that."""
    now, flipped = int(options.get("turned", "0")), bool(options.get("mirrored", False))
    # To mirror after turning is to mirror first and turn the other way.
    whole = ((turned - now) if mirrored else (turned + now)) % 360
    table = f'turned = "{whole}", mirrored = {str(flipped != mirrored).lower()}'
    return Said(f"面板方向不对，请在配置里写 {table}", f"the panel lies otherwise; configure {table}")


def _printer(bench: Bench, driver: Any) -> int:
    driver.print("test", _page(bench.device.name))
    tell(Said("正在打印测试页。", "Printing a page."))
    ended = next(
        (one for one in bench.told(_PRINTED_S) if isinstance(one, facts.PrintFinished | facts.PrintFailed)), None
    )
    if not isinstance(ended, facts.PrintFinished):
        why = Said("没有消息", "no word") if ended is None else PROBLEMS[ended.problem]
        return verdict(False, Said(f"测试页没有打出（{why.zh}）", f"the page did not come out ({why.en})"))
    if driver.open_drawer():
        tell(Said("钱箱应已弹开。", "The drawer should have sprung open."))
    if not ended.confirmed:
        return verdict(
            True, Said("已发送，这台打印机不应答，请看纸", "sent; this printer never answers: look at the paper")
        )
    tell(Said("请打开盖子再合上（可跳过，等几秒）。", "Open the cover and close it again (or wait some seconds)."))
    seen = [one.status for one in bench.told() if isinstance(one, DeviceStatus)]
    if not bench.is_ready():
        return bench.not_ready()
    if seen:
        return verdict(
            True, Said("测试页已打出，状态变化也收到了", "the page is out, and its changes of state were seen")
        )
    return verdict(True, Said("测试页已打出；没有试状态变化", "the page is out; no change of state was tried"))


def _page(name: str) -> Paper:
    return Paper(
        (
            Text("TAPLEDGER", align="center", bold=True, size=2),
            Text("测试页 Test page", align="center"),
            Rule(),
            Pair("收款完成", "¥268.00"),
            Pair("会员优惠 Member price", "-¥46.80"),
            Text("繁體與符號：￥ · × ÷ 【】“”"),
            Rule(),
            Qr(f"TAPLEDGER TEST {name} 中文"),
            Feed(1),
            Cut(),
        )
    )


def _pole(bench: Bench, driver: Any) -> int:
    for number, lamp in enumerate(Lamp, 1):
        digits = str(number) * 4
        driver.show(
            PoleText(
                (f"测试 {digits}", LAMPS[lamp].zh), (f"TEST {digits}", lamp.name), f"{digits}.{number}{number}", lamp
            )
        )
        tell(
            Said(
                f"  客显应显示 {digits}，灯：{LAMPS[lamp].zh}",
                f"  the pole should show {digits}, lamp: {LAMPS[lamp].en}",
            )
        )
        for _fact in bench.told(STEP_S):
            continue
    if not bench.is_ready():
        return bench.not_ready()
    return verdict(
        True, Said("都已发送；客显不应答，以所见为准", "all was sent; a pole answers nothing: what you saw decides")
    )


def _panel(bench: Bench, driver: Any) -> int:
    for name, lamp in PANEL_LAMPS.items():
        driver.light(Lamps(**{name: True}))
        tell(Said(f"  “{lamp.zh}”灯应亮", f"  lamp {lamp.en} should be lit"))
        for _fact in bench.told(STEP_S):
            continue
    driver.light(Lamps())
    driver.sound("attention")
    tell(Said("  应有一声长响", "  one long beep"))
    if driver.open_drawer():
        tell(Said("  钱箱应已弹开", "  the drawer should have sprung open"))
    tell(Said("请动一动各触点（开箱、开钱箱）。", "Move the contacts (open the case, the drawer)."))
    for fact in bench.told():
        if isinstance(fact, facts.PanelChanged):
            on, off = CONTACTS[fact.signal]
            tell(Said(f"  触点：{(on if fact.active else off).zh}", f"  contact: {(on if fact.active else off).en}"))
    if not bench.is_ready():
        return bench.not_ready()
    return verdict(True, Said("引脚可用；灯和响声以所见所闻为准", "the pins work; what you saw and heard decides"))


def _glass(bench: Bench, driver: Any) -> int:
    driver.show(_picture())
    tell(
        Said(
            "屏幕应显示：白框，红绿蓝三条，左上角一个白块。",
            "The screen should show a white frame, bars of red, green and blue, and a white block at the top left.",
        )
    )
    for _fact in bench.told(min(5 * STEP_S, bench.for_s)):
        continue
    if not bench.is_ready():
        return bench.not_ready()
    return verdict(True, Said("图已送到屏幕；以所见为准", "the picture was handed over; what you saw decides"))


def _picture() -> Any:
    from PIL import Image, ImageDraw

    from agent.ui_tft.frame import Frame

    image = Image.new("RGB", (480, 320), "black")
    draw = ImageDraw.Draw(image)
    for place, colour in enumerate(("red", "lime", "blue")):
        draw.rectangle((place * 160, 100, place * 160 + 159, 220), colour)
    draw.rectangle((0, 0, 479, 319), outline="white", width=4)
    draw.rectangle((12, 12, 60, 60), "white")
    return Frame(1, image, ("TEST",), time.monotonic_ns())


def written(bench: Bench, uid: bytes) -> int:
    """Wait for the card with that number to be written, and say what came of it."""
    tell(
        Said(f"请把卡 {uid.hex()} 放到读卡器上，不要移开。", f"Hold card {uid.hex()} to the reader and keep it there.")
    )
    for fact in bench.told():
        if isinstance(fact, facts.CardPresented):
            return verdict(True, Said("已写入并读回核对", "it was written and read back"))
        if isinstance(fact, facts.CardRefused) and fact.reason is facts.CardProblem.UNSUPPORTED:
            tell(Said("  不是这张卡，没有写", "  another card than the one meant; nothing was written"))
        elif isinstance(fact, facts.CardRefused):
            tell(
                Said(
                    f"  没有写成（{PROBLEMS[fact.reason].zh}），请再放一次",
                    f"  not written ({PROBLEMS[fact.reason].en}); hold it there again",
                )
            )
    return verdict(False, Said("没有写成", "it was not written"))


EXERCISES: dict[str, Callable[[Bench, Any], int]] = {
    "card": _card,
    "code": _code,
    "keypad": _keypad,
    "touch": _touch,
    "printer": _printer,
    "pole": _pole,
    "panel": _panel,
    "glass": _glass,
}
"""What is done with a device of each capability."""
