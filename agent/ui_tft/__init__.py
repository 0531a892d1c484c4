"""What a person sees on the till's 480 x 320 glass: words, where they stand, and the pixels of them.

Here belongs ``compose`` (state and status to a screen, pure), the one table of phrases in Chinese and English, and the
painting of a screen into an image. What does not belong: what a key does (``txn``), how a device is doing (the till
says that in a ``StatusBar``), and how pictures reach a panel (``drivers``). The till may come in; ``ui_tft`` itself
looks down to ``txn``.
"""
