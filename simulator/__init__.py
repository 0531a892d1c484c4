"""A virtual counter: peers that speak the real wire protocols, for people without hardware and for tests.

Here belongs what a device would put on its cable, good bytes and bad ones, and the hand that taps a card or
pulls a plug. What the till makes of it does not belong here: nothing of the agent, of head office or of the
rules is imported. The demo and the tests come in; the agent meets these peers only at ports and sockets, as
it meets the real ones.
"""
