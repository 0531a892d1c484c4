"""What head office's staff do about value: pay in, grant, lend, call back, write off; coupons, and what tills are told
to believe and to read.

Every call raises OSError, SettingsError, ContractError or OfficeError with the reason where it is refused, and returns
what is said about it.
"""

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, select

from contract import settings
from contract.documents import Notice
from contract.ids import TerminalAddress, parse_address
from contract.money import format_minor
from contract.said import Said
from contract.value import Account, Asset
from hq.bulletins import publish_keys, publish_notices, publish_revocations, revoke_card, revoke_member
from hq.coupons import CouponTerms, issue_coupon, withdraw_coupon
from hq.db import Turn, reading, take_turns, writing
from hq.documents import DAY_MS, StoredDocument
from hq.errors import OfficeError
from hq.exposure import exposure
from hq.granting import lend_from, newest_epoch_of
from hq.grants import buy_pool, grant, pay_in, require_known, require_member, set_bearer, set_term, write_off
from hq.lease_book import OUTSTANDING, LeaseState
from hq.lease_offers import offer_waiting, recall
from hq.ledger_text import restoration_said
from hq.lending import POINTS_DAYS
from hq.office import Office
from hq.sources import read_json
from hq.tables import leases
from hq.value_text import counted_text, exposure_text, leases_text, named

NOTICES = settings.Table(
    {
        "notices": settings.Tables(
            settings.Table(
                {
                    "zh": settings.text(max_chars=80),
                    "en": settings.text(max_chars=160),
                    "hours": settings.whole(1, 24 * 366),
                }
            ),
            most=20,
        )
    }
)
MOST_LISTED = 1_000


def pay_money_in(office: Office, member: str, amount: int, bonus: int, reference: str) -> Said:
    """Book money a member paid to head office; the same ``reference`` again changes nothing, and raises
    OfficeError where it was used for something else.
    """
    transaction = hashlib.sha256(f"tapledger-paid-in {reference}".encode()).digest()[:16]
    with writing(office.engine, Turn.LENDING) as connection:
        try:
            booked = pay_in(connection, office.desk, member, amount, bonus, transaction, _now_ms())
        except OfficeError as error:
            said = error.said
            raise OfficeError(f"凭证号 {reference}：{said.zh}", f"reference {reference}: {said.en}") from error
    zh = f"{member}：入账 {format_minor(amount)}，赠金 {format_minor(bonus)}，凭证号 {reference}"
    en = f"{member}: {format_minor(amount)} and {format_minor(bonus)} bonus paid in, reference {reference}"
    return (
        Said(zh, en) if booked.is_new else Said(f"{zh}；此前已入账，没有变化", f"{en}: booked before, nothing changed")
    )


def grant_value(office: Office, account: Account, amount: int) -> Said:
    """Grant points, uses, a budget or gifts, or take them back."""
    with writing(office.engine, Turn.LENDING) as connection:
        grant(connection, office.desk, account, amount, _now_ms())
    what = named(account)
    return Said(f"{what.zh}：{amount:+d}", f"{what.en}: {amount:+d}")


def sell_pool(office: Office, shop: str, points: int, bonus_bp: int, price_minor: int) -> Said:
    """Book points that a merchant pays for in advance."""
    with writing(office.engine, Turn.LENDING) as connection:
        gained = buy_pool(connection, office.desk, shop, points, bonus_bp, price_minor, _now_ms())
    price = format_minor(price_minor)
    return Said(f"{shop}：积分池增加 {gained} 分，应付 {price}", f"{shop}: {gained} points in the pool, {price} owed")


def let_points_expire(office: Office, days: int) -> Said:
    """Say for how many days points are good that are earned from now on; 0 for ever."""
    with writing(office.engine, Turn.LENDING) as connection:
        set_term(connection, POINTS_DAYS, days)
    if not days:
        return Said("积分不过期", "points do not expire")
    return Said(f"从现在起获得的积分 {days} 天内有效", f"points are good for {days} days")


def say_bearer(office: Office, shop: str, bearer: str) -> Said:
    """Say who bears what a shop's tills spend beyond their leases."""
    with writing(office.engine) as connection:
        set_bearer(connection, shop, bearer)
    return Said(
        f"{shop} 的终端超出额度消费的部分由{'门店' if bearer == 'shop' else '总部'}承担",
        f"what the tills of {shop} spend beyond their leases is borne by the {bearer}",
    )


def lend_to(office: Office, address: TerminalAddress, account: Account, amount: int) -> Said:
    """Lend to a terminal, as far as it is free."""
    with writing(office.engine, Turn.LENDING) as connection:
        _require_till(connection, address)
        require_known(connection)
        if account.asset in (Asset.STORED, Asset.POINTS, Asset.USES):
            require_member(connection, account.holder)
        lent = lend_from(connection, address, account, amount, office.desk.policy, _now_ms())
        offer_waiting(connection, office.desk, MOST_LISTED, _now_ms())
    what = named(account)
    short = Said("", "") if lent == amount else Said(f"；{amount} 中只有这些可借", f", no more of {amount} is free")
    return Said(f"{address}：借出 {what.zh} {lent}{short.zh}", f"{address}: {lent} of {what.en} lent{short.en}")


