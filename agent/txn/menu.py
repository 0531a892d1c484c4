"""The menu: what a small keypad has no key for, as a numbered list. A digit does what the key of that name does."""

from __future__ import annotations

from agent.txn.answers import Step, move, refuse
from agent.txn.book import Book
from agent.txn.events import Input, KeyDown
from agent.txn.selling import selling_step
from agent.txn.state import MENU, Menu, TillState
from contract.refusals import RefusalCode

_BY_NUMBER = {str(place): name for place, name in enumerate(MENU, 1)}


def menu_step(state: TillState, scene: Menu, event: Input, book: Book) -> Step:
    """Do what the digit stands for where the menu was opened; anything else leaves the menu."""
    match event:
        case KeyDown(key="clear" | "cancel" | "menu"):
            return move(state, scene.behind)
        case KeyDown(key=key) if key in _BY_NUMBER:
            behind = move(state, scene.behind)[0]
            return selling_step(behind, scene.behind, KeyDown(_BY_NUMBER[key]), book)
        case KeyDown():
            return refuse(state, RefusalCode.KEY_NOT_NOW)
    return selling_step(move(state, scene.behind)[0], scene.behind, event, book)
