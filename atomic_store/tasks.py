"""The store's own tasks: they end when the store ends them, not when its block is cancelled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, final

import attrs
import trio


@final
@attrs.define(eq=False)
class Tasks:
    """
    Tasks in a nursery, each shielded from whatever cancels that nursery.

    When the block around a store is cancelled, it may still have something to store while
    it unwinds, and there must be somebody to answer.
    """

    _nursery: trio.Nursery
    _scopes: set[trio.CancelScope] = attrs.Factory(set)
    _is_over: bool = False

    def start_soon(
        self, function: Callable[..., Awaitable[Any]], *arguments: Any, name: str | None = None
    ) -> None:
        """Start a task, as `trio.Nursery.start_soon` does."""
        self._nursery.start_soon(self._run, function, *arguments, name=name)

    async def _run(self, function: Callable[..., Awaitable[Any]], *arguments: Any) -> None:
        # There is no checkpoint before the shield: a task always comes to here.
        with trio.CancelScope(shield=True) as scope:
            self._scopes.add(scope)
            if self._is_over:
                scope.cancel()
            try:
                await function(*arguments)
            finally:
                self._scopes.discard(scope)

    def cancel(self) -> None:
        """Cancel all tasks, also those that are still to start."""
        self._is_over = True
        for scope in self._scopes:
            scope.cancel()
