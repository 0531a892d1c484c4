"""Who owes whom for stored value that was topped up in one shop and spent in another: pure.

Here belongs what follows from signed entries and the shops' terms alone: the movements of one entry, the postings they
make, a report over any number of entries, and the hash of a tree over their digests. What does not belong: a database,
a clock, and which entries a period holds (``hq.periods``). Everyone in ``hq`` may come in; these modules import only
``contract``, ``rules`` and each other.

The words: members' money lies in the *pool*. A shop that takes a top-up pays it to the pool; the pool pays the
principal of what is spent to the shop where it was spent. Bonus money comes from nobody's purse when it is issued; when
it is spent, those who bear it pay the shop where it was spent. ``office`` is head office itself, as a shop.
"""
