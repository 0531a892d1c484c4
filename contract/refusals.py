"""Every "no" a cashier can see: a stable code, its cause and the next step, in Chinese and English.

A refusal is a value, never an exception. The code is what tests, logs and HQ know; the phrases are for people at the
counter.
"""

from enum import StrEnum

from contract.making import dataclass


class RefusalCode(StrEnum):
    """The stable names of refusals."""

    NOT_SIGNED_IN = "not_signed_in"
    CASHIER_UNKNOWN = "cashier_unknown"
    PIN_WRONG = "pin_wrong"
    CASHIER_LOCKED = "cashier_locked"
    CARD_UNKNOWN = "card_unknown"
    CARD_UNSUPPORTED = "card_unsupported"
    CARD_UNREADABLE = "card_unreadable"
    CARD_REMOVED = "card_removed"
    CODE_UNKNOWN = "code_unknown"
    CODE_TOO_LONG = "code_too_long"
    CODE_GARBLED = "code_garbled"
    CREDENTIAL_FORGED = "credential_forged"
    CREDENTIAL_EXPIRED = "credential_expired"
    CREDENTIAL_FOREIGN = "credential_foreign"
    CREDENTIAL_COPIED = "credential_copied"
    CREDENTIAL_REVOKED = "credential_revoked"
    CODE_SEEN_BEFORE = "code_seen_before"
    CODE_STALE = "code_stale"
    COUPON_FORGED = "coupon_forged"
    COUPON_USED = "coupon_used"
    COUPON_NOT_YOURS = "coupon_not_yours"
    COUPON_NOT_HERE = "coupon_not_here"
    COUPON_NOT_NOW = "coupon_not_now"
    MEMBER_NEEDED = "member_needed"
    VALUE_NONE = "value_none"
    VALUE_SHORT = "value_short"
    VALUE_NOT_BY_PHONE = "value_not_by_phone"
    VALUE_LEVEL = "value_level"
    FLOOR_USED = "floor_used"
    MEMBER_PIN_LOCKED = "member_pin_locked"
    POINTS_NONE = "points_none"
    POINTS_IDLE = "points_idle"
    POINTS_SHORT = "points_short"
    USES_SHORT = "uses_short"
    GIFT_SHARE_USED = "gift_share_used"
    REDEEM_SHARE_USED = "redeem_share_used"
    REDEEM_NOTHING = "redeem_nothing"
    PLAN_CHANGED = "plan_changed"
    SLIP_TOO_MUCH = "slip_too_much"
    SLIP_NOBODY = "slip_nobody"
    SLIP_NOT_OURS = "slip_not_ours"
    SLIP_FORGED = "slip_forged"
    SLIP_TAKEN = "slip_taken"
    SLIP_OVER = "slip_over"
    PHONE_MALFORMED = "phone_malformed"
    PHONE_UNKNOWN = "phone_unknown"
    PHONE_SEVERAL = "phone_several"
    AMOUNT_MALFORMED = "amount_malformed"
    AMOUNT_ZERO = "amount_zero"
    AMOUNT_TOO_LARGE = "amount_too_large"
    BASKET_EMPTY = "basket_empty"
    BASKET_FULL = "basket_full"
    NO_PACK = "no_pack"
    NO_CATALOGUE = "no_catalogue"
    NOTHING_TO_REPRINT = "nothing_to_reprint"
    REFUND_NO_RECEIPT = "refund_no_receipt"
    REFUND_FORGED = "refund_forged"
    REFUND_ELSEWHERE = "refund_elsewhere"
    REFUND_UNKNOWN = "refund_unknown"
    REFUND_NO_SALE = "refund_no_sale"
    REFUND_ALL_BACK = "refund_all_back"
    REFUND_TOO_MANY = "refund_too_many"
    REFUND_SPENT = "refund_spent"
    REFUND_SCAN = "refund_scan"
    REFUND_NOTHING = "refund_nothing"
    REFUND_NOT_HERE = "refund_not_here"
    REPORT_COUNT = "report_count"
    NOT_IN_TRAINING = "not_in_training"
    KEY_NOT_NOW = "key_not_now"
    STORE_FAILED = "store_failed"


@dataclass(frozen=True, slots=True)
class RefusalText:
    """What a person reads: the cause, then what to do next."""

    cause_zh: str
    next_zh: str
    cause_en: str
    next_en: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal as it happened; ``detail`` is a fact for the log and the technician (never a secret, never a whole
    card number).
    """

    code: RefusalCode
    detail: str = ""

    @property
    def text(self) -> RefusalText:
        """The phrases of this refusal's code."""
        return TEXTS[self.code]


