"""Reads one card as far as the plan wants: what it is, what it carries, and how much it has proved."""

from __future__ import annotations

import secrets

from agent.drivers.cards import iso7816, type2
from agent.drivers.cards.aes_cmac import Encrypt
from agent.drivers.cards.desfire import MASTER_APPLICATION, Desfire, KeyRefusedError, NoDesfireError
from agent.drivers.cards.diversify import application_key, tag_password
from agent.drivers.cards.identify import Activated
from agent.drivers.cards.keys import CardKeys
from agent.drivers.cards.link import ApduLink, CardError, TagLink
from agent.drivers.cards.plan import CardPlan, DesfirePlan, FilePlan, TagPlan
from agent.drivers.facts import CardAssurance, CardKind
from contract.making import dataclass

_RANDOM_BYTES = 16


class UnsupportedError(Exception):
    """It is a card, and of no use here: a phone, or one that makes its number up and has nothing of ours."""


@dataclass(frozen=True, slots=True)
class CardRead:
    """What a card turned out to be; the fields are those of `CardPresented`."""

    kind: CardKind
    uid: bytes
    assurance: CardAssurance = CardAssurance.UID
    content: bytes | None = None
    counter: int | None = None


def read_number(card: Activated, kind: CardKind) -> CardRead:
    """Take a card by its number alone. Raises UnsupportedError for a number that was made up."""
    if card.has_random_number:
        raise UnsupportedError
    return CardRead(kind, card.uid)


def read_tag(card: Activated, link: TagLink, plan: TagPlan, keys: CardKeys | None) -> CardRead:
    """Read a Type 2 tag: whether it knows the password that the plan has for it, then its message and its counter, as
    either may lie behind that. A tag that does not know it is taken for what it is without.

    Raises CardError, KeysError, UnsupportedError.
    """
    model = type2.model_of(link) if plan.key or plan.counter else None
    opened = bool(plan.key) and model is not None and keys is not None and _knows_password(card, link, plan, keys)
    try:
        # What was asked already is not asked again; else the reading asks, should there be much to read.
        content = type2.read_message(link, fast=None if model is None else True)
    except type2.NotNdefError:
        content = None
        if model is None:
            return read_number(card, CardKind.UID_ONLY)
    counter = _counter(link) if model is not None and model.has_nfc_counter and plan.counter else None
    assurance = CardAssurance.UID if content is None else CardAssurance.READ
    if opened:
        assurance = CardAssurance.PASSWORD
    return CardRead(read_number(card, CardKind.NTAG).kind, card.uid, assurance, content, counter)


def write_tag(card: Activated, link: TagLink, plan: TagPlan, keys: CardKeys | None, message: bytes) -> CardRead:
    """Put an NDEF message on a Type 2 tag in place of its own, and return the tag as it is then.

    Where the plan names a key, the tag is given its password and closed to writing without it, and its counter counts.
    Raises CardError for a tag that cannot be written or that somebody else closed, KeysError.
    """
    model = type2.model_of(link)
    closing = model is not None and plan.key and keys is not None
    if closing and keys is not None:
        # One that we closed before opens to the same password; any other is still open or not ours.
        _knows_password(card, link, plan, keys)
    type2.write_message(link, message)
    if model is not None and closing and keys is not None:
        type2.protect(link, model, *tag_password(_master(keys, plan.key), card.uid, plan.system))
    return read_tag(card, link, plan, keys)


def _counter(link: TagLink) -> int | None:
    try:
        return type2.counter_of(link)
    except CardError:
        # A tag whose counter is switched off says so by falling asleep; it is gone only if it cannot be woken.
        link.wake()
        return None


def _knows_password(card: Activated, link: TagLink, plan: TagPlan, keys: CardKeys) -> bool:
    """Give the password, twice if need be: once the line may have been at fault."""
    password, answer = tag_password(_master(keys, plan.key), card.uid, plan.system)
    for _ in range(2):
        try:
            type2.give_password(link, password, answer)
            return True
        except CardError:
            link.wake()
    return False


def read_apdu_card(card: Activated, link: ApduLink, plan: CardPlan, keys: CardKeys | None) -> CardRead:
    """Read a card that takes APDUs: as a DESFire, then by the file that the plan names, else by its number.

    Raises UnsupportedError for one that has nothing of ours and makes its number up, CardError, KeysError.
    """
    application = plan.desfire.application if plan.desfire is not None else MASTER_APPLICATION
    desfire = Desfire(link)
    try:
        selected = desfire.select(application)
    except NoDesfireError:
        return _read_file_card(card, link, plan.file)
    if plan.desfire is not None and keys is not None and selected:
        try:
            return _read_desfire(card, desfire, plan.desfire, keys)
        except KeyRefusedError:
            # Whoever made this card did not have our keys: it is worth no more than its number.
            return read_number(card, CardKind.DESFIRE)
    if plan.file is not None:
        return _read_file_card(card, link, plan.file, CardKind.DESFIRE)
    return read_number(card, CardKind.DESFIRE)


def read_contact_card(link: ApduLink, plan: FilePlan | None) -> CardRead:
    """Read a card with contacts, which has no number. Raises UnsupportedError without a file of ours, CardError."""
    content = None if plan is None else read_content(link, plan)
    if content is None:
        raise UnsupportedError
    return CardRead(CardKind.ISO7816, b"", CardAssurance.READ, content)


def read_content(link: ApduLink, plan: FilePlan) -> bytes | None:
    """Return the content of the file that the plan names; None without such a file. Raises CardError."""
    return iso7816.read_content(link, plan.file) if iso7816.select_application(link, plan.application) else None


def _read_file_card(
    card: Activated, link: ApduLink, plan: FilePlan | None, otherwise: CardKind = CardKind.ISO14443_4
) -> CardRead:
    content = None if plan is None else read_content(link, plan)
    if content is None:
        return read_number(card, otherwise)
    # A number that was made up is nobody's: what counts is what the file says.
    uid = b"" if card.has_random_number else card.uid
    return CardRead(CardKind.ISO7816, uid, CardAssurance.READ, content)


def _read_desfire(card: Activated, desfire: Desfire, plan: DesfirePlan, keys: CardKeys) -> CardRead:
    """Prove the card's key to each other, and read the file. Raises KeyRefusedError, CardError, UnsupportedError."""
    uid = card.uid
    if card.has_random_number:
        if plan.number_key_number is None:
            raise UnsupportedError
        shared = application_key(_master(keys, plan.key), b"", plan.application, plan.system)
        desfire.authenticate(plan.number_key_number, shared, secrets.token_bytes(_RANDOM_BYTES))
        uid = desfire.card_uid()
    key = application_key(_master(keys, plan.key), uid, plan.application, plan.system)
    desfire.authenticate(plan.key_number, key, secrets.token_bytes(_RANDOM_BYTES))
    content = None if plan.file is None else desfire.read_content(plan.file, plan.mode)
    return CardRead(CardKind.DESFIRE, uid, CardAssurance.AUTHENTICATED, content)


def _master(keys: CardKeys, name: str) -> Encrypt:
    return lambda block: keys.encrypt(name, block)
