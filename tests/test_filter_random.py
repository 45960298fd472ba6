"""Random filters on random records: what they mean, how they are written, what they promise."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from atomic_store import Filter, parse_filter
from atomic_store.filter import Bounds, Span
from atomic_store.journal.line import record_body, with_crc
from atomic_store.journal.record import StoredRecord
from filters import NOW, Tree, means, records, text_of, trees

pytestmark = pytest.mark.no_cover
"""It goes again and again through what other tests have covered."""


def read(tree: Tree, chance: random.Random) -> Filter:
    return parse_filter(text_of(tree, chance), now=NOW)


@settings(max_examples=400)
@given(trees, st.lists(records, min_size=1, max_size=5), st.randoms())
def test_a_filter_means_what_it_says(
    tree: Tree, some: list[StoredRecord], chance: random.Random
) -> None:
    """A filter, and what it is written as, match the records that a naive reader would choose."""
    filter_ = read(tree, chance)
    again = parse_filter(filter_.text, now=NOW.replace(year=2020))

    for record in some:
        expected = means(tree, record)
        event(f"matches: {expected}")
        assert expected == filter_.matches(record)
        assert expected == again.matches(record)


@settings(max_examples=200)
@given(trees, st.randoms())
def test_what_is_written_is_the_same_filter(tree: Tree, chance: random.Random) -> None:
    """Parsing a filter's text gives an equal filter with the same text, needles and bounds."""
    filter_ = read(tree, chance)
    again = parse_filter(str(filter_), now=NOW.replace(year=2020))

    assert filter_ == again
    assert hash(filter_) == hash(again)
    assert filter_.text == again.text
    assert filter_.needles == again.needles
    assert filter_.bounds == again.bounds


@settings(max_examples=400)
@given(trees, st.lists(records, min_size=1, max_size=5), st.randoms())
def test_no_match_is_skipped(tree: Tree, some: list[StoredRecord], chance: random.Random) -> None:
    """A record that matches has a needle of each clause in its line, and is within the bounds."""
    filter_ = read(tree, chance)

    for record in some:
        if filter_.matches(record):
            line = with_crc(record_body(record))
            assert [] == [c for c in filter_.needles if not any(needle in line for needle in c)]
            assert [] == outside(filter_.bounds, record)


def outside(bounds: Bounds, record: StoredRecord) -> list[str]:
    """The bounds that a record is not within."""
    metadata = values_of(record)
    within = {
        "scopes": bounds.scopes is None or record.scope in bounds.scopes,
        "scope_prefixes": bounds.scope_prefixes is None
        or record.scope.startswith(tuple(bounds.scope_prefixes)),
        "ids": bounds.ids is None or record.id in bounds.ids,
        "correlations": bounds.correlations is None or bool(bounds.correlations & metadata),
        "positions": is_in(bounds.positions, record.position),
        "sequences": is_in(bounds.sequences, record.sequence),
        "times": is_in(bounds.times, record.at),
        "matches_nothing": not bounds.matches_nothing,
    }
    return [name for name, is_within in within.items() if not is_within]


def is_in(span: Span[int] | Span[str], value: int | str) -> bool:
    """Whether a value is in a span."""
    first, last = span.first, span.last
    return (first is None or first <= value) and (last is None or value <= last)  # type: ignore[operator]  # of one type


def values_of(record: StoredRecord) -> set[str]:
    """The texts by which a record is tied to others."""
    metadata = json.loads(record.metadata or b"{}")
    tied = (metadata.get(name) for name in ("correlation", "causation"))
    return {text for text in tied if isinstance(text, str)}
