"""
What is known of a store, as lines: what they say, and what of them is copied.

Names and texts in them may be anything: whoever shows them makes them safe to show.
"""

from __future__ import annotations

from typing import TypeAlias, final

import attrs

from atomic_store.journal.stock import SegmentStock


@final
@attrs.frozen
class Title:
    """What the lines below it are about."""

    text: str
    look: str = "key"


@final
@attrs.frozen
class Fact:
    """Something, and what it is."""

    label: str
    value: str
    look: str = ""
    """One of a list's looks."""
    copied: str = ""
    """What is copied instead of the value; empty: the value."""


@final
@attrs.frozen
class SegmentFact:
    """A segment, in a table of such."""

    segment: SegmentStock


@final
@attrs.frozen
class SegmentTitle:
    """What stands above that table."""


Item: TypeAlias = Title | Fact | SegmentFact | SegmentTitle | None
"""A line; None: an empty one."""


def copied_of(item: Item) -> str:
    """Give what is copied of a line; empty if there is nothing to copy."""
    match item:
        case Fact():
            return item.copied or item.value
        case SegmentFact():
            return item.segment.name
        case _:
            return ""
