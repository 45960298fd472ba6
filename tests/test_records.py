"""Records, and the past as a sequence of them."""

from __future__ import annotations

import pytest

from atomic_store import Fold, Outcome, PastEvents, PastRecords, Record, Result
from atomic_store.events import event_types
from atomic_store.journal import StoredRecord
from bids import Bid

TYPES = event_types(Bid)


def record(n: int) -> Record[Bid]:
    data = b'{"lot":"lot","bidder":"ada","cents":%d}' % n
    at = "2026-11-23T15:04:05.123456Z"
    return Record(StoredRecord(n, "lot", n, "id", at, "Bid", data), TYPES)


RECORDS = [record(n) for n in range(1, 8)]


def test_records_are_values() -> None:
    """Two records are equal if what is stored is, and else not; so are their hashes."""
    assert record(1) == record(1)
    assert (record(1) != record(1)) is False
    assert hash(record(1)) == hash(record(1))
    assert record(1) != record(2)
    assert record(1) != "record"
    assert repr(record(1)) == (
        """<Record 1: 'lot' 1, Bid {"lot":"lot","bidder":"ada","cents":1}>"""
    )


def test_results_are_values() -> None:
    """Two results are equal if they say the same of the proposal, and else not."""
    one = Result(Outcome.ACCEPTED, "lot", "id", Bid("lot", "ada", 1), (record(1),))
    same = Result(Outcome.ACCEPTED, "lot", "id", Bid("lot", "ada", 1), (record(1),))

    assert one == same
    assert (one != same) is False
    assert one != Result(Outcome.REJECTED, "lot", "id", Bid("lot", "ada", 1))


def test_frozen_events_are_shared() -> None:
    """An event of a frozen class is decoded once."""
    one = record(1)

    assert one.event == Bid("lot", "ada", 1)
    assert one.event is one.event


class TestPast:
    def test_is_a_sequence(self) -> None:
        """It has the length, items and slices of a tuple."""
        past: PastEvents[Bid] = PastEvents(RECORDS, 6)
        cents = [bid.cents for bid in past]

        assert cents == [1, 2, 3, 4, 5, 6]
        assert len(past) == 6
        assert (past[0].cents, past[5].cents, past[-1].cents) == (1, 6, 6)
        assert [bid.cents for bid in past[1:3]] == [2, 3]
        assert [bid.cents for bid in past[::-2]] == [6, 4, 2]
        assert [bid.cents for bid in reversed(past)] == [6, 5, 4, 3, 2, 1]
        assert Bid("lot", "ada", 6) in past
        assert Bid("lot", "ada", 7) not in past
        assert past.index(Bid("lot", "ada", 3)) == 2

    @pytest.mark.parametrize("index", [6, -7, 99])
    def test_bounds(self, index: int) -> None:
        """What lies beyond is not there, though the list that it looks into goes on."""
        past: PastRecords[Bid] = PastRecords(RECORDS, 6)

        with pytest.raises(IndexError, match="below 6"):
            past[index]

    def test_equality(self) -> None:
        """It equals any sequence with the same items, but no string."""
        past: PastRecords[Bid] = PastRecords(RECORDS, 2)

        assert past == RECORDS[:2]
        assert past == tuple(RECORDS[:2])
        assert past != RECORDS[:3]
        assert past != RECORDS[1:3]
        assert past != "ab"
        with pytest.raises(TypeError):
            hash(past)

    def test_representation(self) -> None:
        """It shows the first five."""
        past: PastEvents[Bid] = PastEvents(RECORDS, 6)

        assert repr(past).startswith("<6 past: Bid(lot='lot', bidder='ada', cents=1), ")
        assert repr(past).endswith("cents=5), …>")


def test_fold_is_checked() -> None:
    """A fold needs a function, and a version from 1."""
    with pytest.raises(TypeError, match="evolve: expected a function, found 7"):
        Fold(0, 7)  # type: ignore[arg-type]  # the point
    with pytest.raises(ValueError, match="version: expected an integer from 1, found 0"):
        Fold(0, lambda state, event: state, version=0)
