"""The terminal: everything that runs beside the cashier.

Here belongs what a till does by itself, with or without a network: its loop, its devices, its store, its
screen, its uplink. What a customer owes (rules), what travels on the wire (contract) and anything head office
decides (hq) does not. The command line and the demo may come in; nobody else does, least of all the
simulator, which is met at ports and sockets.
"""
