"""Hits of a search in both directions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.hits import HitListing
from inspector.model.kept_records import KeptRecords
from inspector.model.listing import BySearch, Grown
from inspector_records import record_at


def positions(listing: HitListing) -> list[int]:
    """All hits, as they are listed."""
    return [listing.position(index) for index in range(listing.count)]


def found(listing: HitListing, *at: int) -> Grown:
    """Hits that a search has found, in this order."""
    return listing.take([record_at(position) for position in at])


def test_hits_come_from_both_sides() -> None:
    """Whatever the order in which they are found, they are listed by position."""
    listing = HitListing()

    assert Grown(behind=2) == found(listing, 50, 60)
    assert Grown(before=2) == found(listing, 40, 30)
    assert Grown(before=1, behind=1) == found(listing, 70, 20)
    assert [20, 30, 40, 50, 60, 70] == positions(listing)


def test_a_place_is_kept_by_its_position() -> None:
    """When more is found above, a hit has another index; its position tells which."""
    listing = HitListing()
    found(listing, 50, 60)
    assert 1 == listing.index_at(60)
    found(listing, 40, 30)

    assert 3 == listing.index_at(60)
    assert 3 == listing.index_of(record_at(60))
    assert listing.index_of(record_at(55)) is None
    assert [0, 3, 3] == [listing.index_at(position) for position in (1, 55, 99)]
    assert 0 == HitListing().index_at(5)


def test_known_hits_are_not_listed_twice() -> None:
    """A search that goes over a place again finds nothing new there."""
    listing = HitListing()
    found(listing, 5, 6, 4)

    assert Grown() == found(listing, 4, 5, 6)
    assert 3 == listing.count


def test_what_was_dropped_is_searched_for_again() -> None:
    """Between the positions of a page around what is missing."""
    listing = HitListing(kept=KeptRecords(records_max=10))
    found(listing, *range(10, 3_000, 10))

    (fetch,) = listing.wants(120, 130)
    assert BySearch(1_010, 2_000) == fetch
    listing.take([record_at(p) for p in range(1_010, 2_001, 10)], fetch)
    assert [] == listing.wants(120, 130)
    record = listing.record(125)
    assert record is not None
    assert 1_260 == record.position


def test_what_is_not_found_again_is_not_asked_for_again() -> None:
    """The store may have been damaged since."""
    listing = HitListing(kept=KeptRecords(records_max=1))
    found(listing, 1, 2, 3)
    (fetch,) = listing.wants(0, 2)
    listing.take([record_at(1)], fetch)

    assert [] == listing.wants(0, 2)
    assert listing.record(1) is None


def test_it_is_full_some_day() -> None:
    """A filter that matches everything does not fill the memory."""
    listing = HitListing(hits_max=3)
    found(listing, 1, 2, 3, 4, 5)

    assert listing.is_full
    assert [1, 2, 3] == positions(listing)
    found(listing, 3)
    assert record_at(3) == listing.record(2)


def test_there_is_no_hit_elsewhere() -> None:
    """An index that is none is refused, as lists do; a row that is none is empty."""
    listing = HitListing()
    found(listing, 1)

    with pytest.raises(IndexError):
        listing.position(1)
    assert listing.record(1) is None
    assert listing.record(-1) is None


@given(st.lists(st.integers(1, 60)))
def test_any_order_will_do(order: list[int]) -> None:
    """The list is what a sorted set would be, and says truly how much came on each side."""
    listing = HitListing()
    for position in order:
        before, others = listing.count, positions(listing)
        grown = found(listing, position)

        assert listing.count - before == grown.before + grown.behind
        assert sorted({*others, position}) == positions(listing)
        assert position == listing.position(listing.index_at(position))