def call_back(office: Office, address: TerminalAddress) -> Said:
    """Ask a terminal to return everything that is lent to it."""
    with writing(office.engine, Turn.LENDING) as connection:
        _require_till(connection, address)
        open_ones = connection.scalars(
            select(leases.c.lease).where(leases.c.address == str(address), leases.c.state == LeaseState.ACTIVE.value)
        ).all()
        for lease in open_ones:
            recall(connection, lease, _now_ms())
        offer_waiting(connection, office.desk, MOST_LISTED, _now_ms())
    count = len(open_ones)
    return Said(f"{address}：已要求归还 {count} 笔额度", f"{address}: {count} leases asked back")


def give_up(office: Office, address: TerminalAddress, lease: str | None, who: str) -> Said:
    """Write off what is left of a terminal's suspended leases, or of one lease."""
    try:
        wanted = None if lease is None else bytes.fromhex(lease)
    except ValueError as error:
        raise OfficeError(
            f"{lease} 不是额度号；用 hq leases list 查看。",
            f"{lease} is no lease; `tapledger hq leases list` shows them.",
        ) from error
    if not who.strip() or len(who) > 40 or not who.isprintable():
        raise OfficeError(
            "请用 1 到 40 个字符在 --by 写明由谁决定。", "who decides is told in 1 to 40 characters, with --by."
        )
    with writing(office.engine, Turn.LENDING) as connection:
        done = write_off(connection, office.desk, address, wanted, who, _now_ms())
    if not done.leases:
        return Said(
            f"{address}：没有冻结的额度，没有核销；用 --lease 可指定一笔",
            f"{address}: nothing of it is suspended, and nothing was written off; --lease names one all the same",
        )
    said = counted_text(done.left)
    return Said(
        f"{address}：核销 {done.leases} 笔额度" + (f"（{said}）" if said else ""),
        f"{address}: {done.leases} leases written off" + (f" ({said})" if said else ""),
    )


def show_leases(office: Office, address: TerminalAddress | None) -> str:
    """The open leases as text, of one terminal or of all."""
    asked = select(leases).where(leases.c.state.in_(OUTSTANDING))
    if address is not None:
        asked = asked.where(leases.c.address == str(address))
    with reading(office.engine) as connection:
        rows = connection.execute(asked.order_by(leases.c.address, leases.c.since_ms).limit(MOST_LISTED)).mappings()
        return leases_text(rows.all())


def show_exposure(office: Office) -> str:
    """The largest possible loss now, terminal by terminal and in all, as text."""
    with reading(office.engine) as connection:
        return exposure_text(exposure(connection), restoration_said(connection))


def make_coupon(office: Office, terms: CouponTerms) -> str:
    """Issue a coupon; return the text of its QR code."""
    with writing(office.engine, Turn.LENDING) as connection:
        return issue_coupon(connection, office.desk, terms, _now_ms())


def take_coupon_back(office: Office, code: str) -> Said:
    """Withdraw a coupon and tell the tills."""
    with writing(office.engine, Turn.LENDING) as connection:
        withdraw_coupon(connection, office.desk, code, _now_ms())
        take_turns(connection, Turn.DOCUMENTS)
        publish_revocations(connection, office.desk, _now_ms())
    return Said(f"电子券 {code} 已收回", f"coupon {code} is withdrawn")


def make_void(office: Office, members: Sequence[str], cards: Sequence[str]) -> StoredDocument:
    """Make void all credentials of these members issued through today, and these cards; tell the tills."""
    if not members and not cards:
        raise OfficeError("请给出 --member 或 --card。", "name at least one --member or --card.")
    today = _now_ms() // DAY_MS

    def revoke(connection: Connection) -> None:
        for member in members:
            require_member(connection, member)
            revoke_member(connection, member, today)
        for card in cards:
            revoke_card(connection, _card(card).hex(), today)

    with writing(office.engine, Turn.DOCUMENTS) as connection:
        revoke(connection)
        return publish_revocations(connection, office.desk, _now_ms())


def tell_keys(office: Office) -> StoredDocument:
    """Publish whose slips are to be believed."""
    with writing(office.engine, Turn.DOCUMENTS) as connection:
        return publish_keys(connection, office.desk, _now_ms())


def load_notices(office: Office, path: Path) -> StoredDocument:
    """Make ``path`` what cashiers should read, and publish it."""
    rows = settings.read(read_json(path), NOTICES, str(path))["notices"]
    now_ms = _now_ms()
    found = [Notice(row["zh"], row["en"], now_ms + row["hours"] * 3_600_000) for row in rows]
    with writing(office.engine, Turn.DOCUMENTS) as connection:
        return publish_notices(connection, office.desk, found, now_ms)


def address_of(written: str) -> TerminalAddress:
    """The terminal written as tenant/shop/terminal. Raises ContractError."""
    return parse_address(written)


def _card(written: str) -> bytes:
    try:
        found = bytes.fromhex(written)
    except ValueError:
        found = b""
    if not 4 <= len(found) <= 10:
        raise OfficeError(
            f"{written} 不是卡号；请写 4 到 10 个字节的十六进制。",
            f"{written} is no card number: write 4 to 10 bytes in hexadecimal.",
        )
    return found


def _require_till(connection: Connection, address: TerminalAddress) -> None:
    if newest_epoch_of(connection, address) is None:
        raise OfficeError(
            f"{address} 没有登记，或已作废；用 hq books 查看有哪些终端。",
            f"{address} is not enrolled, or revoked; `tapledger hq books` lists the tills.",
        )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
