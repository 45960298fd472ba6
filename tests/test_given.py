"""Given: the past that validators see, and what a scenario refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast
from uuid import UUID

import pytest
import trio
import trio.testing

from atomic_store import (
    Decision,
    InvalidEvent,
    JsonEvent,
    ValidationRequest,
)
from atomic_store.testing import scenario
from bids import Bid, accept, lot_of
from trials import ADA, AUCTION, BEN, OTHER, never, seen


class TestGiven:
    def test_the_past_is_what_was_given(self) -> None:
        """A validator sees the given events of its scope in order, and no other scope's."""
        request = seen(AUCTION.given(ADA, OTHER).given(BEN), Bid("lot-1", "eve", 700))

        assert [ADA, BEN] == request.past_events
        assert [1, 2] == [record.sequence for record in request.past_records]
        assert [1, 3] == [record.position for record in request.past_records]
        assert 2 == request.sequence
        assert "lot-1" == request.scope

    def test_the_past_is_decoded(self) -> None:
        """What a validator sees was decoded from bytes: it is equal, but another object."""
        request = seen(AUCTION.given(ADA), BEN)

        assert ADA is not request.past_events[0]
        assert BEN == request.prospective_event
        assert BEN is not request.prospective_event

    def test_a_scenario_stays_as_it_is(self) -> None:
        """Steps give new scenarios: one that is shared can go on in several ways."""
        start = AUCTION.given(ADA)
        start.given(BEN)
        start.when(BEN, accept)

        assert [ADA] == seen(start, BEN).past_events
        assert [] == seen(AUCTION, BEN).past_events

    def test_a_scope_can_be_named(self) -> None:
        """Without `scope_of` the scope is the step's, else the scenario's."""
        start = scenario(events=Bid, scope="a").given(ADA).given(BEN, scope="b")

        assert [ADA] == seen(start, OTHER).past_events
        assert [BEN] == seen(start, OTHER, scope="b").past_events
        assert [] == seen(start, OTHER, scope="c").past_events

    def test_a_missing_scope_is_refused(self) -> None:
        """Where nothing says the scope, the store's own error says so."""
        with pytest.raises(TypeError, match="scope: expected one, for the store has no scope_of"):
            scenario(events=Bid).given(ADA)

    def test_an_empty_scope_is_refused(self) -> None:
        """A scope that is given counts, also one that is none."""
        with pytest.raises(InvalidEvent, match="scope: expected 1 to 512 bytes"):
            scenario(events=Bid, scope="a").given(ADA, scope="")

    def test_an_event_that_does_not_fit_is_refused(self) -> None:
        """A past that no store could hold is refused, strictly."""
        wrong: Any = "500"

        with pytest.raises(InvalidEvent, match=r"Bid\.cents: expected int, found str '500'"):
            AUCTION.given(Bid("lot-1", "ada", wrong))

    def test_given_events_have_times_ids_and_metadata(self) -> None:
        """Records get the metadata and time of their step, and ids that are always the same."""
        at = datetime(2026, 11, 23, 15, tzinfo=timezone(timedelta(hours=1)))
        start = AUCTION.given(ADA).given(BEN, metadata={"by": "web"}, at=at)

        first, second = seen(start, OTHER, scope="lot-1").past_records

        assert datetime(2000, 1, 1, tzinfo=UTC) == first.at
        assert datetime(2026, 11, 23, 14, tzinfo=UTC) == second.at
        assert {} == first.metadata
        assert {"by": "web"} == second.metadata
        assert UUID("00000000-0000-7000-8000-000000000001") == first.proposal_id
        assert UUID("00000000-0000-7000-8000-000000000002") == second.proposal_id
        assert 7 == first.proposal_id.version

    def test_times_never_decrease(self) -> None:
        """A time before the last record's becomes that one's; without one, a second passes."""
        late = datetime(2026, 1, 1, tzinfo=UTC)
        start = AUCTION.given(ADA, at=late).given(ADA, at=late - timedelta(days=1)).given(ADA)

        assert [late, late, late + timedelta(seconds=1)] == [
            record.at for record in seen(start, BEN).past_records
        ]

    def test_a_time_without_a_zone_is_refused(self) -> None:
        """A time must say which moment it is."""
        with pytest.raises(ValueError, match=r"^at: expected a time with a time zone, found dat"):
            AUCTION.given(ADA, at=datetime(2026, 1, 1))
        with pytest.raises(TypeError, match=r"^at: expected a datetime, found 'noon'$"):
            AUCTION.given(ADA, at=cast("Any", "noon"))

    def test_plain_json_works(self) -> None:
        """Without event classes, events are plain JSON."""
        bid = JsonEvent("bid", {"cents": 5})
        start = scenario(events=None, scope="a").given(bid)

        assert [bid] == seen(start, JsonEvent("closed", None)).past_events

    def test_wrong_settings_are_refused(self) -> None:
        """What a store would not open with, a scenario does not begin with."""
        with pytest.raises(TypeError, match="state: expected a Fold, found 5"):
            scenario(events=Bid, state=cast("Any", 5))
        with pytest.raises(ValueError, match="validation_timeout: expected a number above 0"):
            scenario(events=Bid, validation_timeout=0)


