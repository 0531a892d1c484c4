"""Figures, measured beside a limit or a peer in the same run, by commands that anyone can start: ``./dev bench
[NAME]``.

One module is one measurement; its docstring says what is measured, against what, and which mission rows it shows.
What does not belong: anything a test could assert, for a test never looks at a clock. Nobody imports this room; it
may import every other.
"""
