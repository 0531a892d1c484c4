"""``tapledger hq web``, ``exposure``, ``value``, ``leases``, ``coupons``, ``keys``, ``void`` and ``notices``: members'
value, what is lent of it, and what tills are told to believe.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from contract.said import Said
from tapledger.verbs import Groups, Opened, add_verb

if TYPE_CHECKING:
    from contract.value import Account
    from hq.documents import StoredDocument
    from hq.office import Office

_WEB = """\
Answers web shops over HTTP until told to stop (SIGTERM): reserve, capture and release of members' stored value and
points. What is reserved no till is lent. Where it listens and who is let in stands under [web] in hq.toml.

  POST /v1/holds                 {"member": "m1", "amount": 6000}, with an Idempotency-Key
  POST /v1/holds/HOLD/capture    {"amount": 6000}
  POST /v1/holds/HOLD/release    {}
  GET  /v1/holds/HOLD
"""

_EXPOSURE = """\
What each terminal could spend once more if it were copied, and the sum of that: everything that is lent and not
accounted for. Money in the currency's units; points, uses, coupons and gifts beside it.
"""

_GRANT = """\
ASSET is points (HOLDER is the member), uses (the member, with --card), budget (the rule; in fen), budget_uses (the
rule), or gift (the article). A negative amount takes back what is free of it.
"""

_POOL = """\
A merchant pays for points in advance; tills of that shop issue no others. What members redeem there fills it again.
"""

_OFF = """\
Gives up what is left of a terminal's suspended leases: past their time, or of an epoch that has ended. It is free again
at once. Should the terminal have spent of it all the same, that is posted when it comes in, put before people, and
charged to whoever bears it (`tapledger hq value bearer`).
"""

_ISSUE = """\
Prints the text of the coupon's QR code. CODE is what rules ask for; each code is issued once. With --at it is good at
one till alone, so that a copy is worth nothing. Without, it is taken once at each till at most, and a second use is
found when the tills report.
"""

_NOTICES = """\
The file is all that cashiers should read; an empty list takes everything down.

