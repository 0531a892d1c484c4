"""What survives a power cut: the journal, what head office has acknowledged, the documents and what they hold.

Here belong rows, transactions, disk errors, and the encryption of what lies on the terminal. What does not: what a
sale must contain (``txn`` and ``rules``), how entries travel (``sync``), and any thought about devices. The till comes
in through :class:`agent.offline_store.store.Store`; a technician's command through ``verify``.
"""
