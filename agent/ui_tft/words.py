"""Every phrase on the glass, in Chinese and English, in one table. Braces are filled by ``say``."""

from __future__ import annotations

from enum import Enum

from agent.txn.state import Lang


class Say(Enum):
    """One phrase: Chinese, English."""

    ONLINE = ("在线", "Online")
    ONLINE_BACKLOG = ("在线 · {count} 笔待传", "Online · {count} to send")
    OFFLINE = ("离线", "Offline")
    OFFLINE_BACKLOG = ("离线 · {count} 笔待传 · 最早 {age}", "Offline · {count} to send · oldest {age}")
    RULES = ("规则 v{version}", "Rules v{version}")
    NO_RULES_SHORT = ("无规则", "No rules")
    SECONDS = ("{count} 秒", "{count} s")
    MINUTES = ("{count} 分钟", "{count} min")
    HOURS = ("{count} 小时", "{count} h")
    DAYS = ("{count} 天", "{count} d")

    SIGN_IN = ("请登录", "Sign in")
    CASHIER_NUMBER = ("工号", "Cashier number")
    PIN = ("密码", "PIN")
    READY = ("就绪", "Ready")
    TAP_CARD = ("请刷会员卡", "Tap a member card")
    OR_ELSE = ("或扫会员码、按手机号、直接输入金额", "or scan a code, or key a phone number or an amount")
    NO_RULES = ("等待总部下发规则", "Waiting for the rules")
    NO_RULES_NEXT = ("请保持网络连接，收到后即可收银", "Keep the network connected until they are here")
    FETCHING = ("正在接收{what}…", "Receiving {what}…")

    AMOUNT = ("金额", "Amount")
    PHONE = ("会员手机号", "Member's phone number")
    PHONE_COUNT = ("已输入 {count} / 11 位", "{count} of 11 digits")
    SO_FAR = ("已有 {count} 件 · 应付 {payable}", "{count} so far · to pay {payable}")

    NO_MEMBER = ("非会员 · 刷卡可享会员价", "No member · tap a card for member prices")
    POINTS_HELD = ("积分 {points}", "{points} points")
    STORED_HELD = ("储值 {amount}", "stored {amount}")
    CODE_MEMBER = ("会员码已验证", "Member code verified")
    POINTS_UNIT = ("{points} 分", "{points} pts")
    NO_LINES = ("请输入金额", "Key an amount")
    NO_LINES_ELSE = ("或扫商品条码", "or scan an article")
    ITEMS = ("{name} 等 {count} 件", "{name} and more, {count} in all")
    LIST_PRICE = ("原价", "List")
    PAYABLE = ("应付", "To pay")
    STORED_PART = ("储值 {amount}", "stored {amount}")
    FLOOR_PART = ("储值 {amount}，其中垫付 {floor}", "stored {amount}, floor limit {floor}")
    ON_FLOOR = ("（垫付 {amount}）", "({amount} on the floor limit)")
    CASH_PART = ("现金 {amount}", "cash {amount}")
    POINTS_HERE = ("可用积分 {points}", "{points} points here")
    POINTS_TO_EARN = ("可得 {points} 积分", "earns {points} points")
    MORE_RULES = ("另有 {count} 项", "{count} more")

    TOP_UP = ("储值充值", "Top-up")
    SLIP_TO = ("转 {amount} 到哪台收银机？", "{amount} to which till?")
    REDEEM_WHAT = ("兑换什么？", "Redeem what?")
    REDEEM_POINTS_SHORT = ("还差 {points} 分", "{points} short")
    REDEEM_USES_SHORT = ("次数不够", "too few uses")
    REDEEM_GIFT_OUT = ("份额已用完", "none left here")
    REDEEM_SHARE_OUT = ("活动已用完", "used up here")
    REDEEM_NOT_NOW = ("现在不能兑换", "not now")
    HANDING_OUT = ("正在记兑换", "Booking what is taken")
    HANDED_OUT = ("兑换完成", "Handed out")
    SLIP_PAGE = ("第 {page} / {pages} 页", "page {page} of {pages}")
    TOP_UP_BRINGS = ("到账储值", "Stored value")
    TOP_UP_NOTHING_MORE = ("本次没有赠送", "Nothing comes with it")

    REFUND = ("退货", "Refund")
    REFUND_HOW_MANY = ("退货 · 每行退几件？", "Refund · how many of each?")
    REFUND_WHICH = ("请扫小票上的码", "Scan the code of the receipt")
    REFUND_WHICH_ELSE = ("或输入单号末段，如 23 或 1.23", "or key the end of its number, such as 23 or 1.23")
    REFUND_OF = ("/ {left} 件", "of {left}")
    REFUND_WHOLE = ("共退", "Goes back")
    REFUND_CASH = ("退现金", "Cash to pay out")
    REFUND_STORED = ("退回储值 {lot}", "Back to stored value {lot}")
    REFUND_BONUS = (" + 赠 {amount}", " + {amount} bonus")
    REFUND_POINTS_BACK = ("退回积分", "Points given back")
    REFUND_POINTS_TAKEN = ("扣回积分", "Points taken back")
    REFUND_BONUS_TAKEN = ("收回赠送金", "Bonus taken back")
    REFUND_CODE = ("券恢复可用", "Coupon good again")
    REFUND_COUPONS_GONE = ("收回所送的券", "Coupons withdrawn")
    REFUND_USES_GONE = ("收回所送的次数", "Uses withdrawn")
    REFUND_GIFTS_DUE = ("应收回赠品", "Gifts to take back")
    REFUNDING = ("正在退货记账", "Booking the refund")
    REFUNDED = ("退货完成", "Refunded")
    REFUNDED_CASH = ("请付给顾客现金 {cash}", "Pay out {cash} in cash")
    REFUNDED_BOTH = ("请付现金 {cash}，{stored} 已退回储值", "Cash {cash} · {stored} to stored value")
    REFUNDED_STORED = ("{stored} 已退回储值，本机即刻可用", "{stored} to stored value, to spend here at once")

    REPRINT_WHICH = ("补打哪一张？", "Print which one again?")
    PAPER_SALE = ("销售", "Sale")
    PAPER_SHIFT = ("交班", "Shift")

    REPORT = ("X 报告 · 第 {number} 班（未交班）", "X report · shift {number}, still open")
    REPORT_SALES = ("销售", "Sales")
    REPORT_REFUNDS = ("退货", "Refunds")
    REPORT_TOP_UPS = ("充值", "Top-ups")
    REPORT_REDEMPTIONS = ("兑换", "Redemptions")
    REPORT_CANCELS = ("取消", "Cancelled")
    REPORT_UNREADABLE = ("读不出的流水", "Entries not readable")
    REPORT_EXPECTED = ("应有现金", "Cash expected")
    REPORT_COUNTED = ("实点现金", "Cash counted")
    REPORT_COUNT = ("输入金额即可交班", "key it to close the shift")
    SHIFT_CLOSING = ("正在交班", "Closing the shift")
    SHIFT_CLOSED = ("第 {number} 班已交班 · 实点现金", "Shift {number} is closed · counted")
    SHIFT_EXACT = ("与应有现金相符", "Just as expected")
    SHIFT_DIFFERS = ("应有 {expected} · 差额 {difference}", "Expected {expected} · difference {difference}")

    TRAINING = ("训练 TRAINING · 不记账", "TRAINING 训练 · nothing is booked")
    TRAINING_BEGUN = ("已进入训练，所做的都不记账", "Training: nothing you do is booked")
    TRAINING_OVER = ("已退出训练，现在是真实收银", "Training is over; this is for real")
    PRACTISED = ("练习完成，没有记账", "Practised; nothing was booked")

    SLIPPING_OUT = ("正在转出", "Letting it out")
    SLIPPING_IN = ("正在收转值单", "Taking the slip in")
    TOPPING_UP = ("正在充值", "Booking the top-up")
    COMMITTING = ("正在记账", "Booking the sale")
    CANCELLING = ("正在取消", "Cancelling")
    PLEASE_WAIT = ("请稍候，不要断电", "One moment; keep the power on")

    PAID = ("收款完成", "Paid")
    CASH_EXACT = ("现金 {amount} · 找零 0.00", "Cash {amount} · change 0.00")
    CASH_AND_STORED = ("储值 {stored} · 现金 {cash}", "Stored value {stored} · cash {cash}")
    STORED_EXACT = ("储值 {stored}", "Stored value {stored}")
    TOPPED_UP = ("充值完成", "Topped up")
    SLIPPED_OUT = ("已转出", "Let out")
    SLIP_FOR = ("只能在 {till} 收一次", "Good once, at {till}")
    STORED_ADDED = ("储值 +{amount}，本机即刻可用", "+{amount} to spend here now")
    POINTS_ADDED = ("积分 +{points}", "+{points} points")
    POINTS_EARNED = ("本单 +{points} 积分", "+{points} points")
    RECEIPT_PRINTING = ("小票打印中…", "Printing the receipt…")
    RECEIPT_HELD = ("小票等待打印机恢复", "The receipt waits for the printer")
    RECEIPT_PRINTED = ("小票已打印", "Receipt printed")
    RECEIPT_SENT = ("小票已发送，未确认", "Receipt sent, not confirmed")
    RECEIPT_WAITING = ("小票未打出：{why}", "No receipt: {why}")
    REPRINT_AFTER = ("处理好后按“补打”", "put it right, then press Reprint")
    RECOVERED = ("中断之前，这一笔已经记账", "This was booked before the interruption")
    RECOVERED_PAPER = ("小票可能没有打出，要补打吗？", "Its receipt may be missing. Print it?")
    RECOVERED_MORE = ("之后还有 {count} 张", "{count} more after this")

    MEMBER_REPLACED = ("已换成这位会员", "Now this member instead")
    BASKET_CANCELLED = ("本单已取消", "Basket cancelled")
    RECEIPT_AGAIN = ("正在补打", "Printing it once more")
    RULES_CHANGED = ("新规则已生效", "New rules are in force")
    ALREADY_BOOKED = ("这一笔此前已经记账", "This sale had been booked before")

    COUPON_ADDED = ("电子券已使用", "The coupon applies")
    COUPON_IDLE = ("电子券已识别，本单还用不上", "The coupon is good; nothing here uses it yet")

    SLIP_TAKEN_IN = ("转值单已收：{whose} 储值 +{amount}，本机可用", "Slip taken: {whose} has {amount} more here")

    KEY_REFUND = ("退货", "Refund")
    KEY_REPORT = ("报告", "Report")
    KEY_TRAINING = ("训练", "Training")
    KEY_MENU = ("菜单", "Menu")
    KEY_SLIP = ("转值", "Slip")
    KEY_STORED = ("储值", "Stored")
    KEY_POINTS = ("积分", "Points")
    KEY_REDEEM = ("兑换", "Redeem")
    KEY_TOP_UP = ("充值", "Top up")
    KEY_ENTER = ("确认", "Enter")
    KEY_CLEAR = ("清除", "Clear")
    KEY_CANCEL = ("取消", "Cancel")
    KEY_MEMBER = ("会员", "Member")
    KEY_CASH = ("现金", "Cash")
    KEY_REPRINT = ("补打", "Reprint")
    KEY_LANG = ("中/EN", "中/EN")
    KEY_SIGNOUT = ("退出", "Sign out")
    DO_NEXT = ("下一步", "next")
    DO_SIGN_IN = ("登录", "sign in")
    DO_ADD = ("加入", "add")
    DO_FIND = ("查会员", "find member")
    DO_CORRECT = ("改", "correct")
    DO_DELETE = ("删一件", "undo")
    DO_PAY = ("收款", "pay")
    DO_NO_STORED = ("不用储值", "not from it")
    DO_USE = ("抵现", "use")
    DO_NO_POINTS = ("不用积分", "keep them")
    DO_MORE = ("下一页", "more")
    DO_REFUND = ("退货", "refund")
    DO_ALL = ("其余照此", "the rest")
    DO_NO_REFUND = ("不退了", "")
    DO_CLOSE = ("交班", "close the shift")
    DO_LIST = ("更多", "")
    DO_NOTHING_MORE = ("", "")
    DO_CANCEL = ("取消本单", "")
    DO_BACK = ("返回", "back")
    DO_PHONE = ("手机号", "phone")
    DO_LAST = ("单据", "")
    DO_LEAVE = ("换人", "")
    DO_LANG = ("语言", "")
    DO_NEWEST = ("最近一张", "the newest")
    DO_PRINT = ("打印小票", "print it")
    MEMBER_PIN_ASKED = ("请会员输入密码", "Member: please key the PIN")
    DO_SKIP = ("跳过", "skip")
    DO_SKIP_ALL = ("全部跳过", "skip all")
    NEXT_SALE = ("刷卡、扫码或输入金额，开始下一单", "Tap, scan or key an amount for the next sale")

    def say(self, lang: Lang, **values: object) -> str:
        """The phrase in this language, its braces filled."""
        return str(self.value[0 if lang is Lang.ZH else 1]).format(**values)


