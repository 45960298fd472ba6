"""Which states can be kept, and what they come back as."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from atomic_store import EventType, Fold, JsonEvent, open_store
from atomic_store.journal.memory import open_memory_journal
from bids import Bid
from folds import Tally, bid, kept_in, store_on


class TestOptions:
    @pytest.mark.parametrize("value", [0, -1, 1.5, True, "10"])
    def test_how_often(self, value: Any) -> None:
        """How often states are kept is an integer from 1."""
        with pytest.raises(ValueError, match="snapshot_every: expected an integer from 1"):
            open_store(":memory:", events=Bid, snapshot_every=value)

    @pytest.mark.parametrize("state_type", [object(), complex, "Tally", trio.Event])
    def test_what_cannot_be_stored(self, state_type: Any) -> None:
        """A type that cannot be stored is refused when the store is opened."""
        with pytest.raises(TypeError, match="state: expected"):
            open_store(":memory:", events=Bid, state=Fold(0, max, state_type=state_type))

    @pytest.mark.parametrize(
        ("state_type", "state"),
        [
            (int, 10**30),
            (int | None, None),
            (tuple[int, ...], (1, 2)),
            (dict[str, Bid], {"a": Bid("a", "b", 1)}),
            (Bid | Tally, Tally(3, None)),
            (EventType(Tally, name="tally"), Tally(2)),
            (EventType(set, encode=sorted, decode=set), {1, 2}),
        ],
    )
    async def test_what_can_be_stored(self, state_type: Any, state: Any) -> None:
        """States may be whatever members of events may be."""
        fold: Fold[Any, Bid] = Fold(None, lambda old, bid: state, state_type=state_type)
        async with open_memory_journal() as journal:
            async with store_on(journal, fold, snapshot_every=1) as store:
                await bid(store, 1)
            fold = Fold(None, lambda old, bid: None, state_type=state_type)
            async with store_on(journal, fold, snapshot_every=1) as store:
                assert await bid(store, 1) == [state]

    async def test_plain_json(self) -> None:
        """Stores without event classes keep states just as well."""
        fold: Fold[Any, Any] = Fold({}, lambda state, event: event.data, state_type=dict)
        async with (
            open_memory_journal() as journal,
            open_store(journal, events=None, state=fold, snapshot_every=1) as store,
        ):
            await store.store_if_valid(
                JsonEvent("set", {"a": [1]}), lambda r: r.accept(), scope="lot"
            )
            assert await kept_in(journal) == 1
