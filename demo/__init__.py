"""Both sides and a virtual counter, started together on one machine for people to see.

Here belong starting and stopping the real parts (broker, head office, agent, simulated devices), the page that shows
them, and the story that plays and checks them. What does not belong: any rule, protocol or device of its own; the
demo has no side door into the till. Only ``tapledger`` and the tests come in.
"""
