"""How a store ends: closed, cancelled, or by an error."""

from __future__ import annotations

import signal
from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from atomic_store import (
    Decision,
    JournalFailed,
    Store,
    StoreClosed,
    ValidationRequest,
    open_store,
)
from bids import Bid, Call, accept, accept_slowly, bids, lot_of, paused

BID = Bid("lot", "ada", 1)


class TestTheEnd:
    async def test_waiting_and_open(self) -> None:
        """When the block ends, whoever is not decided gets StoreClosed."""

        async def hang(request: ValidationRequest[Bid]) -> Decision:
            await trio.sleep_forever()
            raise AssertionError

        async with trio.open_nursery() as nursery:
            async with bids() as (store, _):
                calls = []
                for validate in (hang, accept):
                    calls.append(Call(nursery, partial(store.store_if_valid, BID, validate)))
                    await wait_all_tasks_blocked()
            await wait_all_tasks_blocked()

            assert [type(call.error) for call in calls] == [StoreClosed] * 2
            with pytest.raises(StoreClosed):
                await store.store_if_valid(BID, accept)

    async def test_decided(self) -> None:
        """When the block ends, what was decided is made durable and returned."""
        async with trio.open_nursery() as nursery:
            async with bids() as (store, journal):
                journal.pause()
                call = Call(nursery, partial(store.store_if_valid, BID, accept))
                await wait_all_tasks_blocked()
                journal.resume()
            await wait_all_tasks_blocked()

            assert call.result.was_accepted
            assert journal.head.position == 1

    def test_interrupted(self) -> None:
        """Ctrl-C does not cut the end short: what was decided is made durable and told before."""
        told: list[str] = []

        async def follow(store: Store[Bid]) -> None:
            async with store.subscribe() as feed:
                told.extend([type(item).__name__ async for item in feed])

        async def main() -> None:
            async with trio.open_nursery() as nursery:
                async with bids() as (store, journal):

                    @trio.lowlevel.enable_ki_protection
                    async def interrupt() -> None:
                        with trio.CancelScope(shield=True), paused(journal):
                            await wait_all_tasks_blocked()
                            signal.raise_signal(signal.SIGINT)
                            await wait_all_tasks_blocked()
                            told.append("interrupted")

                    journal.pause()
                    nursery.start_soon(follow, store)
                    Call(nursery, partial(store.store_if_valid, BID, accept))
                    await wait_all_tasks_blocked()
                    nursery.start_soon(interrupt)

        with pytest.raises(BaseException) as caught:
            trio.run(main)

        assert pytest.RaisesGroup(
            KeyboardInterrupt, allow_unwrapped=True, flatten_subgroups=True
        ).matches(caught.value)
        assert told == ["interrupted", "CaughtUp", "Record"]

    @pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
    async def test_errors_leave_as_themselves(self, error: type[BaseException]) -> None:
        """What the block raises leaves it, unwrapped, with the store closed."""
        raised = error()
        with pytest.raises(error) as caught:
            async with bids() as (store, _):
                await store.store_if_valid(BID, accept)
                raise raised

        assert caught.value is raised
        with pytest.raises(StoreClosed):
            await store.store_if_valid(BID, accept)

    async def test_cancelled(self) -> None:
        """A cancelled block closes the store, and the cancellation goes on outwards."""
        with trio.CancelScope() as scope:
            async with bids() as (store, journal):
                await store.store_if_valid(BID, accept)
                scope.cancel()
                await trio.lowlevel.checkpoint()

        assert scope.cancelled_caught
        assert journal.head.position == 1

    async def test_cancelled_block_may_still_store(self) -> None:
        """While a cancelled block unwinds, the store still answers it."""
        results = []
        with trio.CancelScope() as scope:
            async with bids() as (store, _):
                try:
                    scope.cancel()
                    await trio.sleep_forever()
                finally:
                    with trio.CancelScope(shield=True):
                        results.append(await store.store_if_valid(BID, accept))
                        results.append(await store.store_if_valid(BID, accept_slowly))

        assert [result.was_accepted for result in results] == [True, True]

    async def test_the_journal_stays_open(self) -> None:
        """A journal that was handed in is not closed with the store."""
        async with bids() as (store, journal):
            await store.store_if_valid(BID, accept)
            async with open_store(journal, events=Bid, scope_of=lot_of) as second:
                result = await second.store_if_valid(BID, accept)

        assert result.records[0].position == 2

    async def test_round_that_opened_just_now(self) -> None:
        """A round whose validator was not begun when the store closes leaves nothing behind."""
        begun = []

        async def begin(request: ValidationRequest[Bid]) -> Decision:
            begun.append(request)
            await trio.sleep_forever()
            raise AssertionError

        async with trio.open_nursery() as nursery:
            async with bids() as (store, _):
                async with store.consider(BID) as request:
                    call = Call(nursery, partial(store.store_if_valid, BID, begin))
                    await wait_all_tasks_blocked()
                    # This opens the next round, and the store closes in the same breath.
                    scope = store._supervisor.scopes["lot"]
                    scope.withdraw(request._proposal)
                    scope.advance()
            await wait_all_tasks_blocked()

            assert type(call.error) is StoreClosed
            assert begun == []

    async def test_validator_that_raises_when_the_journal_fails(self) -> None:
        """An exception that rests on a lost record becomes JournalFailed, with it as the cause."""

        async def fail(request: ValidationRequest[Bid]) -> Decision:
            try:
                await trio.sleep_forever()
            finally:
                raise ZeroDivisionError

        with pytest.raises(JournalFailed):
            async with bids() as (store, journal), trio.open_nursery() as nursery:
                call = Call(nursery, partial(store.store_if_valid, BID, fail))
                await wait_all_tasks_blocked()
                with trio.CancelScope(shield=True):
                    journal.fail()
                    await wait_all_tasks_blocked()

        assert isinstance(call.error, JournalFailed)
        assert type(call.error.__cause__) is ZeroDivisionError
