"""A store's directory, whatever happens to it: where its reader meets damage, the rest is shown."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar, final

import attrs
import trio

from atomic_store.errors import JournalCorrupt
from atomic_store.journal import StoredRecord
from atomic_store.journal.disk import Disk
from atomic_store.journal.stock import Stock
from atomic_store.journal.verify import Verification

from ..model.scope_seen import ScopeSeen
from ..model.which import Which
from .damaged import DamagedSource, open_damaged, salvage
from .files import FileSource, open_files
from .source import Feature, Followed, Found, Health, OnProgress, Send, Source, nobody_looks

T = TypeVar("T")


@final
@attrs.define(eq=False)
class LastingSource:
    """
    A `Source` that is a store's directory, opened by `open_directory`.

    Each call asks the store's reader, which is quick and sees what is written at once. Where
    that meets damage, what can be read is looked for by itself: once, which takes a while.
    """

    place: str
    _files: FileSource
    _disk: Disk | None
    _damaged: DamagedSource | None = attrs.field(default=None, init=False)
    # Which part, while what can be read is looked for.
    _looked_through: float | None = attrs.field(default=None, init=False)
    _turn: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    @property
    def features(self) -> frozenset[Feature]:
        """Its files are here, and can be checked."""
        return self._files.features

    async def health(self) -> Health:
        """Say how it goes; see `Source`."""
        health = await self._files.health()
        if health.words.startswith(("gone", "replaced")):
            return health
        if self._damaged is not None:
            return await self._damaged.health()
        if self._looked_through is not None:
            words = f"damaged: looking for what can be read, {self._looked_through:.0%}"
            return Health(False, words)
        return health

    async def position(self) -> int:
        """Give the last record's position now; see `Source`."""
        return await self._ask(lambda source: source.position())

    async def scope_end(self, scope: str) -> ScopeSeen | None:
        """Say where a scope ends; see `Source`."""
        return await self._ask(lambda source: source.scope_end(scope))

    async def page(
        self, which: Which, *, after: int = 0, before: int | None = None, reverse: bool = False,
        limit: int,
    ) -> list[StoredRecord]:  # fmt: skip
        """Read some records that are wanted; see `Source`."""
        return await self._ask(
            lambda source: source.page(
                which, after=after, before=before, reverse=reverse, limit=limit
            )
        )

    async def in_scope(self, scope: str, first: int, last: int) -> list[StoredRecord]:
        """Read a scope's records by sequence; see `Source`."""
        return await self._ask(lambda source: source.in_scope(scope, first, last))

    async def at_time(self, at: str, which: Which) -> StoredRecord | None:
        """Give the first record that is wanted at a time or later; see `Source`."""
        return await self._ask(lambda source: source.at_time(at, which))

    async def search(
        self, send: Send[Found], which: Which, *, after: int = 0, before: int | None = None,
        reverse: bool = False,
    ) -> None:  # fmt: skip
        """Look through records and send those that match; see `Source`."""
        before_it = Found((), 0, 0)

        async def pass_on(found: Found) -> None:
            nonlocal before_it
            before_it = found
            await send(found)

        try:
            await self._files.search(pass_on, which, after=after, before=before, reverse=reverse)
        except JournalCorrupt as damage:
            done, total = before_it.done, before_it.total
            source = await self._salvaged(damage)

            async def add(found: Found) -> None:
                await send(Found(found.records, done + found.done, max(total, done + found.total)))

            if not reverse:
                after = max(0, after) + done
            elif total:
                before = max(0, after) + total + 1 - done
            await source.search(add, which, after=after, before=before, reverse=reverse)

    async def follow(self, send: Send[Followed], which: Which, after: int) -> None:
        """Send all wanted records behind a position, now and as they come; see `Source`."""

        async def pass_on(followed: Followed) -> None:
            nonlocal after
            await send(followed)
            after = followed.position

        try:
            await self._files.follow(pass_on, which, after)
        except JournalCorrupt as damage:
            await (await self._salvaged(damage)).follow(send, which, after)

    async def watch_scopes(self, send: Send[Sequence[ScopeSeen]], prefix: str = "") -> None:
        """Send all scopes, then those that change; see `Source`."""
        try:
            await self._files.watch_scopes(send, prefix)
        except JournalCorrupt as damage:
            await (await self._salvaged(damage)).watch_scopes(send, prefix)

    async def end_round(self, scope: str, token: str) -> None:
        """Files hold no rounds: raises `CannotDo`."""
        await self._files.end_round(scope, token)

    async def stock(self) -> Stock:
        """Say what the files hold; see `Source`."""
        return await self._ask(lambda source: source.stock())

    async def verify(self, on_progress: OnProgress) -> Verification:
        """Check everything; see `Source`."""
        return await self._files.verify(on_progress)

    async def figures(self) -> dict[str, Any]:
        """Files count nothing: raises `CannotDo`."""
        return await self._files.figures()

    async def _ask(self, ask: Callable[[Source], Awaitable[T]]) -> T:
        try:
            return await ask(self._files)
        except JournalCorrupt as damage:
            return await ask(await self._salvaged(damage))

    async def _salvaged(self, damage: JournalCorrupt) -> DamagedSource:
        async with self._turn:
            if self._damaged is None:
                try:
                    self._damaged = await salvage(
                        self.place, damage, disk=self._disk, on_progress=self._look_through
                    )
                finally:
                    self._looked_through = None
            return self._damaged

    def _look_through(self, done: int, total: int) -> None:
        self._looked_through = done / max(1, total)


@asynccontextmanager
async def open_directory(
    path: str, *, disk: Disk | None = None, on_progress: OnProgress = nobody_looks
) -> AsyncIterator[LastingSource | DamagedSource]:
    """
    Open a store's directory for a block, sound or damaged.

    Args:
      path: the store's directory.
      disk: another disk than the operating system's.
      on_progress: is called in a thread while a damaged store is read, with how many bytes
        were, of how many.

    Raises:
      NotAStore: there is nothing at `path`, something else, a store that is not finished, or
        one of a later version.
      JournalFailed: the disk refused.

    Checkpoints: on entering. Cancellation: may be cancelled while it opens.
    """
    async with AsyncExitStack() as stack:
        source: LastingSource | DamagedSource
        try:
            files = await stack.enter_async_context(open_files(path, disk=disk))
            source = LastingSource(files.place, files, disk)
        except JournalCorrupt as damage:
            source = await stack.enter_async_context(
                open_damaged(path, damage, disk=disk, on_progress=on_progress)
            )
        yield source
