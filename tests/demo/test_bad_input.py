"""Whatever is put before the till or sent to it: a refusal with its reason, nothing lost, and the next customer served.

Everything runs on real parts: the agent's own process, libnfc on a pty, the broker, head office's database.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import cbor2
import pytest

from contract import wire
from contract.documents import DocumentKind, open_document, seal_document
from contract.messages import Want
from contract.topics import MAX_MESSAGE_BYTES, ROOT, Down, Up, announce, down, terminal_subscription, up
from demo import cast
from demo.attacks import NOT_AUTHORISED
from demo.mqtt_client import MqttClient
from demo.rogue import LyingBroker
from demo.site import OTHER_TILL, OUTSIDER, TILL
from hq import books
from hq.db import reading
from rules.pack import read_pack, write_pack
from simulator.cards import Card, FelicaCard, Phone, TypeBCard
from simulator.cards_type2 import Ntag213
from simulator.keypad import Keypad
from tests.demo.stage_fixture import PATIENCE_S, LiveStage
from tests.waiting import eventually

BINARY_JUNK = bytes(byte for byte in range(256) if byte not in b"\r\n") * 6


@pytest.fixture
def shop(live_stage: LiveStage) -> Iterator[LiveStage]:
    """The till, well and with nobody before it; afterwards everything that was broken is mended."""
    yield live_stage
    live_stage.stage.counter.mend()
    live_stage.stage.counter.cards.remove()


def test_a_card_nobody_holds_is_refused(shop: LiveStage) -> None:
    shop.hands.tap(cast.unknown_card(), "本机没有这张会员卡")
    shop.hands.see("请用手机号或会员码")
    shop.serves_the_next_customer()


@pytest.mark.parametrize(
    "card", [FelicaCard(bytes.fromhex("0101050112345678")), TypeBCard(bytes.fromhex("0a0b0c0d"))], ids=["FeliCa", "B"]
)
def test_a_card_of_a_kind_the_reader_cannot_use_is_refused(shop: LiveStage, card: Card) -> None:
    shop.hands.tap(card, "不支持这种卡")
    shop.serves_the_next_customer()


def test_a_phone_held_to_the_reader_is_refused_once_and_does_not_keep_the_reader_busy(shop: LiveStage) -> None:
    heard = len(shop.stage.counter.glass.sounds)
    shop.stage.counter.cards.present(Phone())
    shop.hands.see("不支持这种卡")
    reader, began_s, asked = shop.stage.counter.reader, time.monotonic(), shop.stage.counter.reader.commands
    eventually(lambda: reader.commands >= asked + 30)
    assert time.monotonic() - began_s > 0.15, "more than 200 commands a second"
    assert [sound.name for sound in shop.stage.counter.glass.sounds[heard:]] == ["refused"]
    shop.stage.counter.cards.remove()
    shop.serves_the_next_customer()


def test_a_card_pulled_away_while_it_is_read_is_said_to_have_left_too_soon(shop: LiveStage) -> None:
    shop.stage.counter.cards.remove_during_read()
    # A short message comes with the first answer: this one takes more.
    shop.stage.counter.cards.present(Ntag213(bytes.fromhex("04ffeeddccbbaa"), b"\xd1\x01\x40T\x02zh" + b"a" * 61))
    shop.hands.see("卡拿得太快", "请再刷一次")
    assert shop.stage.counter.cards.cards == ()
    shop.serves_the_next_customer()


def test_a_card_that_stays_and_cannot_be_read_is_refused(shop: LiveStage) -> None:
    damaged = Ntag213(bytes.fromhex("04ffeeddccbbaa"), b"\xd1\x01\x08T\x02zhhello")
    damaged.damage(4, b"\x03\xff\xff\xff\xff")
    shop.hands.tap(damaged, "读卡失败")
    shop.hands.see("请平放再刷一次")
    shop.serves_the_next_customer()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (b"1" * 4_000, "码太长"),
        (b"1" * 5_000, "码太长"),
        (BINARY_JUNK, "码太长"),
        (BINARY_JUNK[:200], "不认识这个码"),
        (b"' OR 1=1", "不认识这个码"),
        (b"1380000000a", "手机号不对"),
        (b"TLC1:", "会员码签名无效"),
        ("会员".encode(), "不认识这个码"),
    ],
    ids=[
        "4000 bytes",
        "5000 bytes",
        "junk",
        "short junk",
        "SQL",
        "letters in a phone number",
        "an empty code",
        "Chinese",
    ],
)
def test_a_code_that_is_none_is_refused(shop: LiveStage, code: bytes, words: str) -> None:
    before = shop.stage.counter.glass.number
    shop.stage.counter.scanner.scan(code)
    shop.hands.see(words)
    assert shop.stage.counter.glass.number > before
    shop.serves_the_next_customer()


def test_a_code_that_breaks_off_is_said_to_be_incomplete(shop: LiveStage) -> None:
    shop.stage.counter.scanner.send(b"69012345")
    shop.hands.see("扫码不完整")
    shop.serves_the_next_customer()


def test_a_phone_number_that_is_none_is_refused(shop: LiveStage) -> None:
    shop.hands.press("member", *"1380000000", "enter")
    shop.hands.see("手机号不对")
    shop.hands.press("cancel")
    if isinstance(shop.stage.counter.keypad, Keypad):
        shop.stage.counter.keypad.send(b"M138abc0000xyz\r")
        shop.hands.see("手机号不对")
        shop.hands.press("cancel")
    shop.serves_the_next_customer()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (("0", "enter"), "金额不能为零"),
        ((*"0.00", "enter"), "金额不能为零"),
        ((*("9" * 99), "enter"), "金额太大"),
        ((*"1000000.00", "enter"), "金额太大"),
        ((*"1.234",), "金额不对"),
        (("cash",), "还没有商品"),
    ],
    ids=["0", "0.00", "99 digits", "a million", "three decimals", "nothing to pay"],
)
def test_an_amount_that_cannot_be_sold_is_refused(shop: LiveStage, keys: tuple[str, ...], words: str) -> None:
    sales = len(shop.auditor.sales(TILL))
    shop.hands.press(*keys)
    shop.hands.see(words)
    shop.hands.press("cancel")
    shop.serves_the_next_customer()
    assert len(shop.auditor.sales(TILL)) == sales


def test_messages_to_head_office_that_are_none_are_kept_with_their_reason_and_the_till_is_heard(
    shop: LiveStage,
) -> None:
    good = wire.pack(Want(bytes(32), 0))
    home = shop.stage.site.terminal(OTHER_TILL) / "identity"
    villain = MqttClient(shop.stage.broker_address, home)
    villain.open(terminal_subscription(OTHER_TILL))
    try:
        for topic, payload, reason in (
            (up(OTHER_TILL, Up.HELLO), b"", "not_cbor"),
            (up(OTHER_TILL, Up.WANT), good[:-3], "not_cbor"),
            (up(OTHER_TILL, Up.BATCH), BINARY_JUNK, "not_deterministic"),
            (up(OTHER_TILL, Up.BATCH), bytes(MAX_MESSAGE_BYTES + 1), "too_large"),
            (up(OTHER_TILL, Up.HELLO), bytes(100_000), "too_large"),
        ):
            assert villain.publish(topic, payload) == 0
            await_refusal(shop, topic, reason)
        assert villain.publish(up(TILL, Up.HELLO), good) == NOT_AUTHORISED
        assert villain.publish(f"{ROOT}/nonsense", good) == NOT_AUTHORISED
        assert villain.publish(f"{ROOT}/{OTHER_TILL}/up/nonsense", good) == NOT_AUTHORISED
        # More than the broker takes at all: it hangs up on the sender, and on nobody else.
        villain.send(up(OTHER_TILL, Up.BATCH), bytes(200_000))
        sell_one(shop)
    finally:
        villain.close()


def test_messages_to_the_till_that_are_none_are_journalled_with_their_reason_and_it_goes_on(shop: LiveStage) -> None:
    liar = MqttClient(shop.stage.broker_address, shop.stage.site.keys / "hq" / "workers" / OUTSIDER)
    liar.open(f"{ROOT}/+/+/+/up/+")
    try:
        for topic, payload, told in (
            (down(TILL, Down.WELCOME), b"\xd2\x84", "message_refused welcome: not_an_envelope"),
            (down(TILL, Down.ACK), BINARY_JUNK, "message_refused ack: not_an_envelope"),
            (down(TILL, Down.ACK), b"\xd2\x84" + bytes(MAX_MESSAGE_BYTES + 1_000), "message_refused ack: too_large"),
            (down(TILL, Down.CHUNK), b"\xa4" + bytes(MAX_MESSAGE_BYTES), "message_refused chunk: too_large"),
            (announce(TILL, DocumentKind.PACK), b"\xa4\x01", "message_refused pack: not_cbor"),
            (f"{ROOT}/{TILL}/down/nonsense", b"x", "message_refused nonsense: bad_topic"),
        ):
            liar.publish(topic, payload)
            await_event(shop, told)
        # More than the till told the broker to deliver: it never arrives, and the connection stands.
        liar.publish(down(TILL, Down.WELCOME), bytes(100_000))
        sell_one(shop)
    finally:
        liar.close()


def test_a_pack_signed_by_head_office_that_the_till_does_not_wholly_understand_never_becomes_active(
    shop: LiveStage,
) -> None:
    before = shop.auditor.activated(TILL, "pack")
    genuine = open_document(shop.auditor.pack_blob(1), shop.stage.hq_keys()).document
    pack = read_pack(genuine.content)
    with_unknown = cbor2.dumps({**cbor2.loads(genuine.content), 99: "x"}, canonical=True)
    priced_otherwise = write_pack(replace(pack, golden=(replace(pack.golden[0], payable_minor=1),)))
    liar = MqttClient(shop.stage.broker_address, shop.stage.site.keys / "hq" / "workers" / OUTSIDER)
    lies = LyingBroker(liar)
    liar.open(f"{ROOT}/+/+/+/up/+", lies.answer)
    try:
        for version, content, reason in (
            (41, with_unknown, "unknown_field"),
            (42, priced_otherwise, "golden_basket_differs"),
            (43, genuine.content[:-1], "not_cbor"),
        ):
            document = replace(genuine, version=version, content=content)
            lies.offer(TILL, version, seal_document(shop.stage.hq_signer(), document))
            await_event(shop, f"document_refused pack {version}: {reason}")
    finally:
        liar.close()
    sell_one(shop)
    assert shop.auditor.activated(TILL, "pack") == before


def await_refusal(shop: LiveStage, topic: str, reason: str) -> None:
    """Wait until head office has put a message on this topic aside for this reason."""

    def put_aside() -> bool:
        with reading(shop.stage.office) as connection:
            return (topic, reason) in {(line.topic, line.reason) for line in books.refused_bytes(connection)}

    eventually(put_aside, PATIENCE_S)


def await_event(shop: LiveStage, told: str) -> None:
    """Wait until head office has the till's signed word of what it refused."""

    def journalled() -> bool:
        events = shop.auditor.events(TILL)
        assert told in events, events[-3:]
        return True

    eventually(journalled, PATIENCE_S)


def sell_one(shop: LiveStage) -> None:
    """A member buys, and head office has the sale, verified and acknowledged."""
    sales, papers = len(shop.auditor.sales(TILL)), len(shop.stage.counter.roll.receipts)
    shop.serves_the_next_customer()
    shop.hands.press(*"12.00", "enter", "cash")
    shop.hands.paper("the receipt", papers + 1)
    eventually(lambda: len(shop.auditor.sales(TILL)) == sales + 1, PATIENCE_S)
    shop.head_office_has_everything()
    assert not shop.auditor.differs(shop.auditor.sales(TILL)[-1])
