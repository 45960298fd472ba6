"""The states that a store keeps: when, how it goes on from them, and what can go wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from uuid import uuid4

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import EventType, Fold, JournalFailed, open_store
from atomic_store import snapshots as snapshots_module
from atomic_store.journal import Snapshot
from atomic_store.journal.file import open_file_journal
from atomic_store.journal.memory import MemoryJournal, open_memory_journal
from atomic_store.testing.faulty_disk import FaultyDisk
from bids import Bid, accept, lot_of
from folds import Folding, Tally, bid, kept_in, store_on


class TestWhen:
    async def test_every_so_many_events(self) -> None:
        """While a scope is live, its state is kept after so many events, and again."""
        async with open_memory_journal() as journal, store_on(journal, Folding().fold) as store:
            for expected, times in ((0, 9), (10, 1), (10, 9), (20, 1), (20, 5)):
                await bid(store, times)
                assert await kept_in(journal) == expected
            assert store.statistics().snapshots_written == 2
            assert store.statistics().snapshots_error is None

    async def test_not_before_it_is_durable(self) -> None:
        """A state that rests on events which are not on the disk yet is not kept yet."""
        async with (
            open_memory_journal() as journal,
            store_on(journal, Folding().fold) as store,
            trio.open_nursery() as nursery,
        ):
            await bid(store, 9)
            journal.pause()
            nursery.start_soon(bid, store, 1)
            assert await kept_in(journal) == 0
            journal.resume()
            assert await kept_in(journal) == 10

    async def test_when_a_scope_goes(self, autojump_clock: MockClock) -> None:
        """When a scope goes, its state is kept after a tenth as many events."""
        async with (
            open_memory_journal() as journal,
            store_on(journal, Folding().fold, idle_after=5.0, snapshot_every=100) as store,
        ):
            await bid(store, 9, "short")
            await bid(store, 10, "long")
            await trio.sleep(6)
            assert dict(store.live_scopes()) == {}
            assert [await kept_in(journal, "short"), await kept_in(journal, "long")] == [0, 10]

    async def test_when_the_store_closes(self) -> None:
        """When the store closes, so do the scopes that are live."""
        folding = Folding()
        async with open_memory_journal() as journal:
            async with store_on(journal, folding.fold, snapshot_every=20) as store:
                await bid(store, 1, "short")
                await bid(store, 2, "long")
            assert [await kept_in(journal, "short"), await kept_in(journal, "long")] == [0, 2]

    async def test_after_a_long_reading(self) -> None:
        """A scope whose past had to be gone through keeps what came of it at once."""
        async with open_memory_journal() as journal:
            async with store_on(journal, Folding(state_type=None).fold) as store:
                await bid(store, 15)
            async with store_on(journal, Folding().fold) as store:
                await bid(store, 1)
                assert await kept_in(journal) == 15

    async def test_many_in_one_writing(self) -> None:
        """States that wait for the same commit are kept together."""
        batches: list[int] = []

        class Counting(MemoryJournal):
            async def save_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
                batches.append(len(snapshots))
                await super().save_snapshots(snapshots)

        async with (
            store_on(Counting(), Folding().fold, snapshot_every=1) as store,
            trio.open_nursery() as nursery,
        ):
            for number in range(50):
                nursery.start_soon(bid, store, 1, f"lot-{number}")
        assert sum(batches) == 50
        assert len(batches) < 5

    async def test_many_bytes_are_written_in_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """No more is encoded at once than there should be in memory."""
        monkeypatch.setattr(snapshots_module, "BATCH_BYTES", 1)
        async with open_memory_journal() as journal:
            async with (
                store_on(journal, Folding().fold, snapshot_every=1) as store,
                trio.open_nursery() as nursery,
            ):
                for number in range(9):
                    nursery.start_soon(bid, store, 1, f"lot-{number}")
            assert [1] * 9 == [await kept_in(journal, f"lot-{number}") for number in range(9)]

    async def test_so_many_wait_at_most(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What cannot wait is kept when more events have come."""
        monkeypatch.setattr(snapshots_module, "OFFERS_MAX", 2)
        async with (
            open_memory_journal() as journal,
            store_on(journal, Folding().fold, snapshot_every=2) as store,
        ):
            for number in range(3):
                await bid(store, 1, f"lot-{number}")
            journal.pause()
            async with trio.open_nursery() as nursery:
                # The first one is taken out at once, to be waited for; then lot-0 waits again.
                for number in (0, 0, 0, 1, 2):
                    nursery.start_soon(bid, store, 1, f"lot-{number}")
                    await wait_all_tasks_blocked()
                journal.resume()
            assert [4, 2, 0] == [await kept_in(journal, f"lot-{number}") for number in range(3)]
            await bid(store, 1, "lot-2")
            assert 3 == await kept_in(journal, "lot-2")