_R = RefusalCode
TEXTS: dict[RefusalCode, RefusalText] = {
    _R.NOT_SIGNED_IN: RefusalText("尚未登录", "请收银员先登录", "Nobody is signed in", "Sign in first"),
    _R.CASHIER_UNKNOWN: RefusalText(
        "没有这个工号", "核对工号后重新输入", "No such cashier number", "Check the number and key it again"
    ),
    _R.PIN_WRONG: RefusalText("密码不对", "请重新输入密码", "Wrong PIN", "Key the PIN again"),
    _R.CASHIER_LOCKED: RefusalText(
        "密码错误次数过多", "请等一分钟，再错则加倍", "Too many wrong PINs", "Wait a minute; each more doubles it"
    ),
    _R.CARD_UNKNOWN: RefusalText(
        "本机没有这张会员卡",
        "请用手机号或会员码",
        "This card is not known here",
        "Use the phone number or the member code",
    ),
    _R.CARD_UNSUPPORTED: RefusalText(
        "不支持这种卡",
        "请换会员卡、会员码或手机号",
        "Card not supported",
        "Use a member card, member code or phone number",
    ),
    _R.CARD_UNREADABLE: RefusalText(
        "读卡失败", "请平放再刷一次", "The card could not be read", "Lay it flat and tap again"
    ),
    _R.CARD_REMOVED: RefusalText(
        "卡拿得太快", "请再刷一次，听到提示音再拿开", "The card left too soon", "Tap again and hold until the beep"
    ),
    _R.CODE_UNKNOWN: RefusalText(
        "不认识这个码", "请核对商品或会员码", "This code is not known", "Check the article or the member code"
    ),
    _R.CODE_TOO_LONG: RefusalText(
        "码太长", "请扫会员码或商品条码", "The code is too long", "Scan a member code or a barcode"
    ),
    _R.CODE_GARBLED: RefusalText("扫码不完整", "请再扫一次", "The scan was incomplete", "Scan again"),
    _R.CREDENTIAL_FORGED: RefusalText(
        "会员码签名无效",
        "请会员刷新会员码",
        "The member code's signature is not valid",
        "Ask the member to refresh the code",
    ),
    _R.CREDENTIAL_EXPIRED: RefusalText(
        "会员码已过期", "请会员刷新会员码", "The member code has expired", "Ask the member to refresh the code"
    ),
    _R.CREDENTIAL_FOREIGN: RefusalText(
        "不是本商户的会员码", "请出示本商户会员码", "A member code of another merchant", "Ask for this merchant's code"
    ),
    _R.CREDENTIAL_COPIED: RefusalText(
        "会员凭证属于另一张卡",
        "请出示原卡或用手机号",
        "This credential belongs to another card",
        "Ask for the original card or the phone number",
    ),
    _R.CREDENTIAL_REVOKED: RefusalText(
        "已被总部作废", "请会员联系客服换新", "Called back by head office", "Ask the member to get a new one"
    ),
    _R.CODE_SEEN_BEFORE: RefusalText(
        "这个会员码在本机用过了", "请会员刷新会员码再出示", "This code was taken here before", "Ask for a fresh code"
    ),
    _R.CODE_STALE: RefusalText(
        "会员码不是刚刚出示的",
        "请会员刷新会员码再出示",
        "This code was not shown just now",
        "Ask the member to show the code again",
    ),
    _R.COUPON_FORGED: RefusalText(
        "电子券签名无效", "不能使用，请出示其他券", "The coupon's signature is not valid", "Ask for another coupon"
    ),
    _R.COUPON_USED: RefusalText(
        "这张券已经用过", "请出示其他券", "This coupon has been used", "Ask for another coupon"
    ),
    _R.COUPON_NOT_YOURS: RefusalText(
        "这张券是另一位会员的", "请券的本人出示会员码", "Another member's coupon", "Ask its owner for the member code"
    ),
    _R.COUPON_NOT_HERE: RefusalText(
        "这张券不能在本店本机用", "请到券上写明的门店", "This coupon is not for this till", "Go where the coupon says"
    ),
    _R.COUPON_NOT_NOW: RefusalText(
        "这张券不在有效期内", "请出示其他券", "This coupon is not valid now", "Ask for another coupon"
    ),
    _R.MEMBER_NEEDED: RefusalText(
        "要先确认会员", "请刷会员卡或扫会员码", "A member is needed first", "Tap a card or scan a member code"
    ),
    _R.VALUE_NONE: RefusalText(
        "本机没有这位会员的可用储值",
        "请收现金，或联网后再试",
        "No stored value to spend here",
        "Take cash, or try again when online",
    ),
    _R.VALUE_SHORT: RefusalText(
        "可用的储值、积分或份额变少了",
        "请看新的应付金额再收款",
        "Less value can be spent here now",
        "Look at what is to pay now",
    ),
    _R.VALUE_NOT_BY_PHONE: RefusalText(
        "只报手机号不能用储值",
        "请刷会员卡或出示会员码",
        "A phone number alone cannot spend",
        "Tap the card or show the member code",
    ),
    _R.POINTS_NONE: RefusalText(
        "本机没有这位会员的可用积分",
        "请收现金，或联网后再试",
        "No points to spend here",
        "Take cash, or try again when online",
    ),
    _R.POINTS_IDLE: RefusalText(
        "本单用不上积分", "积分不够，或没有可抵的规则", "Points pay nothing here", "Too few, or no rule takes them"
    ),
    _R.VALUE_LEVEL: RefusalText(
        "这样确认会员不能再用了",
        "请出示会员码，或收现金",
        "No more may be spent this way",
        "Ask for the member code, or take cash",
    ),
    _R.FLOOR_USED: RefusalText(
        "今天的储值垫付限额已用完",
        "请收现金，或联网后再试",
        "The floor limit of today is used up",
        "Take cash, or try again when online",
    ),
    _R.MEMBER_PIN_LOCKED: RefusalText(
        "会员密码错误次数过多",
        "请等一分钟，或收现金",
        "Too many wrong PINs of this member",
        "Wait a minute, or take cash",
    ),
    _R.POINTS_SHORT: RefusalText(
        "本机可用的积分不够",
        "请换一样，或联网后再试",
        "Not enough points to spend here",
        "Choose another, or try when online",
    ),
    _R.USES_SHORT: RefusalText(
        "本机可用的次数不够",
        "请收现金，或联网后再试",
        "Not enough uses to spend here",
        "Take cash, or try again when online",
    ),
    _R.GIFT_SHARE_USED: RefusalText(
        "本机的礼品份额已用完",
        "请换一样，或联网后再试",
        "This till's share of the gift is used up",
        "Choose another, or try when online",
    ),
    _R.REDEEM_SHARE_USED: RefusalText(
        "本机的活动份额已用完",
        "请换一样，或联网后再试",
        "This till's share of the offer is used up",
        "Choose another, or try when online",
    ),
    _R.PLAN_CHANGED: RefusalText(
        "刚才所示的有了变化", "请看屏幕，再确认一次", "What was shown here has changed", "Look again, then confirm"
    ),
    _R.REDEEM_NOTHING: RefusalText(
        "这位会员现在没有可兑换的", "请看兑换规则", "Nothing to redeem for this member", "Look at what the rules offer"
    ),
    _R.SLIP_TOO_MUCH: RefusalText(
        "一张转值单只能转一笔充值里的钱",
        "请减少金额，分几张转出",
        "A slip carries value of one top-up",
        "Key less, and print more than one",
    ),
    _R.SLIP_NOBODY: RefusalText(
        "还不认识别的收银机", "请连接网络，等待总部下发", "No other till is known yet", "Connect; wait for head office"
    ),
    _R.SLIP_NOT_OURS: RefusalText(
        "这张转值单不是给本机的", "请到单上写明的收银机", "This slip is for another till", "Go to the till it names"
    ),
    _R.SLIP_FORGED: RefusalText(
        "转值单的签名无效", "请勿付货，联系技术人员", "The slip's signature is not valid", "Do not accept it"
    ),
    _R.SLIP_TAKEN: RefusalText(
        "这张转值单已经收过", "储值已在本机，直接使用", "This slip was taken before", "Its value is here already"
    ),
    _R.SLIP_OVER: RefusalText(
        "这张转值单已过期", "请联网后由总部处理", "This slip is past its time", "Head office settles it once online"
    ),
    _R.PHONE_MALFORMED: RefusalText(
        "手机号不对", "请输入11位手机号", "Not a phone number", "Key the 11 digits of the phone number"
    ),
    _R.PHONE_UNKNOWN: RefusalText(
        "本机没有这个手机号",
        "核对号码，或按非会员结账",
        "This phone number is not known here",
        "Check it, or sell without membership",
    ),
    _R.PHONE_SEVERAL: RefusalText(
        "末四位有几位会员",
        "请输入11位手机号",
        "Several members' numbers end like this",
        "Key the 11 digits of the phone number",
    ),
    _R.AMOUNT_MALFORMED: RefusalText("金额不对", "请按 268.00 的样子输入", "Not an amount", "Key it like 268.00"),
    _R.AMOUNT_ZERO: RefusalText("金额不能为零", "请输入金额", "The amount is zero", "Key an amount"),
    _R.AMOUNT_TOO_LARGE: RefusalText(
        "金额太大", "单笔最多 999999.99", "The amount is too large", "At most 999999.99 in one sale"
    ),
    _R.BASKET_EMPTY: RefusalText(
        "还没有商品", "请先扫码或输入金额", "The basket is empty", "Scan or key an amount first"
    ),
    _R.BASKET_FULL: RefusalText(
        "一单最多 300 行，放不下更多了",
        "请先收款，余下的另开一单",
        "No more fits in; a sale has 300 lines at most",
        "Take payment; the rest is a sale of its own",
    ),
    _R.NO_PACK: RefusalText(
        "还没有收到规则",
        "请连接网络，等待总部下发",
        "No rules have arrived yet",
        "Connect the network and wait for head office",
    ),
    _R.NO_CATALOGUE: RefusalText(
        "还没有收到商品资料",
        "请连接网络，等待总部下发",
        "No catalogue has arrived yet",
        "Connect the network and wait for head office",
    ),
    _R.NOTHING_TO_REPRINT: RefusalText(
        "没有可补打的小票", "先完成一笔销售", "No receipt to reprint", "Make a sale first"
    ),
    _R.REFUND_NO_RECEIPT: RefusalText(
        "这不是小票的单号或单据码",
        "请扫小票底部的码，或输入单号末段",
        "Not a receipt",
        "Scan its code, or key its number",
    ),
    _R.REFUND_FORGED: RefusalText(
        "小票的码与本机流水不符",
        "请勿退款，找店长",
        "The receipt is not what was sold here",
        "Pay nothing; ask the manager",
    ),
    _R.REFUND_ELSEWHERE: RefusalText(
        "这张小票是另一台收银机开的", "请到那台收银机退货", "Another till sold this", "Return it at that till"
    ),
    _R.REFUND_UNKNOWN: RefusalText(
        "本机没有这一单", "核对单号，或找总部办理", "This till has no such sale", "Check the number, or ask head office"
    ),
    _R.REFUND_NO_SALE: RefusalText(
        "这张单据不是销售", "只能退销售小票上的商品", "This receipt is of no sale", "Only goods sold here come back"
    ),
    _R.REFUND_ALL_BACK: RefusalText(
        "这一单已经全部退过", "请勿再退", "All of this sale came back before", "Do not pay it back again"
    ),
    _R.REFUND_SCAN: RefusalText(
        "退充值要有充值单", "请扫充值单上的码", "A top-up needs its receipt", "Scan the code on it"
    ),
    _R.REFUND_SPENT: RefusalText(
        "这笔充值在本机没有剩余",
        "已经花完，或不在本机",
        "Nothing of this top-up is left here",
        "It was spent, or is elsewhere",
    ),
    _R.REFUND_TOO_MANY: RefusalText(
        "退的比还没退的多",
        "请输入不超过屏幕所示的件数",
        "More than is left of this line",
        "Key at most what the screen says",
    ),
    _R.REFUND_NOTHING: RefusalText(
        "没有选要退的商品", "请至少退一件", "Nothing comes back", "Choose at least one article"
    ),
    _R.REFUND_NOT_HERE: RefusalText(
        "本机算不了这一单的退货",
        "请稍候再试，或找总部办理",
        "This till cannot take this back",
        "Try again later, or ask head office",
    ),
    _R.REPORT_COUNT: RefusalText(
        "还没有输入实点现金",
        "数清钱箱，输入金额再交班",
        "The cash is not counted yet",
        "Count the drawer and key the amount",
    ),
    _R.NOT_IN_TRAINING: RefusalText(
        "训练模式下不能这样做", "请先退出训练模式", "Not in training", "Leave training first"
    ),
    _R.KEY_NOT_NOW: RefusalText("现在不能按这个键", "请看屏幕提示", "That key does nothing now", "Follow the screen"),
    _R.STORE_FAILED: RefusalText(
        "本机存储出错，这一笔没有记账",
        "请勿收付款，联系技术人员",
        "The till cannot store; nothing was booked",
        "Take and pay no money; call a technician",
    ),
}
