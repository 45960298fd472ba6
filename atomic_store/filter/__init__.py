"""
Which records are meant: the language of `where`, the same everywhere.

In this room: `parse`, which reads a filter's text, and what it gives, a `Filter`, which
tells whether a record is meant, what bytes such a record's line must hold, and where an
index need only look. All of it is pure. docs/filters.md describes the language.
"""

from __future__ import annotations

from .bounds import Bounds
from .filter import Filter, parse
from .limits import BRACKETS_MAX, TERMS_MAX, TEXT_BYTES_MAX
from .spans import Span

__all__ = [
    "BRACKETS_MAX",
    "TERMS_MAX",
    "TEXT_BYTES_MAX",
    "Bounds",
    "Filter",
    "Span",
    "parse",
]