class TestBeginning:
    async def test_only_what_came_after(self) -> None:
        """A scope that comes to life goes through what came after its state was kept, no more."""
        async with open_memory_journal() as journal:
            async with store_on(journal, Folding().fold) as store:
                await bid(store, 33)
            folding = Folding()
            async with store_on(journal, folding.fold) as store:
                (state,) = await bid(store, 1)
                statistics = store.statistics()

        assert state == Tally(33, Bid("lot", "ada", 5))
        assert folding.calls == 1
        assert (statistics.snapshots_used, statistics.snapshots_skipped) == (1, 0)

    async def test_a_past_bound(self) -> None:
        """The request of a proposal that was admitted before has the state of then."""
        own_id = uuid4()
        async with open_memory_journal() as journal:
            async with store_on(journal, Folding().fold) as store:
                await bid(store, 12)
                await store.store_if_valid(Bid("lot", "eve", 5), accept, proposal_id=own_id)
                await bid(store, 12)
            folding = Folding()
            async with store_on(journal, folding.fold) as store:
                async with store.consider(Bid("lot", "eve", 5), proposal_id=own_id) as request:
                    assert request.state == Tally(12, Bid("lot", "ada", 5))

        assert folding.calls == 12

    async def test_another_version(self) -> None:
        """After the fold's version was raised, all is gone through again, once."""
        async with open_memory_journal() as journal:
            async with store_on(journal, Folding().fold) as store:
                await bid(store, 12)
            for expected in (13, 1):
                folding = Folding(version=2)
                async with store_on(journal, folding.fold) as store:
                    await bid(store, 1)
                assert folding.calls == expected

    async def test_states_that_are_none_any_more(self) -> None:
        """A kept state that does not fit its type is passed over for an older one, or for none."""
        for good, used in ((2, 1), (0, 0)):
            async with open_memory_journal() as journal:
                async with store_on(journal, Folding(state_type=None).fold) as store:
                    await bid(store, 9)
                if good:
                    state = b'{"count":2,"best":{"lot":"lot","bidder":"ada","cents":5}}'
                    await journal.save_snapshots([Snapshot("lot", good, 1, state)])
                await journal.save_snapshots([Snapshot("lot", 7, 1, b'{"count":"7"}')])
                folding = Folding()
                async with store_on(journal, folding.fold) as store:
                    assert await bid(store, 1) == [Tally(9, Bid("lot", "ada", 5))]
                    statistics = store.statistics()
            assert folding.calls == 9 - good + 1
            assert (statistics.snapshots_used, statistics.snapshots_skipped) == (used, 1)

    async def test_without_a_state_type(self) -> None:
        """Without a type for states none are kept, and none are looked for."""
        async with open_memory_journal() as journal:
            async with store_on(journal, Folding().fold) as store:
                await bid(store, 12)
            folding = Folding(state_type=None)
            async with store_on(journal, folding.fold) as store:
                await bid(store, 12)
                statistics = store.statistics()
            assert folding.calls == 24
            assert (statistics.snapshots_written, statistics.snapshots_used) == (0, 0)
            assert await kept_in(journal) == 12


class TestPromiseOfFlatCost:
    async def test_a_cold_scope_with_a_long_past(self) -> None:
        """The first admission in a cold scope reads its last events, however many there are."""
        disk = FaultyDisk()

        async def first_admission(folding: Folding, *, fill: bool) -> list[int]:
            async with (
                open_file_journal("/long.store", disk=disk) as journal,
                open_store(journal, events=Bid, scope_of=lot_of, state=folding.fold) as store,
            ):
                if fill:
                    many = [Bid("lot", "ada", n) for n in range(100)]
                    for _ in range(100):
                        await store.store_if_valid(many[0], lambda r: r.accept(events=many))
                folding.calls = 0
                before = len(disk.log)
                await bid(store, 1)
                reads = disk.log[before:].count(("read", f"/long.store/journal/{1:020}.jsonl"))
                return [folding.calls, reads]

        await first_admission(Folding(), fill=True)
        folded, reads = await first_admission(Folding(), fill=False)
        assert folded < 100
        assert reads <= 2
        folded, reads = await first_admission(Folding(version=2), fill=False)
        assert folded > 10_000
        assert reads > 20


class Failing(MemoryJournal):
    """A journal that cannot keep snapshots."""

    error: Exception = JournalFailed("write", "/a/disk", "buy another one")
    tries = 0

    async def save_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        self.tries += 1
        raise self.error


