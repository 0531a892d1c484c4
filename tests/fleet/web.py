"""A web shop beside the terminals: members pay money in there and spend, from what head office has not lent.

It asks as clients ask that were not answered in time: the same thing again under the same key.
"""

from collections.abc import Callable

from sqlalchemy import Connection

from contract.value import Asset
from hq.db import Turn, writing
from hq.grants import pay_in
from hq.holds import Asked, Hold, capture, release, reserve
from tests.fleet.members import Town
from tests.fleet.office import Office
from tests.fleet.premises import MEMBERS, OfficeCut

CLIENT = "web"


class WebShop:
    """Somebody comes every few seconds until the shops close."""

    def __init__(self, office: Office, town: Town, pace_ms: int) -> None:
        self.office = office
        self.world = office.world
        self.town = town
        self._pace_ms = pace_ms
        self._keys = 0

    def begin(self) -> None:
        """Open."""
        self.world.after(self.world.chance.randrange(self._pace_ms), self._work)

    def _work(self) -> None:
        if self.world.now_ms >= self.town.closing_ms:
            return
        member = self.world.chance.choice(MEMBERS).member
        if self.world.often(0.25):
            self._pay_in(member)
        else:
            self._spend(member)
        self.world.after(self.world.chance.randrange(self._pace_ms // 2, 2 * self._pace_ms), self._work)

    def _pay_in(self, member: str) -> None:
        amount, transaction = self.world.chance.choice((2_000, 20_000)), self.world.bytes(16)
        desk, now_ms = self.office.premises.desk, self.world.now_ms
        for _ in range(self._times()):
            self._ask(lambda connection: pay_in(connection, desk, member, amount, amount // 10, transaction, now_ms))
        self.world.tell("web", f"{member} pays in {amount}+{amount // 10}")

    def _spend(self, member: str) -> None:
        """Reserve, and later take a part of it, or let go."""
        chance = self.world.chance
        self._keys += 1
        amount = chance.randrange(1, 12_000)
        asked = Asked(CLIENT, f"key-{self._keys}", member, Asset.STORED, amount, chance.choice((10, 60)))
        found: Hold | object = None
        for _ in range(self._times()):
            found = self._ask(lambda connection: reserve(connection, asked, self.world.now_ms))
        if not isinstance(found, Hold):
            return
        self.world.tell("web", f"{amount} of {member} are reserved")
        taken = chance.choice((amount, amount, chance.randrange(1, amount + 1), 0))
        for _ in range(self._times()):
            self.world.after(chance.randrange(200, 20_000), lambda: self._settle(asked, taken))

    def _settle(self, asked: Asked, taken: int) -> None:
        desk, now_ms = self.office.premises.desk, self.world.now_ms
        if taken:
            found = self._ask(lambda connection: capture(connection, desk, CLIENT, asked.hold, taken, now_ms))
        else:
            found = self._ask(lambda connection: release(connection, CLIENT, asked.hold, now_ms))
        self.world.tell("web", f"{taken} of {asked.member}: {found.state if isinstance(found, Hold) else found}")

    def _ask(self, question: Callable[[Connection], object]) -> object:
        """Let head office's web process answer, as far as it lives."""
        self.office.changed = True
        try:
            with writing(self.office.premises.engine, Turn.LENDING) as connection:
                return question(connection)
        except OfficeCut:
            self.world.tell("web", "! dies in the middle of it")
            self.office.premises.power.die(self.office.premises.engine)
            return None

    def _times(self) -> int:
        return self.world.chance.choice((1, 1, 2))