_DEVICES = {
    "card": ("读卡器", "Card reader"),
    "code": ("扫码器", "Scanner"),
    "keypad": ("键盘", "Keypad"),
    "touch": ("触摸屏", "Touch panel"),
    "printer": ("打印机", "Printer"),
    "pole": ("客显", "Pole display"),
    "panel": ("面板", "Panel"),
    "glass": ("屏幕", "Screen"),
    "journal": ("流水", "Journal"),
    "rules": ("优惠规则", "Rules"),
}
_CALL = ("请联系技术人员", "call a technician")
_SETUP = ("请检查设置", "check the configuration")
_CABLE = ("请检查接线和电源", "check cable and power")
_MOMENT = ("正在恢复，请稍候", "please wait")
_GO_ON = ("可以继续收银", "go on selling")
_REASONS = {
    "paper_out": (("缺纸", "out of paper"), ("请装纸", "load paper")),
    "paper_low": (("纸快用完", "paper low"), ("请备纸", "have paper ready")),
    "cover_open": (("盖子开着", "cover open"), ("请合上盖子", "close the cover")),
    "printer_error": (("故障", "error"), ("请关机再开", "switch it off and on")),
    "no_answer": (("没有应答", "does not answer"), _CABLE),
    "takes_nothing": (("不接收数据", "takes no data"), ("请断电再通电", "switch it off and on")),
    "gone": (("已断开", "disconnected"), _CABLE),
    "no_printer": (("没有打印机", "no printer"), _CABLE),
    "printer_busy": (("打印机正忙", "printer busy"), ("请稍候", "please wait")),
    "unplugged": (("已断开", "disconnected"), _CABLE),
    "not_found": (("没有找到", "not found"), _CABLE),
    "no_permission": (("没有使用权限", "access denied"), _CALL),
    "library_missing": (("缺少驱动", "driver missing"), _CALL),
    "in_use": (("被别的程序占用", "used by another program"), _CALL),
    "wrong_device": (("不是所选设备", "not the device chosen"), _CALL),
    "token_missing": (("找不到密钥芯片，只认卡号", "finds no key token, takes numbers only"), _CALL),
    "token_refused": (("打不开密钥芯片，只认卡号", "cannot use the key token, takes numbers only"), _CALL),
    "key_missing": (("密钥芯片里没有所需密钥，只认卡号", "misses its key in the token, takes numbers only"), _CALL),
    "reader_silent": (("没有应答", "does not answer"), _CABLE),
    "reader_garbled": (("应答错乱", "answers garbled"), _CABLE),
    "reader_aborted": (("异常退出", "stopped by a fault"), _MOMENT),
    "reader_hung": (("没有响应", "hangs"), _MOMENT),
    "reader_stopped": (("已停止", "stopped"), _MOMENT),
    "reader_stuck": (
        ("卡在系统里", "is stuck in the system"),
        ("请拔下再插上，不行就重启收款机", "replug it, or restart the till"),
    ),
    "service_missing": (("服务没有运行", "service not running"), _CALL),
    "card_mute": (("里的卡没有应答", "holds a card that does not answer"), ("请取出卡", "take the card out")),
    "driver_fault": (("程序出错", "driver fault"), _CALL),
    "power_fails": (
        ("：断电，未完成的不入账", ": power failing, nothing open is booked"),
        ("请等来电", "wait for power"),
    ),
    "switched_off": (("已停用", "switched off"), _SETUP),
    "wrong_options": (("设置有误", "set up wrongly"), _SETUP),
    "screen_unsupported": (("色深不支持", "depth not supported"), _SETUP),
    "no_pins": (("没有可用引脚", "no pins on this board"), _CALL),
    "wrong_pin": (("引脚编号不存在", "no such pin"), _SETUP),
    "pin_taken_twice": (("引脚重复使用", "pin is used twice"), _SETUP),
    "pin_refused": (("引脚打不开", "pin refused"), _CALL),
    "chain_disputed": (("与总部不符", "unlike head office's"), _CALL),
    "store_failed": (("无法读写", "cannot be kept"), _CALL),
    "epoch_begun": (("已另起一卷", "began a new volume"), _GO_ON),
    "rules_over": (("已过有效期，按原价卖", "ran out: list prices"), ("请联网收新规则", "connect for new ones")),
    "store_recovered": (("曾损坏，已恢复", "damaged, recovered"), _GO_ON),
}
_STATUSES = {
    "disabled": (("已停用", "switched off"), _SETUP),
    "missing": (("没有找到", "not found"), _CABLE),
    "gone": (("已断开", "disconnected"), _CABLE),
    "config_error": (("设置有误", "set up wrongly"), _CALL),
    "self_check_failed": (("自检未通过", "self-check failed"), _CALL),
}
_UNKNOWN = (("异常", "in trouble"), _CALL)
_KINDS = {
    "pack": ("规则", "the rules"),
    "members": ("会员资料", "members"),
    "cashiers": ("收银员资料", "cashiers"),
    "catalogue": ("商品资料", "the catalogue"),
}


