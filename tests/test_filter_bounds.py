"""Where an index need only look for the records that a filter means."""

from __future__ import annotations

from typing import Any

import pytest

from atomic_store import parse_filter
from atomic_store.filter import Bounds, Span
from filters import NOW

NOON = "2026-11-23T12:00:00.000000Z"
DAY = ("2026-11-23T00:00:00.000000Z", "2026-11-23T23:59:59.999999Z")
NOTHING = {"scopes": {}, "ids": {}, "matches_nothing": True}


BOUNDS: list[tuple[str, dict[str, Any]]] = [
    ("", {}),
    # names
    ("scope = a", {"scopes": "a"}),
    ("scope in (a, b)", {"scopes": "ab"}),
    ("scope ^= a", {"scope_prefixes": "a"}),
    ("id = a", {"ids": "a"}),
    ("id in (a, b)", {"ids": "ab"}),
    ("metadata.correlation = a", {"correlations": "a"}),
    ("metadata.causation in (a, b)", {"correlations": "ab"}),
    # numbers
    ("position = 5", {"positions": Span(5, 5)}),
    ("position < 5", {"positions": Span(1, 4)}),
    ("position <= 5", {"positions": Span(1, 5)}),
    ("position > 5", {"positions": Span(6, None)}),
    ("position >= 5", {"positions": Span(5, None)}),
    ("position < 5.5", {"positions": Span(1, 5)}),
    ("position <= 5.5", {"positions": Span(1, 5)}),
    ("position > 5.5", {"positions": Span(6, None)}),
    ("position >= 5.5", {"positions": Span(6, None)}),
    ("position > -5", {"positions": Span(1, None)}),
    ("position in (9, 5.5, 3, 0)", {"positions": Span(3, 9)}),
    ("sequence >= 5", {"sequences": Span(5, None)}),
    ("sequence in (2, 4)", {"sequences": Span(2, 4)}),
    # times
    ("at = 2026-11-23T12:00Z", {"times": Span(NOON, NOON)}),
    ("at = 2026-11-23", {"times": Span(*DAY)}),
    ("at < 2026-11-23", {"times": Span(None, DAY[0])}),
    ("at <= 2026-11-23", {"times": Span(None, DAY[1])}),
    ("at > 2026-11-23", {"times": Span(DAY[1], None)}),
    ("at >= 2026-11-23", {"times": Span(DAY[0], None)}),
    ("at in (2026-11-23, 2026-11-23T12:00Z)", {"times": Span(*DAY)}),
    # what says nothing
    *[(text, {}) for text in (
        "scope", "scope != a", "scope ~ a", "scope > a", 'scope ^= ""', "id ^= a", "id != a",
        "type = Bid", "type in (Bid)", "position != 5", "at != 2026-11-23", '"a"', "data.a = a",
        "data.a in (a)", "metadata.x = a", "metadata.correlation", "metadata.correlation = 5",
        "metadata.correlation in (a, 5)", "metadata.correlation ^= a", "metadata.* = a",
        "not scope = a", "not scope in (a)", "not scope ^= a", "not metadata.correlation = a",
        'not "a"', "not scope",
    )],
    # nothing can match
    *[(text, NOTHING) for text in (
        "position < 1", "position = 5.5", "position in (0, 5.5)", "sequence <= 0.5",
        "position = -1", "scope = a scope = b", "scope = a scope ^= b", "scope ^= a scope ^= b",
        "id = a id = b", "position > 5 position < 5", "sequence > 5 sequence = 2",
        "at < 2026-11-23 at > 2026-11-23", "position < 1 or position = 0.5",
        "scope = a (scope = b or scope = c)", "position < 1 type = Bid",
    )],
    # and
    ("scope = a position > 5", {"scopes": "a", "positions": Span(6, None)}),
    ("scope in (a, b, c) scope in (b, c, d)", {"scopes": "bc"}),
    ('scope in (ab, b) scope ^= a', {"scopes": ["ab"]}),
    ('scope ^= ab scope ^= a', {"scope_prefixes": ["ab"]}),
    ("scope ^= a (scope ^= ab or scope ^= ac or scope = b)", {"scope_prefixes": ["ab", "ac"]}),
    ("position > 5 position <= 9", {"positions": Span(6, 9)}),
    ("at > 2026-11-22 at < 2026-11-24", {
        "times": Span("2026-11-22T23:59:59.999999Z", "2026-11-24T00:00:00.000000Z")}),
    # one may be the correlation, the other one the causation
    ("metadata.correlation in (a, b) metadata.causation = c", {"correlations": "c"}),
    ("metadata.correlation = a data.x", {"correlations": "a"}),
    # or
    ("scope = a or scope = b", {"scopes": "ab"}),
    ("scope = a or scope ^= b", {"scope_prefixes": "ab"}),
    ("scope = ab or scope ^= a", {"scope_prefixes": "a"}),
    ("scope ^= a or scope ^= b or scope = c", {"scope_prefixes": "abc"}),
    ("scope = a or position = 5", {}),
    ("scope = a id = x or scope = b id = y", {"scopes": "ab", "ids": "xy"}),
    ("position < 3 or position = 9", {"positions": Span(1, 9)}),
    ("position < 3 or position > 9", {"positions": Span(1, None)}),
    ("at < 2026-11-23 or at = 2026-11-23", {"times": Span(None, DAY[1])}),
    ("metadata.correlation = a or metadata.causation = b", {"correlations": "ab"}),
    ("metadata.correlation = a or type = Bid", {}),
    ("position < 1 or scope = a", {"scopes": "a"}),
    ("scope = a or position < 1", {"scopes": "a"}),
    # not
    ("not scope != a", {"scopes": "a"}),
    ("not position > 5", {"positions": Span(1, 5)}),
    ("not position >= 5", {"positions": Span(1, 4)}),
    ("not position < 5", {"positions": Span(5, None)}),
    ("not position <= 5", {"positions": Span(6, None)}),
    ("not at < 2026-11-23", {"times": Span(DAY[0], None)}),
    ("not (scope != a or position > 5)", {"scopes": "a", "positions": Span(1, 5)}),
    ("not (scope != a and scope != b)", {"scopes": "ab"}),
    ("not (data.x and not scope = a)", {}),
    ("not (data.x or not scope = a)", {"scopes": "a"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "parts"), BOUNDS)
def test_bounds(text: str, parts: dict[str, Any]) -> None:
    """The parts that say something are these; the others say nothing."""
    expected: dict[str, Any] = {
        name: part if isinstance(part, Span | bool) else frozenset(part)
        for name, part in parts.items()
    }

    assert Bounds(**expected) == parse_filter(text, now=NOW).bounds
