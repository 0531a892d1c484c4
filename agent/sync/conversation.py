"""Uplink and downlink as one: the single door through which the till talks with head office."""

from collections.abc import Callable

from agent.clock import Stamp
from agent.offline_store.faults import StoreError
from agent.sync.downlink import Downlink, Fetching
from agent.sync.effects import Effect, Event, Listed, ListingWanted, MessageRefused, StoreFailed
from agent.sync.facts import MessageArrived
from agent.sync.parties import JournalView, Pace, Parties
from agent.sync.uplink import Standing, Uplink
from contract import topics
from contract.errors import ContractError, Reason


class Conversation:
    """Steps both machines. Raises nothing, whatever arrives."""

    def __init__(self, parties: Parties, journal: JournalView, pace: Pace | None = None) -> None:
        self._parties = parties
        self._uplink = Uplink(parties, journal, pace or Pace())
        self._downlink = Downlink(parties, journal, pace or Pace())

    @property
    def standing(self) -> Standing:
        """How the conversation stands; head office is reached where it is TALKING."""
        return self._uplink.standing

    @property
    def fetching(self) -> Fetching | None:
        """The document on its way, if any."""
        return self._downlink.fetching

    def step(self, event: Event, now: Stamp) -> list[Effect]:
        """Take a fact of the link, a tick, or news of the till, at the time ``now``; return what is to be done."""
        if isinstance(event, MessageArrived):
            refusal = self._misdirected(event.topic)
            if refusal is not None:
                return [refusal]
        effects: list[Effect] = []
        for effect in self._guarded(self._uplink.step, event, now):
            # What a welcome lists is the downlink's business, not the till's.
            effects += self._fetch(effect, now) if isinstance(effect, Listed) else [effect]
        return effects + self._fetch(event, now)

    def _fetch(self, event: Event, now: Stamp) -> list[Effect]:
        """Step the downlink; what it lacks the uplink asks for."""
        found = self._guarded(self._downlink.step, event, now)
        effects: list[Effect] = [effect for effect in found if not isinstance(effect, ListingWanted)]
        wanted = [effect.progress for effect in found if isinstance(effect, ListingWanted)]
        if wanted:
            effects += self._guarded(lambda _event, at: self._uplink.ask_listing(any(wanted), at), event, now)
        return effects

    def _misdirected(self, topic: str) -> MessageRefused | None:
        try:
            address, _kind = topics.read_down(topic)
        except ContractError as error:
            return MessageRefused(topic[:120], error.reason.value)
        return None if address == self._parties.address else MessageRefused(topic, Reason.FOREIGN_ORIGIN.value)

    @staticmethod
    def _guarded(step: Callable[[Event, Stamp], list[Effect]], event: Event, now: Stamp) -> list[Effect]:
        try:
            return step(event, now)
        except StoreError as error:
            # What was to be said is lost and said again when its time is up, as if the network had lost it.
            return [StoreFailed(error.cause.value, error.detail, error.in_the_file)]
