"""A store's files: read-only, also beside whoever writes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, final

import attrs
import trio

from atomic_store.errors import (
    JournalCorrupt,
    JournalFailed,
    NotAStore,
    StoreClosed,
    StoreReplaced,
)
from atomic_store.feed import Feed
from atomic_store.journal import ScopeEnd, StoredRecord
from atomic_store.journal.disk import Disk, OSDisk
from atomic_store.journal.followed import FollowedJournal
from atomic_store.journal.stock import Stock, take_stock
from atomic_store.journal.verify import Verification, verify
from atomic_store.reader import Reader, open_reader
from atomic_store.records import Record

from ..model.scope_seen import ScopeSeen
from ..model.which import Which
from .errors import CannotDo
from .looking import POSITION_MAX, SHOWING_S, can_be, first_at, is_text, page_of, search, wanted_of
from .source import Feature, Followed, Found, Health, OnProgress, Send
from .writers import NOBODY, Held, Writer, writer_of

T = TypeVar("T")

SCOPES_MAX = 1_000
"""How many scopes are sent at a time."""
SCOPES_FIRST = 200
"""And at first: more than a screen shows."""
FEW_SCOPES = 24
"""Of so few scopes that begin alike, each is asked by itself: an index knows where they are."""
HEALTH_S = 0.25
"""How long it may take to see what was written since; then what is known must do."""


@final
@attrs.define(eq=False)
class FileSource:
    """
    A `Source` that is a store's directory. Opened by `open_files`.

    Its calls raise what a `Reader` raises, also when the store is taken away or another one
    takes its place: `NotAStore` and `StoreReplaced`. `JournalCorrupt` is raised for what was
    to be read, and cannot; the rest can.
    """

    place: str
    _reader: Reader[Any]
    _disk: Disk
    # A check reads all of a store: one at a time, and it keeps nobody else waiting.
    _long: trio.CapacityLimiter = attrs.field(
        factory=lambda: trio.CapacityLimiter(1), init=False
    )  # fmt: skip

    @property
    def features(self) -> frozenset[Feature]:
        """Its files are here, and can be checked."""
        return frozenset({Feature.FILES, Feature.VERIFY})

    @property
    def _journal(self) -> FollowedJournal:
        return self._reader._journal

    # --- how it goes ------------------------------------------------------------------------

    async def health(self) -> Health:
        """
        Say whether it is there, who writes it, and whether it was closed.

        Checkpoints: always. Cancellation: changes nothing.
        """
        await trio.lowlevel.checkpoint()
        try:
            with trio.move_on_after(HEALTH_S):
                await self._reader.refresh()
        except NotAStore as error:
            return Health(False, f"gone: {error}")
        except StoreReplaced as error:
            return Health(False, f"replaced: {error}")
        except JournalCorrupt as error:
            return Health(False, f"damaged: {error}")
        except (JournalFailed, StoreClosed) as error:
            return Health(False, str(error))
        writer = await writing(self._disk, self.place)
        return Health(*_life(writer, was_closed=self._reader.was_closed))

    async def position(self) -> int:
        """Give the last record's position now; see `Source`."""
        return (await self._reader.refresh()).position

    # --- reading ----------------------------------------------------------------------------

    async def scope_end(self, scope: str) -> ScopeSeen | None:
        """Say where a scope ends; see `Source`."""
        await self._reader.refresh()
        if not can_be(scope):
            return None
        end = await self._journal.scope_end(scope)
        return seen(end) if end.sequence else None

    async def page(
        self, which: Which, *, after: int = 0, before: int | None = None, reverse: bool = False,
        limit: int,
    ) -> list[StoredRecord]:  # fmt: skip
        """Read some records that are wanted; see `Source`."""
        await self._reader.refresh()
        if which.prefix and is_text(which.prefix):
            ends = await self._journal.scopes(prefix=which.prefix, limit=FEW_SCOPES + 1)
            if len(ends) <= FEW_SCOPES:
                found: list[StoredRecord] = []
                for end in ends:
                    one = attrs.evolve(which, scope=end.scope, prefix="")
                    wanted = wanted_of(one, after=after, before=before, reverse=reverse)
                    found += await page_of(self._journal, wanted, limit)
                found.sort(key=lambda record: record.position, reverse=reverse)
                return found[: max(0, limit)]
        wanted = wanted_of(which, after=after, before=before, reverse=reverse)
        return await page_of(self._journal, wanted, limit)

    async def in_scope(self, scope: str, first: int, last: int) -> list[StoredRecord]:
        """Read a scope's records by sequence; see `Source`."""
        await self._reader.refresh()
        if not can_be(scope):
            return []
        return await self._journal.read_scope(scope, first=first, last=min(last, POSITION_MAX))

    async def at_time(self, at: str, which: Which) -> StoredRecord | None:
        """Give the first record that is wanted at a time or later; see `Source`."""
        await self._reader.refresh()
        return await first_at(self._journal, at, which)

    async def search(
        self, send: Send[Found], which: Which, *, after: int = 0, before: int | None = None,
        reverse: bool = False,
    ) -> None:  # fmt: skip
        """Look through records and send those that match; see `Source`."""
        head = await self._reader.refresh()
        wanted = wanted_of(which, after=after, before=before, reverse=reverse)
        await search(self._journal, send, wanted, head.position)

    # --- following --------------------------------------------------------------------------

    async def follow(self, send: Send[Followed], which: Which, after: int) -> None:
        """
        Send all wanted records behind a position, now and as they come; see `Source`.

        Raises:
          StoreReplaced: `after` lies ahead of what is there.
        """
        head = await self._reader.refresh()
        if after > head.position:
            raise StoreReplaced(
                f"expected a store with {after} records or more at {self.place}, "
                f"found one with {head.position}"
            )
        if not can_be(which.scope) or not is_text(which.prefix):
            await send(Followed((), head.position))
            await trio.sleep_forever()
        async with self._reader.subscribe(
            scope=which.scope, prefix=which.prefix or None, where=which.where, after=max(0, after)
        ) as feed:
            while True:
                await send(await next_of(feed))

    async def watch_scopes(self, send: Send[Sequence[ScopeSeen]], prefix: str = "") -> None:
        """
        Send all scopes, then those that change; see `Source`.

        A store without scopes is told as one empty page.
        """
        head = await self._reader.refresh()
        after: str | None = None
        if not is_text(prefix):
            await send(())
            await trio.sleep_forever()
        limit = SCOPES_FIRST
        while page := await self._journal.scopes(prefix=prefix, after=after, limit=limit):
            await send([seen(end) for end in page])
            if after is None and len(page) == limit:
                # Two threads have one interpreter: let the other one show them.
                await trio.sleep(SHOWING_S)
            after = page[-1].scope
            limit = SCOPES_MAX
        if after is None:
            await send(())

        async def changed(followed: Followed) -> None:
            # As they end now, which may be later than these records: nothing goes backwards.
            names = dict.fromkeys(record.scope for record in followed.records)
            if names:
                await send([seen(await self._journal.scope_end(name)) for name in names])

        await self.follow(changed, Which(prefix=prefix), head.position)

    # --- the files --------------------------------------------------------------------------

    async def end_round(self, scope: str, token: str) -> None:
        """Files hold no rounds: raises `CannotDo`."""
        await trio.lowlevel.checkpoint()
        raise CannotDo("a round can be ended through the gateway only, not in the store's files")

    async def stock(self) -> Stock:
        """Say what the files hold; see `Source`."""
        return await in_thread(
            self._disk, lambda check: take_stock(self.place, disk=self._disk, check=check)
        )

    async def verify(self, on_progress: OnProgress) -> Verification:
        """
        Check everything, in a thread; see `Source`.

        Not in several processes: those of a program that has a terminal in its hands share it.
        """
        return await check_all(self._disk, self.place, on_progress, self._long)

    async def figures(self) -> dict[str, Any]:
        """Files count nothing: raises `CannotDo`."""
        await trio.lowlevel.checkpoint()
        raise CannotDo("figures are the gateway's: a store's files have none")


