"""What the cashier did and what must follow: signing in, recognising a member, a sale, its receipt.

Here belongs a pure state machine, ``step(state, event, book) -> (state, effects)``, and everything a transaction knows:
which key means what, whom a card names, what goes into a journal entry, what stands on a receipt. What does not belong:
clocks, files, threads, devices, pixels and bytes on a wire; time, identities and lookups are handed in through a
``Book``. The till and the screen may come in; ``txn`` itself looks down to ``rules``, ``contract`` and ``agent.paper``.
"""
