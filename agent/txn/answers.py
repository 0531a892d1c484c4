"""The two ways a step answers a person at once: a polite no, and a nod."""

from __future__ import annotations

from dataclasses import replace

from agent.txn.effects import Effect, Sound, SoundName
from agent.txn.state import Notice, Scene, SlipTaken, TillState
from contract.refusals import Refusal, RefusalCode

Step = tuple[TillState, tuple[Effect, ...]]
"""What a step returns: where the till stands now, and what must follow."""


def refuse(state: TillState, refusal: Refusal | RefusalCode, scene: Scene | None = None) -> Step:
    """Say no, with the refusal's sound; everything else stays as it was, but for the scene where one is given."""
    said = refusal if isinstance(refusal, Refusal) else Refusal(refusal)
    return replace(state, refusal=said, notice=None, scene=scene or state.scene), (Sound(SoundName.REFUSED),)


def move(state: TillState, scene: Scene, notice: Notice | SlipTaken | None = None) -> Step:
    """Go on, without a sound."""
    return replace(state, scene=scene, notice=notice), ()


def nod(state: TillState, scene: Scene, notice: Notice | SlipTaken | None = None) -> Step:
    """Go on, with a sound that says the card, code or key was understood."""
    return replace(state, scene=scene, notice=notice), (Sound(SoundName.ATTENTION),)
