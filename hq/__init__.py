"""Head office: what happened at every till, what it means in accounts, and what tills are told.

Ingest and judgement of journals, the ledger, members, and the making, signing and announcing of documents belong here,
and the database behind them. What does not belong: what a customer owes (that is ``rules``, which runs here unchanged),
wire forms and topics (``contract``), and any terminal's own state. The command line, the demo and the tests come in.
"""