def device_words(device: str, status: str, reason: str, lang: Lang) -> tuple[str, str]:
    """Return what is wrong with a device, and what to do, as a person says it: ``("打印机缺纸", "请装纸")``."""
    at = 0 if lang is Lang.ZH else 1
    capability, _, number = device.partition("-")
    name = f"{_DEVICES[capability][at]}{number}" if capability in _DEVICES else device
    cause, next_step = _REASONS.get(reason) or _STATUSES.get(status, _UNKNOWN)
    return (f"{name}{cause[0]}" if lang is Lang.ZH else f"{name} {cause[1]}"), next_step[at]


def problem_words(problem: str, lang: Lang) -> str:
    """Return why a receipt did not come out."""
    return _REASONS.get(problem, _UNKNOWN)[0][0 if lang is Lang.ZH else 1]


def kind_words(kind: str, lang: Lang) -> str:
    """Return what a kind of document is called; one not listed is called by its code."""
    return _KINDS[kind][0 if lang is Lang.ZH else 1] if kind in _KINDS else kind


def age_words(age_s: int, lang: Lang) -> str:
    """Return an age in the largest unit of which there is at least one."""
    for say, seconds in ((Say.DAYS, 86_400), (Say.HOURS, 3_600), (Say.MINUTES, 60)):
        if age_s >= seconds:
            return say.say(lang, count=age_s // seconds)
    return Say.SECONDS.say(lang, count=max(age_s, 0))