@asynccontextmanager
async def open_files(path: str, *, disk: Disk | None = None) -> AsyncIterator[FileSource]:
    """
    Open a store's directory for a block.

    Args:
      path: the store's directory.
      disk: another disk than the operating system's.

    Raises:
      NotAStore, JournalCorrupt, JournalFailed: as `open_reader`.

    Checkpoints: on entering. Cancellation: may be cancelled while it opens.
    """
    real_disk: Disk = OSDisk() if disk is None else disk
    async with open_reader(path, disk=real_disk) as reader:
        yield FileSource(real_disk.resolve(path), reader, real_disk)


# --- parts that other sources of files have, too ----------------------------------------------


def seen(end: ScopeEnd) -> ScopeSeen:
    """Give where a scope ends; what it does, files do not tell."""
    return ScopeSeen(end.scope, end.sequence, end.position, end.at)


async def in_thread(
    disk: Disk,
    work: Callable[[Callable[[], object]], T],
    limiter: trio.CapacityLimiter | None = None,
) -> T:
    """
    Do what may block; `work` is given what to call so that it can be cancelled.

    Checkpoints; cancellation waits until `work` looks out for it.
    """
    if not disk.uses_threads:
        await trio.lowlevel.checkpoint()
        return work(lambda: None)
    return await trio.to_thread.run_sync(
        lambda: work(trio.from_thread.check_cancelled),
        limiter=limiter or trio.CapacityLimiter(1),
    )  # fmt: skip


async def check_all(
    disk: Disk, path: str, on_progress: OnProgress, limiter: trio.CapacityLimiter
) -> Verification:
    """Check a whole store in a thread. Checkpoints, and may be cancelled between two reads."""

    def work(check: Callable[[], object]) -> Verification:
        def report(done: int, in_all: int) -> None:
            check()
            on_progress(done, in_all)

        return verify(path, disk=disk, on_progress=report)

    return await in_thread(disk, work, limiter)


async def writing(disk: Disk, path: str) -> Writer:
    """Say who writes a store. Checkpoints."""
    if not isinstance(disk, OSDisk):
        await trio.lowlevel.checkpoint()
        return NOBODY
    return await in_thread(disk, lambda check: writer_of(path))


async def next_of(feed: Feed[Any]) -> Followed:
    """
    Take all that a feed has at hand, once it has something.

    Raises:
      StoreClosed: the feed has ended.
    """
    page = await feed.page()
    if not page:
        raise StoreClosed("the reader was closed")
    records = [item._stored for item in page if isinstance(item, Record)]
    return Followed(records, feed.position)


def _life(writer: Writer, *, was_closed: bool) -> tuple[bool, str]:
    """Say whether all is well, and in words."""
    match writer.held:
        case Held.YES:
            return True, writer.sentence
        case _ if was_closed:
            return True, "closed cleanly"
        case Held.PERHAPS:
            return True, writer.sentence
        case _:
            return False, "not closed: its writer was killed, or failed; the next one goes on"
