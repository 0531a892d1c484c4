"""What stands beside the basket: time metering, tiers, growth of points, lots of points, bonuses in instalments, draws
from leases.

Here belongs what a member's own history comes to, as small pure functions over records: days are integers since
1970-01-01 in the shop's own reckoning, money is minor units, points are integers. What does not belong: the price of
a basket and how rules meet (``rules``), where a balance or a session is kept (``agent.offline_store``, ``hq``), and
the words on glass or paper. Everyone above ``rules`` and the rest of ``rules`` may come in; these modules import only
``contract`` and each other.
"""
