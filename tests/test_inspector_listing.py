"""Which record is at which index of a long list."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inspector.model.hits import HitListing
from inspector.model.kept_records import KeptRecords
from inspector.model.listing import (
    AllListing,
    ByPosition,
    BySequence,
    Grown,
    Listing,
    ScopeListing,
)
from inspector_records import record_at, records_at


def test_all_are_listings() -> None:
    """A list need not know which one it shows."""
    listings: list[Listing] = [AllListing(0), ScopeListing("lot-1", 0), HitListing()]

    assert [0, 0, 0] == [listing.count for listing in listings]
    assert [[], [], []] == [listing.wants(0, 50) for listing in listings]
    assert [None] * 3 == [listing.record(0) for listing in listings]


class TestAll:
    """All records of a store."""

    def test_pages_are_wanted(self) -> None:
        """Whole pages, since the next rows are mostly wanted next; one fetch for neighbours."""
        listing = AllListing(1_000)

        assert [ByPosition(101, 200)] == listing.wants(150, 170)
        assert [ByPosition(101, 300)] == listing.wants(190, 210)
        assert [ByPosition(1, 100)] == listing.wants(-20, 5)

    def test_the_last_page_ends_where_the_store_does(self) -> None:
        """Nothing is wanted that is not there."""
        assert [ByPosition(1_001, 1_005)] == AllListing(1_005).wants(990 + 10, 2_000)

    def test_what_is_there_is_not_wanted(self) -> None:
        """Of a page that is there in part, only the rest is."""
        listing = AllListing(150)
        listing.take(records_at(101, 150))
        assert [] == listing.wants(100, 149)

        listing.grow(180)
        assert [ByPosition(151, 180)] == listing.wants(100, 179)
        listing.take(records_at(31, 100))
        assert [ByPosition(1, 30)] == listing.wants(0, 99)

    def test_records_are_where_they_belong(self) -> None:
        """The one at position 7 is at index 6, once it was fetched."""
        listing = AllListing(10)
        assert listing.record(6) is None
        listing.take([record_at(7)])

        assert record_at(7) == listing.record(6)
        assert 6 == listing.index_of(record_at(7))
        assert listing.index_of(record_at(11)) is None

    def test_it_grows_at_the_end(self) -> None:
        """Records that come make it longer; those that are known do not."""
        listing = AllListing(10)

        assert Grown(behind=2) == listing.take(records_at(9, 12))
        assert Grown() == listing.take(records_at(9, 12))
        assert Grown(behind=3) == listing.grow(15)
        assert Grown() == listing.grow(3)
        assert 15 == listing.count

    def test_what_is_not_there_is_not_asked_for_again(self) -> None:
        """A damaged store gives less than it should; a list must not ask for ever."""
        listing = AllListing(100)
        (fetch,) = listing.wants(0, 99)
        listing.take(records_at(1, 50), fetch)

        assert [] == listing.wants(0, 99)
        assert listing.record(70) is None

    def test_growth_makes_it_ask_again(self) -> None:
        """What a reader did not have yet, it may have when there is more."""
        listing = AllListing(100)
        (fetch,) = listing.wants(0, 99)
        listing.take(records_at(1, 99), fetch)
        listing.take([record_at(101)])

        assert [ByPosition(100, 100)] == listing.wants(0, 99)

    def test_positions_are_found(self) -> None:
        """A jump to a position behind the last one ends at the last one."""
        listing = AllListing(10)

        assert [0, 4, 9] == [listing.index_at(position) for position in (0, 5, 99)]
        assert 0 == AllListing(0).index_at(5)

    @given(st.integers(1, 2_000), st.lists(st.integers(0, 2_100), max_size=8))
    def test_what_is_wanted_is_enough(self, count: int, jumps: list[int]) -> None:
        """When what is wanted was fetched, all rows are there, though little is kept."""
        listing = AllListing(count, KeptRecords(records_max=120))
        for first in jumps:
            for fetch in listing.wants(first, first + 40):
                assert isinstance(fetch, ByPosition)
                listing.take(records_at(fetch.first, fetch.last), fetch)

            assert [] == listing.wants(first, first + 40)
            for index in range(first, min(first + 41, count)):
                record = listing.record(index)
                assert record is not None
                assert index + 1 == record.position


class TestScope:
    """All records of a scope."""

    def test_sequences_are_wanted(self) -> None:
        """By sequence, of this scope."""
        assert [BySequence("lot-1", 1, 42)] == ScopeListing("lot-1", 42).wants(0, 20)

    def test_records_are_where_they_belong(self) -> None:
        """By sequence, wherever in the store they are; others are passed by."""
        listing = ScopeListing("lot-1", 3)
        grown = listing.take(
            [record_at(70, 2), record_at(71, 9, "lot-2"), record_at(90, 4)],
            BySequence("lot-1", 1, 3),
        )

        assert Grown(behind=1) == grown
        assert [None, record_at(70, 2), None, record_at(90, 4)] == [
            listing.record(index) for index in range(4)
        ]
        assert 1 == listing.index_of(record_at(70, 2))
        assert listing.index_of(record_at(71, 2, "lot-2")) is None
        assert listing.index_of(record_at(99, 5)) is None
        assert Grown(behind=1) == listing.grow(5)
