"""Every "no" of the door: a stable code, the HTTP status that goes with it, and what to do, in Chinese and English."""

from dataclasses import dataclass
from enum import StrEnum

from hq.holds import HoldRefusal


class DoorRefusal(StrEnum):
    """Why a request is not let in. Stable."""

    NOT_AUTHORISED = "not_authorised"
    NO_KEY = "no_key"
    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    WRONG_FIELDS = "wrong_fields"
    NOT_FOUND = "not_found"
    BUSY = "busy"


Code = HoldRefusal | DoorRefusal


@dataclass(frozen=True, slots=True)
class Said:
    """How a refusal is told."""

    status: int
    zh: str
    en: str


SAID: dict[Code, Said] = {
    DoorRefusal.NOT_AUTHORISED: Said(
        401,
        "令牌不对。请在 Authorization 中填写 Bearer 令牌。",
        "The token is wrong. Send it as Authorization: Bearer.",
    ),
    DoorRefusal.NO_KEY: Said(
        400,
        "缺少 Idempotency-Key。请为每次预留填写 1 至 64 个字符的唯一值。",
        "Idempotency-Key is missing. Send 1 to 64 characters, another for each reservation.",
    ),
    DoorRefusal.TOO_LARGE: Said(413, "请求太大。", "The request is too large."),
    DoorRefusal.NOT_JSON: Said(400, "不是 JSON 对象。", "The body is not a JSON object."),
    DoorRefusal.WRONG_FIELDS: Said(422, "字段有误,见 problems。", "Some fields are wrong; see problems."),
    DoorRefusal.NOT_FOUND: Said(404, "没有这个地址。", "There is nothing at this address."),
    DoorRefusal.BUSY: Said(503, "系统忙,请用同一个键重试。", "The books are busy; ask again with the same key."),
    HoldRefusal.KEY_REUSED: Said(
        409,
        "这个键已用于另一笔预留。请换一个新键。",
        "This key was used for another reservation. Take a new key.",
    ),
    HoldRefusal.MEMBER_UNKNOWN: Said(404, "没有这位会员。", "There is no such member."),
    HoldRefusal.NOT_ENOUGH: Said(
        409,
        "可用余额不足;部分余额可能已借给门店。",
        "There is not enough free; part of it may be lent to shops.",
    ),
    HoldRefusal.HOLD_UNKNOWN: Said(404, "没有这笔预留。", "There is no such reservation."),
    HoldRefusal.HOLD_OVER: Said(
        409, "预留已释放或过期。请重新预留。", "The reservation was released or has expired. Reserve again."
    ),
    HoldRefusal.HOLD_CAPTURED: Said(
        409, "预留已按另一金额扣款,不能更改。", "The reservation was captured already and cannot be changed."
    ),
    HoldRefusal.ABOVE_HOLD: Said(409, "金额超过预留。", "This is more than was reserved."),
    HoldRefusal.BOOKS_RESTORED: Said(
        503,
        "账本刚从备份恢复,正在核对各门店余额,请稍后再试。",
        "The books were restored from a backup and are being checked against the shops; try again later.",
    ),
}
