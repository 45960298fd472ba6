"""Why an index file can't be used. None of it harms the store: the segment has everything."""

from __future__ import annotations


class UnusableIndex(ValueError):
    """This file is no index for us; leave it, and read the segment."""


class IndexDamaged(UnusableIndex):
    """A page is not what was written there: make the file anew from the segment."""

    def __init__(self, name: str, page: int, reason: str) -> None:
        super().__init__(f"{name or 'index file'}: page {page}: {reason}")
        self.name = name
        """The file, as whoever reads it calls it."""
        self.page = page


class IndexFromFuture(UnusableIndex):
    """The file is whole, and of a format that this version does not know."""

    def __init__(self, name: str, format: int) -> None:  # noqa: A002 - the field's name
        super().__init__(f"{name or 'index file'}: format {format}")
        self.name = name
        self.format = format
