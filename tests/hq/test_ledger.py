"""Whatever tills send, in whatever order and however often, the ledger sums to zero in every unit and each sale counts
once.
"""

import tempfile
from dataclasses import dataclass
from functools import partial

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.topics import Up
from hq import books, ledger
from tests.hq.tills import A1, B1, GOLD_AT_TILL, HeadOffice, Till, head_office, spoiled


@dataclass(frozen=True)
class Deed:
    """One thing a till does: sell for an amount, to the gold member or not, or send a range of its journal so often."""

    till: int
    kind: str
    amount_minor: int
    member: bool
    start: int
    length: int
    bit: int


DEEDS = st.lists(
    st.builds(
        Deed,
        till=st.integers(0, 1),
        kind=st.sampled_from(["sell", "sell", "send", "send", "spoil", "garbage"]),
        amount_minor=st.integers(1, 99_999_999),
        member=st.booleans(),
        start=st.integers(0, 5),
        length=st.integers(1, 6),
        bit=st.integers(0, 600),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DEEDS)
def test_the_ledger_sums_to_zero_whatever_is_sent(deeds: list[Deed]) -> None:
    with tempfile.TemporaryDirectory() as folder, head_office(f"sqlite:///{folder}/hq.db") as hq:
        tills = [hq.enrolled(A1), hq.enrolled(B1)]
        for deed in deeds:
            till = tills[deed.till]
            if deed.kind == "sell":
                till.sell(hq.sale(till, deed.amount_minor, GOLD_AT_TILL if deed.member else None))
            elif deed.kind == "garbage":
                hq.send(till, Up.BATCH, deed.amount_minor.to_bytes(8, "big") * deed.length)
            else:
                send(hq, till, deed)
            assert set(hq.look(books.ledger_sums).values()) <= {0}
        for till in tills:
            if till.entries:
                assert hq.offer(till, *till.entries).upto_seq == len(till.entries)
            report = hq.look(partial(books.verify_chain, address=till.address, epoch=1))
            assert report == books.ChainReport(len(till.entries), "")
        sold = sum(line.payable_minor for line in hq.look(books.sale_lines))
        cash = sum(line.balance for line in hq.look(books.trial_balance) if line.account.endswith("/cash"))
        assert (len(hq.look(books.sale_lines)), cash) == (sum(len(till.entries) for till in tills), sold)
        assert set(hq.look(books.ledger_sums).values()) <= {0}
        assert hq.look(ledger.differences) == ()


def send(hq: HeadOffice, till: Till, deed: Deed) -> None:
    chosen = till.entries[deed.start : deed.start + deed.length]
    if not chosen:
        return
    parts = [entry.sealed for entry in chosen]
    if deed.kind == "spoil":
        parts[-1] = spoiled(parts[-1], deed.bit % len(parts[-1]))
    hq.send(till, Up.BATCH, till.batch(*parts, first_seq=chosen[0].header.seq))