JSON:  {"notices": [{"zh": "...", "en": "...", "hours": 24}]}
"""


class CodeOptions(TypedDict):
    """What a code may be bound to."""

    card: bytes | None
    phone_key: bytes | None
    limit: int
    picture: Path | None


_LENT = ("stored", "points", "uses", "budget", "budget_uses", "gift", "pool")


def add_value(commands: Groups, members: Groups, office: Opened) -> None:
    """Add the verbs to ``hq`` and to ``hq members``; ``office`` makes a command of what is done with the books open."""
    _command(add_verb(commands, "web", "answer web shops until told to stop (SIGTERM)", _WEB), _web)
    _command(add_verb(commands, "exposure", "the largest possible loss now", _EXPOSURE), office(_exposure))
    _command(add_verb(members, "publish", "tell tills the members as they are now, with their points"), office(_tell))
    _add_value_group(_group(commands, "value", "what members and merchants have"), office)
    _add_leases(_group(commands, "leases", "what is lent to which terminal"), office)
    _add_coupons(_group(commands, "coupons", "electronic coupons"), office)
    keys = _group(commands, "keys", "whose slips tills believe")
    _command(add_verb(keys, "publish", "tell tills the journal keys of all tills"), office(_keys))
    void = _command(add_verb(commands, "void", "make cards and codes of members worthless"), office(_void))
    void.add_argument("--member", action="append", default=[], metavar="MEMBER", help="all codes of today and before")
    void.add_argument("--card", action="append", default=[], metavar="HEX", help="a card by its number")
    notices = _group(commands, "notices", "what cashiers should read")
    load = _command(add_verb(notices, "load", "say what cashiers should read", _NOTICES), office(_notices))
    load.add_argument("file", type=Path, metavar="FILE.json", help="the notices")


def add_code_options(code: argparse.ArgumentParser) -> None:
    """Add to ``hq members code`` what a credential can be bound to."""
    code.add_argument("--limit", default="0", metavar="AMOUNT", help="so much stored value in one sale (0: as lent)")
    bound = code.add_mutually_exclusive_group()
    bound.add_argument("--card", metavar="HEX", help="good on this card alone; prints what to write on it, in hex")
    bound.add_argument("--phone-key", metavar="HEX", help="shown by the phone of this P-256 key alone (33 bytes)")
    bound.add_argument("--picture", type=Path, metavar="FILE", help="also draw the QR code into this PNG")


def code_options(arguments: argparse.Namespace) -> "CodeOptions":
    """What those options say. Raises ContractError or OfficeError."""
    from contract.money import parse_amount_minor

    return {
        "card": _octets(arguments.card, 4, 10, Said("卡号", "a card number")),
        "phone_key": _octets(arguments.phone_key, 33, 33, Said("压缩的 P-256 公钥", "a compressed P-256 key")),
        "limit": parse_amount_minor(arguments.limit),
        "picture": arguments.picture,
    }


def _add_value_group(value: Groups, office: Opened) -> None:
    pay = _command(add_verb(value, "pay-in", "book money a member paid to head office"), office(_pay_in))
    pay.add_argument("member", metavar="MEMBER", help="whose stored value")
    pay.add_argument("amount", metavar="AMOUNT", help="such as 100.00")
    pay.add_argument("--bonus", default="0", metavar="AMOUNT", help="bonus that comes with it")
    pay.add_argument("--reference", required=True, metavar="TEXT", help="of the payment; the same one is booked once")
    grant = _command(add_verb(value, "grant", "grant something that is counted", _GRANT), office(_grant))
    grant.add_argument("asset", choices=("points", "uses", "budget", "budget_uses", "gift"), help="of what")
    grant.add_argument("holder", metavar="HOLDER", help="member, rule or article")
    grant.add_argument("amount", type=int, metavar="N", help="in fen, points or pieces")
    grant.add_argument("--card", default="", metavar="NAME", help="the count card")
    pool = _command(add_verb(value, "pool", "book points a merchant buys in advance", _POOL), office(_pool))
    pool.add_argument("shop", metavar="SHOP", help="who buys them")
    pool.add_argument("points", type=int, metavar="POINTS", help="how many")
    pool.add_argument("--bonus-bp", type=int, default=0, metavar="N", help="so many hundredths of a percent on top")
    pool.add_argument("--price", default="0", metavar="AMOUNT", help="what the shop owes for it")
    days = _command(add_verb(value, "points-days", "for how long points are good"), office(_days))
    days.add_argument("days", type=int, metavar="N", help="days from earning; 0: for ever")
    bearer = _command(add_verb(value, "bearer", "who bears what tills spend beyond their leases"), office(_bearer))
    bearer.add_argument("shop", metavar="SHOP", help="whose late spends")
    bearer.add_argument("bearer", choices=("shop", "office"), help="who bears them")


def _add_leases(leases: Groups, office: Opened) -> None:
    listed = _command(add_verb(leases, "list", "what is lent"), office(_list))
    listed.add_argument("address", nargs="?", metavar="TENANT/SHOP/TERMINAL", help="to this one (default: to all)")
    lend = _command(add_verb(leases, "lend", "lend to a terminal, beside what habit gives it"), office(_lend))
    lend.add_argument("address", metavar="TENANT/SHOP/TERMINAL", help="to which one")
    lend.add_argument("asset", choices=_LENT, help="of what")
    lend.add_argument("holder", metavar="HOLDER", help="member, rule, article or shop")
    lend.add_argument("amount", type=int, metavar="N", help="in fen, points or pieces")
    lend.add_argument("--card", default="", metavar="NAME", help="the count card")
    recall = _command(add_verb(leases, "recall", "ask a terminal to return everything"), office(_recall))
    recall.add_argument("address", metavar="TENANT/SHOP/TERMINAL", help="from which one")
    off = _command(add_verb(leases, "write-off", "give up what a terminal does not account for", _OFF), office(_off))
    off.add_argument("address", metavar="TENANT/SHOP/TERMINAL", help="whose")
    off.add_argument("--lease", metavar="HEX", help="this one alone, whatever its state")
    off.add_argument("--by", required=True, metavar="NAME", help="who decides")


def _add_coupons(coupons: Groups, office: Opened) -> None:
    issue = _command(add_verb(coupons, "issue", "issue a coupon", _ISSUE), office(_issue))
    issue.add_argument("code", metavar="CODE", help="what the coupon is called")
    issue.add_argument("--days", type=int, default=30, metavar="N", help="good for so long (default: %(default)s)")
    issue.add_argument("--member", metavar="MEMBER", help="good for this member alone")
    issue.add_argument("--shop", action="append", default=[], metavar="SHOP", help="good in this shop (repeatable)")
    issue.add_argument("--at", metavar="TENANT/SHOP/TERMINAL", help="good at this till alone")
    withdraw = _command(add_verb(coupons, "withdraw", "take a coupon back"), office(_withdraw))
    withdraw.add_argument("code", metavar="CODE", help="which one")


def _group(commands: Groups, name: str, what: str) -> Groups:
    described = what[0].upper() + what[1:] + "."
    return commands.add_parser(name, help=what, description=described).add_subparsers(metavar="COMMAND", required=True)


def _command(command: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    command.add_argument("--config", type=Path, required=True, metavar="FILE", help="hq.toml")
    command.set_defaults(run=run)
    return command


def _web(arguments: argparse.Namespace) -> int:
    from hq.web.serve import serve

    return serve(arguments.config)


def _exposure(office: "Office", _arguments: argparse.Namespace) -> str:
    from hq.value_office import show_exposure

    return show_exposure(office)


def _tell(office: "Office", _arguments: argparse.Namespace) -> Said:
    from hq.office import tell_members

    return published(tell_members(office))


def _keys(office: "Office", _arguments: argparse.Namespace) -> Said:
    from hq.value_office import tell_keys

    return published(tell_keys(office))


def _void(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.value_office import make_void

    return published(make_void(office, arguments.member, arguments.card))


def _notices(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.value_office import load_notices

    return published(load_notices(office, arguments.file))


def _pay_in(office: "Office", arguments: argparse.Namespace) -> Said:
    from contract.money import parse_amount_minor
    from hq.value_office import pay_money_in

    amount, bonus = parse_amount_minor(arguments.amount), parse_amount_minor(arguments.bonus)
    return pay_money_in(office, arguments.member, amount, bonus, arguments.reference)


def _grant(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.value_office import grant_value

    return grant_value(office, _account(arguments), arguments.amount)


def _pool(office: "Office", arguments: argparse.Namespace) -> Said:
    from contract.money import parse_amount_minor
    from hq.value_office import sell_pool

    price = parse_amount_minor(arguments.price)
    return sell_pool(office, arguments.shop, arguments.points, arguments.bonus_bp, price)


def _days(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.value_office import let_points_expire

    return let_points_expire(office, arguments.days)


def _bearer(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.value_office import say_bearer

    return say_bearer(office, arguments.shop, arguments.bearer)


def _list(office: "Office", arguments: argparse.Namespace) -> str:
    from hq.value_office import address_of, show_leases

    return show_leases(office, None if arguments.address is None else address_of(arguments.address))


def _lend(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.value_office import address_of, lend_to

    return lend_to(office, address_of(arguments.address), _account(arguments), arguments.amount)


def _recall(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.value_office import address_of, call_back

    return call_back(office, address_of(arguments.address))


def _off(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.value_office import address_of, give_up

    return give_up(office, address_of(arguments.address), arguments.lease, arguments.by)


def _issue(office: "Office", arguments: argparse.Namespace) -> str:
    import time

    from hq.coupons import CouponTerms
    from hq.value_office import address_of, make_coupon

    now_ms = time.time_ns() // 1_000_000
    at = None if arguments.at is None else address_of(arguments.at)
    until_ms = now_ms + arguments.days * 86_400_000
    terms = CouponTerms(arguments.code, now_ms, until_ms, arguments.member, tuple(arguments.shop), at)
    return make_coupon(office, terms)


def _withdraw(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.value_office import take_coupon_back

    return take_coupon_back(office, arguments.code)


def _account(arguments: argparse.Namespace) -> "Account":
    from contract import wire
    from contract.value import Account, Asset

    account = Account(Asset(arguments.asset), arguments.holder, arguments.card)
    wire.to_wire(account)
    return account


def _octets(written: str | None, least: int, most: int, what: Said) -> bytes | None:
    from hq.errors import OfficeError

    if written is None:
        return None
    try:
        found = bytes.fromhex(written)
    except ValueError:
        found = b""
    if not least <= len(found) <= most:
        raise OfficeError(
            f"{written} 不是十六进制的{what.zh}；请写 {least} 到 {most} 个字节。",
            f"{written} is not {what.en} in hexadecimal; write {least} to {most} bytes.",
        )
    return found


def document_said(stored: "StoredDocument") -> Said:
    """A document by its kind, version, digest and size."""
    facts = f"sha256 {stored.digest.hex()}"
    return Said(
        f"{stored.kind} 第 {stored.version} 版，{facts}，{stored.size} 字节",
        f"{stored.kind} version {stored.version}, {facts}, {stored.size} bytes",
    )


def published(stored: "StoredDocument") -> Said:
    """That a document is published."""
    said = document_said(stored)
    return Said(f"已发布 {said.zh}", f"published {said.en}")
