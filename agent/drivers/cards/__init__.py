"""What is said to each kind of card: procedures over a link that carries bytes, whichever reader is behind it.

Here belongs what a card's data sheet or standard says: which bytes ask what, and what its answers can mean. Readers,
ports, processes and time do not belong here, nor does a key: those come from a token (keys.py says what is asked of
it). Every answer is hostile: bounded, checked, and refused by CardError. Readers come in.
"""
