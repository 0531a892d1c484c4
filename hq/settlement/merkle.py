"""The hash of a tree over leaves in order, as RFC 6962 section 2.1 defines it: no leaf can pass for a node, because a
leaf is hashed behind the byte 0 and a node behind the byte 1.
"""

import hashlib

EMPTY_ROOT = hashlib.sha256().digest()
"""The root of a tree without leaves (RFC 6962 section 2.1)."""


class Tree:
    """Takes leaves one after the other and knows the root over all of them; it keeps one hash for each bit of their
    number.
    """

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []
        """The roots of the full subtrees, the largest first: one for each bit set in ``size``."""

    def add(self, leaf: bytes) -> None:
        """Take the next leaf."""
        grown = hashlib.sha256(b"\x00" + leaf).digest()
        rest = self.size
        while rest & 1:
            grown = _node(self._peaks.pop(), grown)
            rest >>= 1
        self._peaks.append(grown)
        self.size += 1

    def root(self) -> bytes:
        """The root over the leaves taken so far."""
        if not self._peaks:
            return EMPTY_ROOT
        found = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            found = _node(peak, found)
        return found


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
