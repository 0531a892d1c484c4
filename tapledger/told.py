"""What people are told at the command line: every error with its cause and the next step, in Chinese and in English."""

import errno
import re
import sys

from contract.errors import ContractError, Reason
from contract.said import Said, SaidError
from contract.settings import SettingsError

Told = SaidError | ContractError | SettingsError | OSError
"""What :func:`said_of` has words for."""

MOST_SHOWN = 200
_ENTRY = re.compile(r"epoch ([0-9]+) entry ([0-9]+)")


def complain(error: Told, command: str = "tapledger") -> int:
    """Say on the error stream why a command was refused, line by line in both languages; return its exit status, 1."""
    said = said_of(error)
    for text in (said.en, said.zh):
        print(f"{command}: {text}", file=sys.stderr)
    return 1


def said_of(error: Told) -> Said:
    """What went wrong and what to do next."""
    match error:
        case SaidError():
            return error.said
        case SettingsError():
            return _of_settings(error)
        case ContractError():
            return said_of_contract(error)
        case _:
            return _of_system(error)


def said_of_contract(error: ContractError) -> Said:
    """Which field or value is wrong, why, and what to write instead."""
    cause_zh, next_zh, next_en = REASONS[error.reason]
    path, detail = shown(error.path), shown(error.detail)
    zh, en = (f"{_ENTRY.sub(_in_zh, path)}：" if path else ""), (f"{path}: " if path else "")
    zh += cause_zh + (f"（{detail}）" if detail else "") + f"。{next_zh}。"
    en += error.reason.value + (f": {detail}" if detail else "") + f". {next_en}."
    return Said(zh, en)


def shown(text: str) -> str:
    """Text from outside as it may stand on a terminal."""
    clean = "".join(char if char.isprintable() else "?" for char in text)
    return clean if len(clean) <= MOST_SHOWN else f"{clean[:MOST_SHOWN]}…"


def _in_zh(entry: re.Match[str]) -> str:
    return f"第 {entry[1]} 代第 {entry[2]} 条"


def _of_settings(error: SettingsError) -> Said:
    zh = "\n".join(
        [f"{error.source}：{len(error.problems)} 处错误", *(f"  {item.text_zh()}" for item in error.problems)]
    )
    return Said(zh, str(error))


def _of_system(error: OSError) -> Said:
    cause_zh, cause_en, next_zh, next_en = _SYSTEM.get(
        error.errno or 0,
        (
            f"系统报错：{error.strerror or error}",
            f"{error.strerror or error}",
            "请查看系统日志",
            "See the system's log",
        ),
    )
    where = shown(str(error.filename)) if error.filename is not None else ""
    zh, en = (f"{where}：" if where else ""), (f"{where}: " if where else "")
    return Said(f"{zh}{cause_zh}。{next_zh}。", f"{en}{cause_en}. {next_en}.")


_WHOLE = ("请重新导出或复制这份数据", "The data is cut short or was changed: export or copy it again")
_WRITE = ("请按文档改正后再试", "Correct it as the documentation says and try again")
_KEYS = ("请核对它属于哪台终端、由谁签名", "Check whose it is, and by which key it was signed")

REASONS: dict[Reason, tuple[str, str, str]] = {
    Reason.TOO_LARGE: ("太大", "请缩小或分成几份", "Make it smaller, or split it"),
    Reason.NOT_CBOR: ("不是 CBOR", *_WHOLE),
    Reason.NOT_DETERMINISTIC: ("不是规范的编码", *_WHOLE),
    Reason.WRONG_TYPE: ("类型不对", *_WRITE),
    Reason.OUT_OF_RANGE: ("超出允许的范围", *_WRITE),
    Reason.UNKNOWN_FIELD: ("没有这个字段", *_WRITE),
    Reason.MISSING_FIELD: (
        "缺少字段或数据",
        "请补上；不完整的文件请重新导出或复制",
        "Add it; export or copy again a file that is cut short",
    ),
    Reason.BAD_ID: ("名称的写法不对", "请按要求的字符重写", "Write it with the characters that are allowed"),
    Reason.BAD_AMOUNT: ("金额的写法不对", "请写成 100.00 这样", "Write an amount like 100.00"),
    Reason.BAD_TOPIC: ("主题不对", *_WRITE),
    Reason.BAD_TEXT_FORM: ("文字的写法不对", "请完整复制或重新扫码", "Copy all of it, or scan it again"),
    Reason.NOT_AN_ENVELOPE: ("不是信封", *_WHOLE),
    Reason.WRONG_CONTENT_TYPE: ("内容的种类不对", "请核对是不是拿错了文件", "Check whether it is the right file"),
    Reason.UNKNOWN_KEY: ("不认识的密钥", *_KEYS),
    Reason.BAD_SIGNATURE: ("签名不对", *_WHOLE),
    Reason.BAD_KEY: ("密钥不对", "请核对密钥是否完整", "Check that the key is whole"),
    Reason.FOREIGN_ORIGIN: ("来自别处", *_KEYS),
    Reason.BROKEN_CHAIN: ("链断了", *_WHOLE),
    Reason.UNBALANCED: ("借贷不平", "不能入账，请联系技术人员", "It cannot be posted; call a technician"),
    Reason.NEWER_GRAMMAR: (
        "规则包或数据的语法版本不同，整包拒绝",
        "请用同一版本的程序",
        "Use a program of the same version",
    ),
}
"""Of each reason the cause in Chinese, and the next step in Chinese and in English."""

_SYSTEM: dict[int, tuple[str, str, str, str]] = {
    errno.ENOENT: ("没有这个文件或文件夹", "there is no such file or folder", "请核对路径", "Check the path"),
    errno.EACCES: ("没有权限", "not permitted", "请换有权限的账户再试", "Use an account that may read and write it"),
    errno.EPERM: ("没有权限", "not permitted", "请换有权限的账户再试", "Use an account that may read and write it"),
    errno.EEXIST: ("已经存在", "it exists already", "请换一个文件名", "Choose another name"),
    errno.EISDIR: ("是文件夹，不是文件", "is a folder, not a file", "请给出文件", "Name a file"),
    errno.ENOTDIR: ("路径的一部分不是文件夹", "a part of the path is no folder", "请核对路径", "Check the path"),
    errno.ENOSPC: ("磁盘已满", "the disk is full", "请腾出空间再试", "Make room and try again"),
    errno.EIO: ("磁盘读写失败", "the disk failed", "请更换磁盘", "Replace the disk"),
    errno.EROFS: ("磁盘只读", "the disk is read-only", "请换一个位置", "Choose another place"),
    errno.EADDRINUSE: ("端口已被占用", "the port is in use", "请换一个端口", "Choose another port"),
    errno.EADDRNOTAVAIL: ("本机没有这个地址", "this machine has no such address", "请改正地址", "Correct the address"),
    errno.ECONNREFUSED: ("对方没有应答", "nobody answers there", "请启动对方的服务再试", "Start it and try again"),
}
"""Of the usual errors of the system the cause in Chinese and in English, and the next step in both."""
