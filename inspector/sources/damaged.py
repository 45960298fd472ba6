"""A store that is damaged: what can be read of it is shown, and what cannot is counted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, final

import attrs
import trio

from atomic_store.errors import JournalCorrupt, StoreReplaced
from atomic_store.journal import Head, Page, ScopeEnd, StoredRecord, Wanted
from atomic_store.journal.creating import expect_store, read_identity
from atomic_store.journal.disk import Disk, OSDisk
from atomic_store.journal.layout import INDEX, JOURNAL, SNAPSHOTS
from atomic_store.journal.line import StoreLine
from atomic_store.journal.stock import SegmentStock, Stock, folder_of, torn_of
from atomic_store.journal.verify import Verification

from ..model.scope_seen import ScopeSeen
from ..model.which import Which
from .errors import CannotDo
from .files import SCOPES_MAX, check_all, in_thread, seen, writing
from .looking import POSITION_MAX, first_at, page_of, search, wanted_of
from .salvage import Check, Salvage, Segment
from .salvaged import SalvagedPage, records_of
from .source import Feature, Followed, Found, Health, OnProgress, Send, nobody_looks
from .writers import Held

T = TypeVar("T")

PAGE_RECORDS = 500
POLL_S = 0.25
"""How often whoever follows looks for what was added."""


@final
@attrs.define(eq=False)
class Remains:
    """The records of a damaged store, as a `RecordSource` that reads in threads."""

    _disk: Disk
    _path: str
    _salvage: Salvage
    _identity: StoreLine | None
    # What is found out about the files changes it: one thread at a time.
    _turn: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    @property
    def head(self) -> Head:
        """The last record that can be read, as of the last `refresh`; no commit value."""
        return Head(self._salvage.last, "")

    @property
    def places(self) -> int:
        """How many places are damaged, as of the last `refresh`."""
        return self._salvage.places

    async def refresh(self, on_progress: OnProgress = nobody_looks) -> None:
        """
        Take up what was written since.

        Args:
          on_progress: is called in a thread with how many bytes were read, of how many.

        Checkpoints: always. Cancellation: nothing is lost.

        Raises:
          NotAStore: the store is not there any more.
          StoreReplaced: another one is, or another history of it.
          JournalFailed: the disk refused.
        """
        await self._do(lambda check: self._read_on(check, on_progress))

    def _read_on(self, check: Check, on_progress: OnProgress) -> None:
        expect_store(self._disk, self._path)
        now = _identity_at(self._disk, self._path)
        if self._identity is not None and now is not None and now != self._identity:
            raise StoreReplaced(
                f"expected store {self._identity.store}, history {self._identity.history}, at "
                f"{self._path}, found store {now.store}, history {now.history}"
            )
        if self._salvage.is_stale():
            self._salvage = Salvage(self._disk, self._path)
        self._salvage.read_on(check, on_progress)

    async def scan(self, wanted: Wanted, *, limit: int) -> Page:
        """Look for records that are wanted; see `Journal`."""
        return await self._do(
            lambda check: SalvagedPage(self._salvage, wanted, limit, check).page()
        )

    async def read_scope(
        self,
        scope: str,
        *,
        first: int = 1,
        last: int | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> list[StoredRecord]:
        """Read those of a scope's records that can be read; see `Journal`."""

        def read(check: Check) -> list[StoredRecord]:
            until = POSITION_MAX if last is None else last
            numbers = self._salvage.of_sequences(scope, first, until)
            ordered = list(reversed(numbers)) if reverse else list(numbers)
            return records_of(self._salvage, ordered[:limit], check)

        return await self._do(read)

    async def end(self, scope: str) -> ScopeEnd | None:
        """Where a scope ends, of what can be read."""
        return await self._do(lambda check: self._salvage.end(scope))

    async def scopes(self, prefix: str, after: str | None, limit: int) -> list[ScopeEnd]:
        """A page of the scopes, by code point."""
        return await self._do(lambda check: self._salvage.scopes(prefix, after, limit))

    async def stock(self) -> Stock:
        """Say what there is, as far as it can be known."""
        return await self._do(self._stock)

    def _stock(self, check: Check) -> Stock:
        salvage, identity = self._salvage, self._identity
        return Stock(
            "" if identity is None else identity.store,
            "" if identity is None else identity.history,
            "" if identity is None else identity.created,
            self.head, salvage.at, salvage.scope_count,
            tuple(map(self._segment, salvage.segments)), 0,
            folder_of(self._disk, f"{self._path}/{INDEX}"),
            folder_of(self._disk, f"{self._path}/{SNAPSHOTS}"),
            torn_of(self._disk, f"{self._path}/{JOURNAL}"),
        )  # fmt: skip

    def _segment(self, segment: Segment) -> SegmentStock:
        return SegmentStock(
            segment.name, self._salvage.size(segment), segment.records, segment.first_at,
            segment.last_at, "none",
        )  # fmt: skip

    async def _do(self, work: Callable[[Check], T]) -> T:
        async with self._turn:
            return await in_thread(self._disk, work)


