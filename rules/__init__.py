"""What a customer owes and earns, as one pure integer function with the explanation of each step.

The very same package prices at the till, re-prices at HQ and simulates a campaign, so nothing here may know a clock,
a file, a network, a database, randomness, a thread or a log; time and everything else is handed in. What does not
belong: how a pack travels or is signed (``contract``), how a price is shown (``agent.ui_tft``), and any account's
balance (``hq``). Everyone above may come in; ``rules`` imports only ``contract``.
"""
