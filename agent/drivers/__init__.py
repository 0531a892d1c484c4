"""Bytes, ports and time-outs: one file for each capability and technology.

Here belongs what knows how a device speaks; the only place on the terminal that imports device libraries, and
only on first use, so that a till without a reader starts. Members, money and screens do not belong here: a
driver tells plain facts (facts.py) and takes plain orders. The till and main come in; drivers import nothing
of the agent but its leaves.
"""