@final
@attrs.define(eq=False)
class DamagedSource:
    """
    A `Source` that is a damaged store's directory. Opened by `open_damaged`.

    Positions and sequences may have gaps. What index files say is not believed: all is read
    when it is opened. Its calls raise `NotAStore` and `StoreReplaced` when the store is taken
    away, and never `JournalCorrupt`.
    """

    place: str
    damage: JournalCorrupt
    """What was met first."""
    _disk: Disk
    _remains: Remains
    _long: trio.CapacityLimiter = attrs.field(
        factory=lambda: trio.CapacityLimiter(1), init=False
    )  # fmt: skip

    @property
    def features(self) -> frozenset[Feature]:
        """Its files are here, and can be checked."""
        return frozenset({Feature.FILES, Feature.VERIFY})

    # --- how it goes ------------------------------------------------------------------------

    async def health(self) -> Health:
        """
        Say how much is damaged, and who writes it all the same.

        Checkpoints: always. Cancellation: changes nothing.
        """
        writer = await writing(self._disk, self.place)
        places = self._remains.places
        counted = "" if not places else ", 1 place" if places == 1 else f", {places:,} places"
        name = Path(self.damage.path).name
        words = f"damaged: {name} at offset {self.damage.offset}{counted}"
        if writer.held is not Held.NO:
            words += f"; {writer.sentence}"
        return Health(False, f"{words}; what can be read is shown")

    async def position(self) -> int:
        """Give the last position that can be read; see `Source`."""
        await self._remains.refresh()
        return self._remains.head.position

    # --- reading ----------------------------------------------------------------------------

    async def scope_end(self, scope: str) -> ScopeSeen | None:
        """Say where a scope ends, of what can be read; see `Source`."""
        await self._remains.refresh()
        end = await self._remains.end(scope)
        return None if end is None else seen(end)

    async def page(
        self, which: Which, *, after: int = 0, before: int | None = None, reverse: bool = False,
        limit: int,
    ) -> list[StoredRecord]:  # fmt: skip
        """Read some records that are wanted; see `Source`."""
        await self._remains.refresh()
        wanted = wanted_of(which, after=after, before=before, reverse=reverse)
        return await page_of(self._remains, wanted, limit)

    async def in_scope(self, scope: str, first: int, last: int) -> list[StoredRecord]:
        """Read a scope's records by sequence, those that there are; see `Source`."""
        await self._remains.refresh()
        return await self._remains.read_scope(scope, first=first, last=last)

    async def at_time(self, at: str, which: Which) -> StoredRecord | None:
        """Give the first record that is wanted at a time or later; see `Source`."""
        await self._remains.refresh()
        return await first_at(self._remains, at, which)

    async def search(
        self, send: Send[Found], which: Which, *, after: int = 0, before: int | None = None,
        reverse: bool = False,
    ) -> None:  # fmt: skip
        """Look through what can be read and send what matches; see `Source`."""
        await self._remains.refresh()
        wanted = wanted_of(which, after=after, before=before, reverse=reverse)
        await search(self._remains, send, wanted, self._remains.head.position)

    # --- following --------------------------------------------------------------------------

    async def follow(self, send: Send[Followed], which: Which, after: int) -> None:
        """Send all wanted records behind a position, now and as they come; see `Source`."""
        position, is_first = max(0, after), True
        while True:
            await self._remains.refresh()
            head = self._remains.head.position
            going_on = wanted_of(which, after=position, before=head + 1)
            while going_on is not None:
                page = await self._remains.scan(going_on, limit=PAGE_RECORDS)
                going_on = None if page.next is None else going_on.going_on_at(page.next)
                position = head if page.next is None else page.next - 1
                await send(Followed(page.records, position))
                is_first = False
            if is_first:
                await send(Followed((), position))
                is_first = False
            await trio.sleep(POLL_S)

    async def watch_scopes(self, send: Send[Sequence[ScopeSeen]], prefix: str = "") -> None:
        """Send all scopes that can be read, then those that change; see `Source`."""
        await self._remains.refresh()
        position, after = self._remains.head.position, None
        while page := await self._remains.scopes(prefix, after, SCOPES_MAX):
            await send([seen(end) for end in page])
            after = page[-1].scope
        if after is None:
            await send(())

        async def changed(followed: Followed) -> None:
            names = dict.fromkeys(record.scope for record in followed.records)
            ends = [await self._remains.end(name) for name in names]
            if names:
                await send([seen(end) for end in ends if end is not None])

        await self.follow(changed, Which(prefix=prefix), position)

    # --- the files --------------------------------------------------------------------------

    async def end_round(self, scope: str, token: str) -> None:
        """Files hold no rounds: raises `CannotDo`."""
        await trio.lowlevel.checkpoint()
        raise CannotDo("a round can be ended through the gateway only, not in the store's files")

    async def stock(self) -> Stock:
        """
        Say what the files hold, as far as it can be known; see `Source`.

        There is no commit value, and no index file counts.
        """
        await self._remains.refresh()
        return await self._remains.stock()

    async def verify(self, on_progress: OnProgress) -> Verification:
        """Check everything; see `Source`."""
        return await check_all(self._disk, self.place, on_progress, self._long)

    async def figures(self) -> dict[str, Any]:
        """Files count nothing: raises `CannotDo`."""
        await trio.lowlevel.checkpoint()
        raise CannotDo("figures are the gateway's: a store's files have none")


