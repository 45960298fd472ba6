"""
Index files: where records lie, for one segment or a piece of it.

In this room: the pure codec of these files, from records to bytes and from bytes to
answers. They are derived: whatever is wrong with one, it is made anew from the segment.
"""

from __future__ import annotations

from .build import NO_SCOPES, IndexBuilder, build_index, merge_pieces
from .contents import NOT_SETTLED, Before, Entry, not_settled
from .ends import EndsTable, ScopeLast
from .errors import IndexDamaged, IndexFromFuture, UnusableIndex
from .layout import FORMAT, PAGE_BYTES, Facts, Header
from .memory import MemoryIndex
from .moments import to_microseconds, to_text
from .pages import ReadBytes
from .read import IndexReader, Span
from .time_grid import find_time

__all__ = [
    "FORMAT",
    "NOT_SETTLED",
    "NO_SCOPES",
    "PAGE_BYTES",
    "Before",
    "EndsTable",
    "Entry",
    "Facts",
    "Header",
    "IndexBuilder",
    "IndexDamaged",
    "IndexFromFuture",
    "IndexReader",
    "MemoryIndex",
    "ReadBytes",
    "ScopeLast",
    "Span",
    "UnusableIndex",
    "build_index",
    "find_time",
    "merge_pieces",
    "not_settled",
    "to_microseconds",
    "to_text",
]
