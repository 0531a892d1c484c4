"""What people are told of a device under trial by words of their own, where the program has a name for it."""

from __future__ import annotations

from agent.drivers.facts import CardAssurance, CardKind, CardProblem, CodeProblem, PanelSignal, PrintProblem
from agent.drivers.pole_serial import Lamp
from contract.said import Said

LAMPS: dict[Lamp, Said] = {
    Lamp.NONE: Said("不亮", "none"),
    Lamp.PRICE: Said("单价", "price"),
    Lamp.TOTAL: Said("合计", "total"),
    Lamp.RECEIVED: Said("收款", "received"),
    Lamp.CHANGE: Said("找零", "change"),
}
"""The lamps of a pole, by what is printed beside them."""

PANEL_LAMPS: dict[str, Said] = {
    "ready": Said("就绪", "ready"),
    "attention": Said("注意", "attention"),
    "fault": Said("故障", "fault"),
}
"""The lamps of the case."""

CONTACTS: dict[PanelSignal, tuple[Said, Said]] = {
    PanelSignal.POWER_FAIL: (Said("市电中断", "the supply is going"), Said("市电恢复", "the supply is back")),
    PanelSignal.TAMPER: (Said("机箱打开", "the case is open"), Said("机箱合上", "the case is closed")),
    PanelSignal.DRAWER_OPEN: (Said("钱箱打开", "the drawer is open"), Said("钱箱关上", "the drawer is shut")),
}
"""What a contact says while it is active, and when it no longer is."""

CARD_KINDS: dict[CardKind, Said] = {
    CardKind.UID_ONLY: Said("只有卡号的卡", "number only"),
    CardKind.MIFARE_CLASSIC: Said("MIFARE Classic", "MIFARE Classic"),
    CardKind.NTAG: Said("NTAG 标签", "NTAG"),
    CardKind.ISO7816: Said("ISO 7816 文件卡", "ISO 7816 files"),
    CardKind.DESFIRE: Said("DESFire", "DESFire"),
    CardKind.ISO14443_4: Said("没有本系统应用的芯片卡", "chip card without an application of ours"),
}
"""The kinds of cards."""

ASSURANCES: dict[CardAssurance, Said] = {
    CardAssurance.UID: Said("只报了卡号", "its number only"),
    CardAssurance.READ: Said("读出了内容", "its content read"),
    CardAssurance.PASSWORD: Said("口令正确", "its password right"),
    CardAssurance.AUTHENTICATED: Said("密钥认证通过", "its key proved"),
}
"""How much a card has shown."""

PROBLEMS: dict[CardProblem | CodeProblem | PrintProblem, Said] = {
    CardProblem.UNSUPPORTED: Said("不支持这种卡", "card not supported"),
    CardProblem.UNREADABLE: Said("读不出来", "it cannot be read"),
    CardProblem.REMOVED: Said("太早拿开", "taken away too early"),
    CodeProblem.TOO_LONG: Said("太长", "too long"),
    CodeProblem.GARBLED: Said("不完整", "garbled"),
    PrintProblem.PAPER_OUT: Said("缺纸", "paper out"),
    PrintProblem.COVER_OPEN: Said("盖子开着", "cover open"),
    PrintProblem.NO_ANSWER: Said("打印机没有应答", "no answer"),
    PrintProblem.GONE: Said("连接断开", "connection lost"),
    PrintProblem.DRIVER_FAULT: Said("驱动程序出错", "driver fault"),
}
"""Why something did not succeed."""
