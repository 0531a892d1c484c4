"""What terminal and head office agree on, as pure values and pure functions.

Here live money and ids, topics, the signed envelope, the journal entry and its hash chain, HQ's signed documents,
member credentials and the refusal codes; nothing else in the house spells a topic or a wire field. What does not
belong: clocks, files, networks, databases, randomness, threads, logs, and any idea of what a customer owes (that is
``rules``). Everybody may come in; ``contract`` itself imports no other room.
"""
