"""Filters as they are used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import final

import attrs

from ..errors import FilterError
from ..journal.record import StoredRecord
from .bounds import Bounds, bounds_of
from .inward import inward
from .limits import TEXT_BYTES_MAX
from .matching import Opened, test_of
from .needles import Needles, needles_of
from .parser import node_of
from .writing import written


@final
@attrs.frozen(repr=False)
class Filter:
    """
    Which records are meant; `parse_filter` makes it.

    Immutable, and good for any number of records. Two are equal if their texts are.
    """

    text: str
    """
    What it says, in one fixed way of writing, from which it can be parsed again.

    Times that were given as so long ago are written as what they were then.
    """
    needles: Needles = attrs.field(eq=False)
    """
    What the line of a record that matches must hold: one of each inner tuple's byte strings.

    A line that lacks all of one tuple can be skipped before it is parsed. An empty tuple
    helps nothing. It is assumed that the record was written by this library: that
    `jsonvalue.encode` made its data, metadata and meta.
    """
    bounds: Bounds = attrs.field(eq=False)
    """Where records that match can be; there may be others, too."""
    _test: Callable[[Opened], bool] = attrs.field(eq=False)

    def matches(self, record: StoredRecord) -> bool:
        """
        Tell whether a record is meant.

        Data and metadata are decoded at most once, and only if it depends on them.

        Raises:
          InvalidEvent: what had to be decoded is not JSON text.
        """
        return self._test(Opened(record))

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Filter {self.text!r}>"


def parse(text: str, *, now: datetime) -> Filter:
    """
    Read a filter's text; an empty one matches every record.

    Args:
      text: see docs/filters.md.
      now: the time, with a zone: what ``at > -2h`` is counted from.

    Raises:
      FilterError: the text is no filter; it says where, and what should stand there.
      ValueError: `now` has no zone.
    """
    if now.utcoffset() is None:
        raise ValueError(f"now: expected a time with a zone, found {now}")
    node = node_of(text, now)
    canonical = written(node)
    if len(canonical.encode()) > TEXT_BYTES_MAX:
        expected = f"at most {TEXT_BYTES_MAX} bytes when written in full"
        raise FilterError(text, len(text), expected, "more")
    simple = inward(node)
    return Filter(canonical, needles_of(simple), bounds_of(simple), test_of(node))
