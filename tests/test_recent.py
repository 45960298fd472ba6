"""The proposal ids that a scope admitted of late."""

from __future__ import annotations

from functools import partial

import pytest
import trio

from atomic_store.events import event_types
from atomic_store.journal import StoredRecord
from atomic_store.recent import IDS_KEPT, RecentIds
from atomic_store.records import Record
from bids import Bid, accept, bids

TYPES = event_types(Bid)


def admitted(position: int) -> tuple[Record[Bid], ...]:
    stored = StoredRecord(position, "lot", position, f"id-{position}", "", "Bid", b"{}")
    return (Record(stored, TYPES),)


def recent(*positions: int) -> RecentIds:
    ids = RecentIds()
    for position in positions:
        ids.add(f"id-{position}", admitted(position))
    return ids


def test_get() -> None:
    """An admission is known by its id, no other is."""
    ids = recent(3, 5)

    assert ids.get("id-3") == admitted(3)
    assert ids.get("id-4") is None
    assert len(ids) == 2


@pytest.mark.parametrize(("position", "left"), [(2, 2), (3, 1), (4, 1), (5, 0), (99, 0)])
def test_forget(position: int, left: int) -> None:
    """What was admitted up to a position is forgotten, and nothing behind it."""
    ids = recent(3, 5)
    ids.forget(position)

    assert len(ids) == left
    assert (ids.get("id-3") is None) == (position >= 3)
    assert (ids.get("id-5") is None) == (position >= 5)


def test_forgetting_takes_no_time() -> None:
    """However much there is to forget, one call forgets a few, and says that there is more."""
    ids = recent(*range(1, 12))

    assert [True, True, False, False] == [ids.forget(9) for _ in range(4)]
    assert ["id-10", "id-11"] == [f"id-{n}" for n in range(12) if ids.get(f"id-{n}") is not None]


async def test_a_busy_scope_keeps_few() -> None:
    """However many events are admitted to a scope, it keeps the ids of the last few."""
    async with bids() as (store, _):

        async def propose() -> None:
            for n in range(20):
                await store.store_if_valid(Bid("lot", "ada", n), accept)

        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(partial(propose))
        (scope,) = store._supervisor.scopes.values()

    assert scope.sequence == 2_000
    assert len(scope.recent) <= IDS_KEPT + 100