class TestRefused:
    def test_what_is_no_decision(self) -> None:
        """A validator that decides nothing is told so."""
        with pytest.raises(TypeError, match=r"a validator gives request\.accept\(…\) or request\."):
            AUCTION.when(ADA, cast("Any", lambda request: True))

    def test_another_round_s_decision(self) -> None:
        """A decision of another round decides nothing."""
        stale = seen(AUCTION, ADA).accept()

        with pytest.raises(TypeError, match="expected a decision of round 2 of scope 'lot-1', f"):
            AUCTION.when(ADA, accept).when(ADA, lambda request: stale)

    def test_events_of_another_scope(self) -> None:
        """What is accepted in place of another belongs to its scope."""
        with pytest.raises(InvalidEvent, match="expected 'lot-1', found 'lot-2'"):
            AUCTION.when(ADA, lambda request: request.accept(OTHER))

    def test_an_event_that_does_not_fit(self) -> None:
        """A proposed event is checked before the validator is called."""
        with pytest.raises(InvalidEvent, match=r"Bid\.bidder: expected str, found None"):
            AUCTION.when(Bid("lot-1", cast("Any", None), 1), never)

    def test_too_much(self) -> None:
        """The store's limits hold."""
        small = scenario(events=Bid, scope_of=lot_of, event_bytes_max=60, decision_events_max=1)

        with pytest.raises(InvalidEvent, match="60"):
            small.when(Bid("lot-1", "a" * 60, 1), accept)
        with pytest.raises(InvalidEvent, match="at most 1 events in one decision"):
            small.when(ADA, lambda request: request.accept(ADA, ADA))

    def test_meta_that_is_no_json(self) -> None:
        """What comes with a rejection must be JSON, and comes back as such."""
        after = AUCTION.when(ADA, lambda request: request.reject("no", meta=(1, 2)))

        assert [1, 2] == after.meta
        with pytest.raises(InvalidEvent, match="object"):
            AUCTION.when(ADA, lambda request: request.reject("no", meta=object()))

    @pytest.mark.parametrize("is_async", [False, True])
    def test_a_validator_s_own_error(self, is_async: bool) -> None:
        """What a validator raises leaves `when` as itself."""
        error = LookupError("no such lot")

        def fail(request: ValidationRequest[Bid]) -> Decision:
            raise error

        async def fail_slowly(request: ValidationRequest[Bid]) -> Decision:
            await trio.lowlevel.checkpoint()
            raise error

        with pytest.raises(LookupError) as raised:
            AUCTION.when(ADA, fail_slowly if is_async else fail)

        assert error is raised.value
