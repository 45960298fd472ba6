"""The store for tests: in memory, on Trio's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import attrs
import pytest
import trio
import trio.testing

from atomic_store import Decision, JournalFailed, ValidationRequest, open_store
from atomic_store.parts import Options
from atomic_store.testing import (
    StoreOptions,
    open_memory_journal,
    open_test_store,
    trio_clock,
)
from bids import HIGHEST, Bid, accept, higher, lot_of

ADA = Bid("lot-1", "ada", 500)


async def slowly(request: ValidationRequest[Bid]) -> Decision:
    """Accept after three seconds."""
    await trio.sleep(3)
    return request.accept()


async def test_times_are_trio_s(autojump_clock: trio.testing.MockClock) -> None:
    """Records are as old as Trio's clock says, from a fixed start."""
    await trio.sleep(100)
    async with open_test_store(events=Bid, scope_of=lot_of) as store:
        first = await store.store_if_valid(ADA, accept)
        await trio.sleep(86_400)
        second = await store.store_if_valid(ADA, accept)

    assert datetime(2000, 1, 1, tzinfo=UTC) == first.records[0].at
    assert datetime(2000, 1, 2, tzinfo=UTC) == second.records[0].at


async def test_timeouts_are_exact(autojump_clock: trio.testing.MockClock) -> None:
    """Under an autojump clock a deadline is met to the moment, and committing takes no time."""
    async with open_test_store(events=Bid, scope_of=lot_of, validation_timeout=3.5) as store:
        before = await store.store_if_valid(ADA, slowly)
        late = await store.store_if_valid(ADA, slowly, validation_timeout=2)
        after = await store.store_if_valid(ADA, slowly)

    assert [True, False, True] == [r.was_accepted for r in (before, late, after)]
    assert late.timed_out
    assert 8.0 == trio.current_time()
    start = datetime(2000, 1, 1, tzinfo=UTC)
    assert [3, 8] == [(r.at - start).total_seconds() for r in (*before.records, *after.records)]


async def test_the_start_can_be_chosen(mock_clock: trio.testing.MockClock) -> None:
    """The first moment is the test's to say, in any time zone."""
    start = datetime(2026, 11, 23, 15, 4, 5, 123456, timezone(timedelta(hours=1)))
    async with open_test_store(events=Bid, scope_of=lot_of, start=start) as store:
        result = await store.store_if_valid(ADA, accept)

    assert start == result.records[0].at


async def test_a_start_without_a_zone_is_refused() -> None:
    """A start must say which moment it is."""
    with pytest.raises(ValueError, match="start: expected a time with a time zone, found dat"):
        async with open_test_store(events=Bid, start=datetime(2026, 1, 1)):
            raise AssertionError("never reached")


async def test_options_are_the_store_s() -> None:
    """What `open_store` takes is handed on."""
    async with open_test_store(
        events=Bid, scope_of=lot_of, state=HIGHEST, decision_events_max=1, timeout_reason="late"
    ) as store:
        await store.store_if_valid(ADA, accept)
        result = await store.store_if_valid(ADA, lambda request: request.reject(str(request.state)))
        with pytest.raises(ValueError, match="at most 1 events in one decision"):
            await store.store_if_valid(ADA, lambda request: request.accept(ADA, ADA))

    assert "500" == result.reason


async def test_an_error_leaves_as_itself() -> None:
    """What the block raises leaves it as itself, in no group."""
    error = LookupError("mine")

    with pytest.raises(LookupError) as raised:
        async with open_test_store(events=Bid, scope_of=lot_of):
            raise error

    assert error is raised.value


def test_all_options_are_there() -> None:
    """The options' type names all options of a store, with their types."""
    options = {field.name: field.type for field in attrs.fields(Options)}

    assert options == StoreOptions.__annotations__ | {
        name: annotation.__forward_arg__
        for name, annotation in StoreOptions.__annotations__.items()
    }


async def test_the_clock_fits_a_journal_that_fails(mock_clock: trio.testing.MockClock) -> None:
    """A memory journal on Trio's clock can be made to fail under a store."""
    async with open_memory_journal(clock=trio_clock()) as journal:
        with pytest.raises(JournalFailed, match="a test asked for this failure"):
            async with open_store(journal, events=Bid, scope_of=lot_of) as store:
                result = await store.store_if_valid(ADA, higher)
                assert datetime(2000, 1, 1, tzinfo=UTC) == result.records[0].at
                journal.fail()
                await store.store_if_valid(ADA, higher)
