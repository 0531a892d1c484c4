"""What a pack does to a basket: compiled, matched, met, priced, judged.

One code path prices at the till, re-prices at head office and explains; the verdict of a rule is what that path found.
What does not belong: how a pack is written or travels (``rules.grammar``, ``rules.authoring``), and words for people
(``rules.explain``). ``price`` and ``compiled`` are the doors; the rest is private to the room.
"""
