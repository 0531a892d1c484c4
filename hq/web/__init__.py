"""The door for web shops: reserve, capture and release of members' value over HTTP, in a process of its own.

What belongs here is how a request is let in, read and answered, and in which words it is refused. What does not belong:
what a reservation means (``hq.holds``), and anything a till does. Only ``tapledger hq web`` and the tests come in.
"""
