"""What the program says to whoever starts it, in both languages: that it runs, or why it cannot and what to do."""

from agent.keys import KeyFileError
from agent.offline_store.faults import StoreCause, StoreError
from contract.ids import TerminalAddress
from contract.said import Said


def open_now(address: TerminalAddress) -> Said:
    """The till is up."""
    return Said(f"收银机 {address} 已启动；按 Ctrl-C 结束。", f"the till {address} is running; Ctrl-C ends it.")


def cannot_start(error: KeyFileError | StoreError) -> Said:
    """The till cannot start, why, and what to do."""
    if isinstance(error, KeyFileError):
        zh = f"身份文件有问题（{error.cause}）。请核对配置里的终端名，或从备份恢复身份文件夹，或重新开通"
        en = f"{error.cause}. {error.next_step[:1].upper()}{error.next_step[1:]}"
    else:
        cause_zh, next_zh, next_en = _STORE.get(error.cause, _OTHER)
        zh = f"{cause_zh}（{error}）。{next_zh}"
        en = f"{error}. {next_en}"
    return Said(f"收银机无法启动：{zh}。", f"the till cannot start: {en}.")


_DISK = ("请更换磁盘，从备份恢复", "Replace the disk and restore it from a backup")
_OTHER = ("本机存储出错", "请联系技术人员", "Call a technician")
_STORE = {
    StoreCause.FULL: ("磁盘已满", "请腾出空间再启动", "Make room on the disk and start again"),
    StoreCause.IO: ("磁盘读写失败", *_DISK),
    StoreCause.CORRUPT: (
        "流水已损坏",
        "请用 tapledger journal verify 查看损坏之处，再联系技术人员",
        "See with tapledger journal verify where it breaks, and call a technician",
    ),
    StoreCause.LOCKED: (
        "另一个程序正在使用这份流水",
        "可能收银机已在运行；请先停下它",
        "The till may be running already: stop that program first",
    ),
    StoreCause.READ_ONLY: (
        "文件或磁盘只读",
        "请解除写保护，或换有权限的账户",
        "Take off the write protection, or use an account that may write it",
    ),
    StoreCause.FOREIGN: (
        "流水属于另一台终端",
        "请核对配置里的终端名和 store 路径",
        "Check the terminal's name and the path store in the configuration",
    ),
    StoreCause.NEWER: (
        "流水由更新版本的程序写成",
        "请安装同一版本的程序",
        "Install a program of the same version",
    ),
}
"""Of each cause its name in Chinese, and the next step in Chinese and in English."""
