"""Signed documents: versions only go up, nothing is published that a till could not check, and people's mistakes are
said before anything is signed.
"""

import json
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import event

from contract.credentials import open_credential, read_credential_text
from contract.documents import CHUNK_BYTES, DocumentKind, open_document
from contract.envelope import keyring
from contract.errors import ContractError, Reason
from contract.ids import TerminalAddress
from contract.messages import Want
from contract.pins import is_pin
from contract.trade import MAX_EFFECTS
from hq.authored import author_pack
from hq.blobs import BlobShelf
from hq.credentials import CredentialTerms, issue_credential, qr_text
from hq.db import writing
from hq.documents import (
    DAY_MS,
    announcements,
    publish,
    renew,
    sealed_bytes,
    sign,
    sign_pack,
    stored_documents,
)
from hq.errors import OfficeError
from hq.people import cashiers_content, member_records, replace_cashiers, replace_members
from hq.pins import make_verifier
from hq.sources import CashierRow, MemberRow
from rules.pack import write_pack
from tests.hq.tills import A1, B1, GOLD, NOW_MS, PACK, TENANT, HeadOffice, new_signer

OTHER_PACK = PACK.replace("2000}]", "1000}]").replace("22120", "23120").replace("221}", "231}")


def versions(hq: HeadOffice) -> list[tuple[int, bool]]:
    found = hq.look(stored_documents)
    return [(item.version, item.published_ms is not None) for item in found if item.kind is DocumentKind.PACK]


def test_a_signed_pack_waits_until_it_is_published(hq: HeadOffice) -> None:
    assert hq.sign_pack(OTHER_PACK).version == 2
    assert versions(hq) == [(1, True), (2, False)]
    assert hq.publish(DocumentKind.PACK).version == 2
    assert versions(hq) == [(1, True), (2, True)]


def test_the_same_content_signed_again_is_the_same_version(hq: HeadOffice) -> None:
    assert hq.sign_pack(PACK).version == 1
    hq.sign_pack(OTHER_PACK)
    # Undoing is a higher version with old content.
    assert hq.sign_pack(PACK).version == 3


def test_the_same_content_is_signed_anew_before_tills_would_no_longer_accept_it(hq: HeadOffice) -> None:
    assert hq.sign_pack(PACK, NOW_MS + 182 * DAY_MS).version == 1
    assert hq.sign_pack(PACK, NOW_MS + 183 * DAY_MS).version == 2


def test_what_tills_were_told_is_signed_anew_and_published_before_they_would_no_longer_accept_it(
    hq: HeadOffice,
) -> None:
    hq.enrolled()
    hq.worker.renew(NOW_MS + 183 * DAY_MS - 1)
    assert versions(hq) == [(1, True)]
    for _ in range(2):
        hq.worker.renew(NOW_MS + 183 * DAY_MS)
        assert versions(hq) == [(1, True), (2, True)]
    (announced,) = hq.look(lambda connection: announcements(connection, A1))
    sealed = hq.look(lambda connection: sealed_bytes(connection, DocumentKind.PACK, announced.digest))
    assert sealed is not None
    document = open_document(sealed, keyring(hq.desk.signer.public)).document
    assert (document.version, document.content) == (2, write_pack(hq.pack))
    assert document.accept_until_ms == NOW_MS + (183 + 366) * DAY_MS


def test_a_pack_that_waits_to_be_published_is_not_overtaken_by_a_renewal_before_the_last_day(hq: HeadOffice) -> None:
    hq.sign_pack(OTHER_PACK)
    hq.worker.renew(NOW_MS + 366 * DAY_MS - 1)
    assert versions(hq) == [(1, True), (2, False)]
    hq.worker.renew(NOW_MS + 366 * DAY_MS)
    assert versions(hq) == [(1, True), (2, False), (3, True)]


