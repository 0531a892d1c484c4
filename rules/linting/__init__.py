"""Static checks of a pack: rules that can never apply, get in each other's way, sell below a floor or cost without end.

Each finding is shown by a basket that was priced. What does not belong: refusing a pack that makes no sense
(``rules.references``), and how findings are printed. Everyone above ``rules`` may come in.
"""