class TestFailure:
    @pytest.mark.parametrize(
        ("error", "text"),
        [
            (Failing.error, "write failed on /a/disk: buy another one"),
            (ZeroDivisionError("oh"), "ZeroDivisionError('oh')"),
        ],
    )
    async def test_they_cannot_be_kept(self, error: Exception, text: str) -> None:
        """Whatever goes wrong with keeping states is in the statistics, and nowhere else."""
        journal = Failing()
        journal.error = error
        async with store_on(journal, Folding().fold) as store:
            await bid(store, 35)
            await wait_all_tasks_blocked()
            statistics = store.statistics()
            assert (statistics.snapshots_written, statistics.snapshots_error) == (0, text)
            assert (statistics.records, statistics.crashed) == (35, 0)
        assert journal.tries == 1

    @pytest.mark.parametrize(
        ("state_type", "text"),
        [
            (int, "state: expected int, found Tally"),
            (Literal["a"], "state: expected one of 'a', found Tally"),
        ],
    )
    async def test_a_state_that_cannot_be_kept(self, state_type: Any, text: str) -> None:
        """A state that does not fit its type is not kept; the scope goes on."""
        async with open_memory_journal() as journal:
            async with store_on(journal, Folding(state_type=state_type).fold) as store:
                await bid(store, 25)
                await wait_all_tasks_blocked()
                statistics = store.statistics()
                assert (statistics.snapshots_error or "").startswith(text)
                assert (statistics.records, statistics.snapshots_written) == (25, 0)

    async def test_a_codec_that_raises(self) -> None:
        """Whatever a codec raises, the state is not kept, and others are."""
        codec: EventType[Any] = EventType(
            Tally, encode=lambda tally: 1 // (tally.count - 10), decode=Tally
        )
        async with open_memory_journal() as journal:
            async with store_on(journal, Folding(state_type=codec).fold) as store:
                await bid(store, 10)
                await wait_all_tasks_blocked()
                assert "ZeroDivisionError" in (store.statistics().snapshots_error or "")
                assert store.statistics().crashed == 0

    async def test_states_that_cannot_be_compared(self) -> None:
        """The same if it cannot be told whether a state comes back as itself."""

        class Odd(Tally):
            def __eq__(self, other: object) -> bool:
                raise ValueError("as odd as it gets")

            def __hash__(self) -> int:
                return 0

        codec: EventType[Any] = EventType(Odd, encode=lambda odd: odd.count, decode=Odd)
        fold: Fold[Any, Bid] = Fold(Odd(), lambda odd, bid: Odd(odd.count + 1), state_type=codec)
        async with (
            open_memory_journal() as journal,
            store_on(journal, fold, snapshot_every=1) as store,
        ):
            await bid(store, 2)
            await wait_all_tasks_blocked()
            assert store.statistics().snapshots_error == "ValueError('as odd as it gets')"
            assert store.statistics().snapshots_written == 0

    async def test_a_state_that_comes_back_as_another(self) -> None:
        """A state that would not come back as itself is not kept."""
        codec: EventType[Any] = EventType(
            Tally, encode=lambda tally: tally.count, decode=lambda count: Tally(count + 1)
        )
        async with open_memory_journal() as journal:
            async with store_on(journal, Folding(state_type=codec).fold) as store:
                await bid(store, 10)
                assert await kept_in(journal) == 0
                error = store.statistics().snapshots_error or ""
        assert "expected to come back from JSON" in error

    async def test_the_journal_fails(self) -> None:
        """When the journal fails, states that wait for it are not kept, and nothing hangs."""
        async with open_memory_journal() as journal:
            with pytest.raises(JournalFailed):
                async with store_on(journal, Folding().fold) as store:
                    await bid(store, 9)
                    journal.pause()
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(bid, store, 1)
                        await wait_all_tasks_blocked()
                        journal.fail()
            assert await kept_in(journal) == 0

    async def test_closing_does_not_wait_long(self, autojump_clock: MockClock) -> None:
        """A journal that takes long to keep states is not waited for for long."""

        class Slow(MemoryJournal):
            async def save_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
                await trio.sleep(3600)

        async with store_on(Slow(), Folding().fold) as store:
            await bid(store, 10)
            before = trio.current_time()
        assert trio.current_time() - before < 1.1

    async def test_closing_in_the_middle(self, autojump_clock: MockClock) -> None:
        """What is being kept when the store closes is kept, and what is offered then, too."""

        class Slow(MemoryJournal):
            async def save_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
                await trio.sleep(0.2)
                await super().save_snapshots(snapshots)

        journal = Slow()
        async with store_on(journal, Folding().fold) as store:
            await bid(store, 10)
            await bid(store, 1, "other")
        assert [await kept_in(journal), await kept_in(journal, "other")] == [10, 1]