def test_a_renewal_leaves_each_shop_with_what_was_meant_for_it(hq: HeadOffice) -> None:
    def told(address: TerminalAddress) -> bytes:
        (digest,) = hq.look(
            lambda connection: [
                item.digest for item in announcements(connection, address) if item.kind is DocumentKind.MEMBERS
            ]
        )
        sealed = hq.look(lambda connection: sealed_bytes(connection, DocumentKind.MEMBERS, digest))
        assert sealed is not None
        return open_document(sealed, keyring(hq.desk.signer.public)).document.content

    for content, shop in ((b"overtaken", "shop-a"), (b"all", None), (b"shop b's", "shop-b")):
        with writing(hq.engine) as connection:
            sign(connection, hq.desk, DocumentKind.MEMBERS, content, NOW_MS, shop=shop)
        hq.publish(DocumentKind.MEMBERS)
    hq.worker.renew(NOW_MS + 183 * DAY_MS)
    assert (told(A1), told(B1)) == (b"all", b"shop b's")
    members = [item.version for item in hq.look(stored_documents) if item.kind is DocumentKind.MEMBERS]
    assert members == [1, 2, 3, 4, 5]


def test_a_document_by_a_key_that_was_replaced_is_signed_anew_when_it_is_loaded_again(hq: HeadOffice) -> None:
    desk = replace(hq.desk, signer=new_signer())
    with writing(hq.engine) as connection:
        assert renew(connection, desk, NOW_MS + 366 * DAY_MS) == ()
        assert sign_pack(connection, desk, hq.pack, NOW_MS).version == 2