@asynccontextmanager
async def open_damaged(
    path: str,
    damage: JournalCorrupt,
    *,
    disk: Disk | None = None,
    on_progress: OnProgress = nobody_looks,
) -> AsyncIterator[DamagedSource]:
    """
    Open a damaged store's directory for a block. All that can be read of it is read once.

    Args:
      path: the store's directory.
      damage: why it cannot be opened otherwise.
      disk: another disk than the operating system's.
      on_progress: is called in a thread with how many bytes were read, of how many.

    Raises:
      NotAStore: there is nothing at `path`, or something else.
      JournalFailed: the disk refused.

    Checkpoints: on entering. Cancellation: may be cancelled while it reads.
    """
    yield await salvage(path, damage, disk=disk, on_progress=on_progress)


async def salvage(
    path: str,
    damage: JournalCorrupt,
    *,
    disk: Disk | None = None,
    on_progress: OnProgress = nobody_looks,
) -> DamagedSource:
    """Read what can be read of a damaged store; see `open_damaged`. It holds no file open."""
    real_disk: Disk = OSDisk() if disk is None else disk
    place = real_disk.resolve(path)
    identity = await in_thread(real_disk, lambda check: _identity_at(real_disk, place))
    remains = Remains(real_disk, place, Salvage(real_disk, place), identity)
    await remains.refresh(on_progress)
    return DamagedSource(place, damage, real_disk, remains)


def _identity_at(disk: Disk, path: str) -> StoreLine | None:
    """Whose store it is; None if that cannot be read."""
    try:
        return read_identity(disk, path)
    except JournalCorrupt:
        return None
