"""The command line: one entry point, one module per command group.

Each module parses its arguments, calls one room, and prints what came of it; it decides nothing itself. What does not
belong: anything that would be missed if somebody called the rooms from their own program. Nobody imports this room;
it may import every other.
"""
