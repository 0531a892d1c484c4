"""A paper once more: the newest ones to choose from, whatever they are of."""

from __future__ import annotations

from dataclasses import replace

from agent.txn.answers import Step, move, nod, refuse
from agent.txn.book import Book
from agent.txn.effects import Print, Sound, SoundName
from agent.txn.events import Input, KeyDown
from agent.txn.receipt import receipt_of
from agent.txn.sold import recalled
from agent.txn.state import MOST_CHOICES, Done, Notice, Reprinting, Selling, TillState
from contract.refusals import RefusalCode


def reprint_asked(state: TillState, scene: Selling, book: Book) -> Step:
    """Show the newest papers, between baskets. A value slip is not among them: it is good for whoever shows it first,
    and only the cashier who let it out knows that it never came.
    """
    if scene.basket is not None or scene.keyed or scene.phone_entry:
        return refuse(state, RefusalCode.KEY_NOT_NOW)
    found = (recalled(entry, book) for entry in book.last_papers(MOST_CHOICES))
    papers = tuple(done for done in found if done is not None)
    return nod(state, Reprinting(papers)) if papers else refuse(state, RefusalCode.NOTHING_TO_REPRINT)


def reprinting_step(state: TillState, scene: Reprinting, event: Input, book: Book) -> Step:
    """Print the paper of that number, marked 补打; ``reprint`` again or ``enter`` prints the newest."""
    match event:
        case KeyDown(key="reprint" | "enter"):
            return _printed(state, scene.papers[0], book)
        case KeyDown(key=key) if key in [*"123456789"[: len(scene.papers)]]:
            return _printed(state, scene.papers[int(key) - 1], book)
        case KeyDown(key="clear" | "cancel"):
            return move(state, Selling())
    return refuse(state, RefusalCode.KEY_NOT_NOW)


def _printed(state: TillState, done: Done, book: Book) -> Step:
    header = done.entry.header
    paper = receipt_of(done, book.shop_name(), reprint=True)
    said = replace(state, scene=Selling(), notice=Notice.RECEIPT_AGAIN)
    return said, (Sound(SoundName.ATTENTION), Print(header.seq, paper, header.epoch))
