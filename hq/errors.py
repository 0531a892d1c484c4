"""The one exception of this room for people: something asked of head office that it will not do."""

from pathlib import Path

from contract.said import SaidError


class OfficeError(SaidError):
    """Something asked of head office cannot be done; it says what is wrong and what to do, in both languages."""


def no_member(member: str) -> OfficeError:
    """There is no such member."""
    return OfficeError(
        f"没有会员 {member}；请先导入会员名单（hq members load）。",
        f"there is no member {member}; load the members first.",
    )


def not_utf8(path: Path) -> OfficeError:
    """A file is no text."""
    return OfficeError(f"{path}：不是 UTF-8 文本；请保存为 UTF-8。", f"{path}: is not UTF-8 text; save it as UTF-8.")


def not_signed(kind: str, version: int | None) -> OfficeError:
    """There is no such document to publish."""
    named = f"{kind} {version or ''}".rstrip()
    return OfficeError(f"没有 {named}；请先签发。", f"there is no {named}; sign it first.")


def published_above(kind: str, highest: int, version: int) -> OfficeError:
    """A higher version is published than the one asked for."""
    return OfficeError(
        f"{kind} {highest} 已经发布，版本号只升不降；要回到 {version} 的内容，请把它签成更高的版本。",
        f"{kind} {highest} is published already, and versions only go up; to return to the content of {version}, "
        "sign it again as a higher version.",
    )


def not_as_received(address: str, epoch: int, seq: int, why: str) -> OfficeError:
    """An entry in the books is not what its till signed."""
    return OfficeError(
        f"{address} 第 {epoch} 代第 {seq} 条与收到时不符：{why}；账被改过，请恢复备份。",
        f"{address} epoch {epoch} entry {seq}: {why}; the books were tampered with, restore a backup.",
    )
