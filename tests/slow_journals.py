"""Journals in memory whose answers take a while, for what may happen meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import attrs
import trio

from atomic_store import Store
from atomic_store.journal.memory import MemoryJournal


@attrs.define(eq=False)
class HeldBack:
    """
    A journal that keeps some of its answers to itself until it is told to `go` on.

    Args:
      names: the calls whose answers are held back: of `read_scope` only pages of a past that
        somebody is shown, of `find` only that there is nothing.
      answers: how many are given all the same, the first ones.
    """

    journal: MemoryJournal
    names: frozenset[str]
    answers: int = 0
    go: trio.Event = attrs.Factory(trio.Event)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.journal, name)
        return self._held(name, found) if name in self.names else found

    def lacks(self, scope: str, proposal_id: str) -> bool:
        """Whoever holds back what is found knows nothing at once."""
        return "find" not in self.names and self.journal.lacks(scope, proposal_id)

    def _held(self, name: str, read: Callable[..., Any]) -> Callable[..., Any]:
        async def held(*arguments: Any, **more: Any) -> Any:
            answer = await read(*arguments, **more)
            is_another = (name == "read_scope" and "limit" not in more) or (
                name == "find" and answer
            )
            if not is_another:
                self.answers -= 1
                if self.answers < 0:
                    await self.go.wait()
            return answer

        return held


def hold_back(store: Store[Any], *names: str, answers: int = 0) -> HeldBack:
    """Have a store's journal hold answers back; see `HeldBack`."""
    journal: Any = store._parts.journal
    stand_in: Any = HeldBack(journal, frozenset(names), answers)
    store._parts.journal = stand_in
    held_back: HeldBack = stand_in
    return held_back


@attrs.frozen
class Lagging:
    """A journal whose reading takes a while, as chance tells."""

    journal: MemoryJournal
    random: Random

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.journal, name)
        return self._late(found) if name in ("read_scope", "find", "scan", "scopes") else found

    def lacks(self, scope: str, proposal_id: str) -> bool:
        """What is known at once is not always known."""
        return self.random.random() < 0.5 and self.journal.lacks(scope, proposal_id)

    def _late(self, read: Callable[..., Any]) -> Callable[..., Any]:
        async def late(*arguments: Any, **more: Any) -> Any:
            for _ in range(self.random.randrange(8)):
                await trio.lowlevel.checkpoint()
            return await read(*arguments, **more)

        return late
