"""The one exception of this room for people: something asked of head office that it will not do."""


class OfficeError(Exception):
    """Something asked of head office cannot be done; the text says what is wrong and what to do, for its staff."""