def test_a_document_is_read_once_for_all_its_chunks_and_the_one_unused_for_longest_goes_first(hq: HeadOffice) -> None:
    content = {DocumentKind.MEMBERS: b"\xa5" * 3 * CHUNK_BYTES, DocumentKind.CASHIERS: b"\xa6" * 2 * CHUNK_BYTES}
    signed = {}
    for kind, data in content.items():
        with writing(hq.engine) as connection:
            signed[kind] = sign(connection, hq.desk, kind, data, NOW_MS)
            publish(connection, kind, None, NOW_MS)
    shelf = BlobShelf(most_bytes=4 * CHUNK_BYTES)

    def reads(kind: DocumentKind) -> int:
        """Fetch a document whole, and count how often its signed bytes were asked of the database."""
        asked: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
            asked.append(statement)

        event.listen(hq.engine, "before_cursor_execute", note)
        wanted = [Want(signed[kind].digest, index) for index in range(-(-signed[kind].size // CHUNK_BYTES))]
        chunks = [hq.look(partial(shelf.chunk, address=A1, want=want)) for want in wanted]
        event.remove(hq.engine, "before_cursor_execute", note)
        blob = b"".join(chunk.data for chunk in chunks if chunk)
        assert open_document(blob, keyring(hq.desk.signer.public)).digest == signed[kind].digest
        return sum("documents.sealed" in statement.partition("FROM")[0] for statement in asked)

    assert [reads(kind) for kind in (DocumentKind.MEMBERS, DocumentKind.MEMBERS)] == [1, 0]
    # Both together are more than the shelf holds.
    assert [reads(kind) for kind in (DocumentKind.CASHIERS, DocumentKind.CASHIERS, DocumentKind.MEMBERS)] == [1, 0, 1]


def test_a_version_below_the_published_one_is_not_published(hq: HeadOffice) -> None:
    hq.sign_pack(OTHER_PACK)
    hq.sign_pack(PACK)
    hq.publish(DocumentKind.PACK, 3)
    for version in (1, 2):
        with pytest.raises(OfficeError, match="versions only go up"):
            hq.publish(DocumentKind.PACK, version)
    assert versions(hq) == [(1, True), (2, False), (3, True)]


def test_a_version_that_nobody_signed_is_not_published(hq: HeadOffice) -> None:
    with pytest.raises(OfficeError, match="there is no pack 9"):
        hq.publish(DocumentKind.PACK, 9)
    with pytest.raises(OfficeError, match="there is no cashiers; sign"):
        hq.publish(DocumentKind.CASHIERS)


def test_a_pack_whose_golden_basket_comes_out_otherwise_is_not_signed() -> None:
    with pytest.raises(OfficeError, match=r"golden\[0\]"):
        author_pack(PACK.replace("22120", "22121"))


def test_a_pack_by_which_one_article_could_meet_more_effects_than_a_sale_holds_is_refused() -> None:
    def authored(count: int) -> str:
        rules = [
            {"rule": f"r{number}", "title": "会员", "title_en": "Member", "lane": "line"}
            | {"then": [{"percent": {"rate_bp": 0, "scope": "line"}}]}
            for number in range(count)
        ]
        line = {"sku": "open", "categories": ["food"], "quantity": 1, "unit_price_minor": 100}
        golden = [{"basket": {"lines": [line]}, "payable_minor": 100}]
        return json.dumps({"currency": "CNY", "rules": rules, "golden": golden})

    assert len(author_pack(authored(MAX_EFFECTS)).rules) == MAX_EFFECTS
    with pytest.raises(OfficeError, match=f"rules: one article could meet {MAX_EFFECTS + 1} effects"):
        author_pack(authored(MAX_EFFECTS + 1))


def test_a_pack_with_an_unknown_field_is_not_signed() -> None:
    with pytest.raises(ContractError) as raised:
        author_pack(PACK.replace('"currency"', '"curency"'))
    assert raised.value.reason is Reason.UNKNOWN_FIELD


def test_a_document_says_for_whom_it_is_and_until_when_it_may_be_accepted(hq: HeadOffice) -> None:
    sealed = hq.look(lambda connection: sealed_bytes(connection, DocumentKind.PACK, hq.ref.digest))
    assert sealed is not None
    document = open_document(sealed, keyring(hq.desk.signer.public)).document
    assert (document.tenant, document.shop, document.version, document.issued_ms) == (TENANT, None, 1, NOW_MS)
    assert document.accept_until_ms == NOW_MS + 366 * DAY_MS


def test_a_document_for_one_shop_counts_on_from_the_tenant_s(hq: HeadOffice) -> None:
    with writing(hq.engine) as connection:
        first = sign(connection, hq.desk, DocumentKind.MEMBERS, b"all", NOW_MS)
        second = sign(connection, hq.desk, DocumentKind.MEMBERS, b"all", NOW_MS, shop="shop-a")
    assert (first.version, second.version) == (1, 2)


def test_the_members_document_knows_cards_and_the_points_of_this_moment(hq: HeadOffice) -> None:
    till = hq.enrolled()
    hq.offer(till, till.sell(hq.sale(till)))
    (record,) = hq.look(member_records)
    assert (record.member, record.tier, record.cards, record.points) == (
        "m1",
        "gold",
        (bytes.fromhex("04a1b2c3"),),
        221,
    )


def test_a_pin_that_did_not_change_keeps_its_verifier_and_one_that_did_gets_another(hq: HeadOffice) -> None:
    rows = [CashierRow("01", "收银一", "1234"), CashierRow("02", "收银二", "2468")]
    with writing(hq.engine) as connection:
        replace_cashiers(connection, rows)
        before = cashiers_content(connection)
        replace_cashiers(connection, rows)
        assert cashiers_content(connection) == before
        replace_cashiers(connection, [rows[0], CashierRow("02", "收银二", "1357")])
        assert cashiers_content(connection) != before


def test_a_verifier_knows_its_pin_and_no_other_and_two_of_one_pin_differ() -> None:
    verifier = make_verifier("1234")
    assert is_pin("1234", verifier)
    assert not is_pin("1235", verifier)
    assert make_verifier("1234").tag != verifier.tag


def test_a_member_s_code_is_believed_without_asking(hq: HeadOffice) -> None:
    terms = CredentialTerms(21_000)
    text = qr_text(hq.look(lambda connection: issue_credential(connection, hq.desk.signer, TENANT, "m1", terms)))
    found = open_credential(read_credential_text(text), keyring(hq.desk.signer.public))
    assert (found.tenant, found.member, found.tier, found.valid_until_day) == (TENANT, "m1", "gold", 21_000)


def test_no_code_for_nobody_and_none_with_more_tags_than_it_holds(hq: HeadOffice) -> None:
    many = MemberRow("m2", "会员二", "gold", tuple(f"tag-{number}" for number in range(9)), (), None)
    with writing(hq.engine) as connection:
        replace_members(connection, (GOLD, many))
        for member in ("m2", "m9"):
            with pytest.raises(OfficeError, match=member):
                issue_credential(connection, hq.desk.signer, TENANT, member, CredentialTerms(21_000))
