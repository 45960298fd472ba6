"""A desk whose source is a list of records made by hand, and an app for one screen on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, ClassVar, Final

import attrs
import trio
from textual.app import App
from textual.binding import BindingType
from textual.pilot import Pilot
from textual.screen import Screen

from atomic_store.errors import JournalCorrupt
from atomic_store.journal import StoredRecord
from atomic_store.journal.stock import Stock
from atomic_store.journal.verify import Verification
from inspector.bridge import open_bridge
from inspector.desk import Desk
from inspector.folding import Folding
from inspector.model.scope_seen import ScopeSeen
from inspector.model.which import Which
from inspector.screens.event import EventScreen
from inspector.sources.source import Feature, Followed, Found, Health, OnProgress, Send, Source

WAITING_S: Final = 20.0
"""After so long a test gives up to wait for what should be on the screen."""


def bid(sequence: int, data: bytes | None = None, **members: Any) -> StoredRecord:
    """Make a record of a scope."""
    if data is None:
        data = b'{"bidder":"b%d","cents":%d,"note":null}' % (sequence % 3, 100 + 5 * sequence)
    settings: dict[str, Any] = {
        "position": 10 * sequence, "scope": "lot/42", "sequence": sequence,
        "id": f"00000000-0000-7000-8000-{sequence:012}", "at": "2026-11-23T15:04:05.123456Z",
        "type": "Bid", "data": data,
    }  # fmt: skip
    return StoredRecord(**{**settings, **members})


def bids(count: int) -> list[StoredRecord]:
    """Make the records of a scope; each third is a part of something larger."""
    tie = b'{"correlation":"c1","causation":"a \\u001b cause"}'
    return [bid(n, metadata=None if n % 3 else tie) for n in range(1, count + 1)]


@attrs.define(eq=False)
class ListSource:
    """A `Source` over records of one scope; some of them cannot be read."""

    records: list[StoredRecord]
    damaged: frozenset[int] = frozenset()
    asked: list[tuple[int, int]] = attrs.Factory(list)
    place: str = "/stores/house"
    features: frozenset[Feature] = frozenset()

    async def health(self) -> Health:
        await trio.lowlevel.checkpoint()
        return Health(True, "closed cleanly")

    async def position(self) -> int:
        await trio.lowlevel.checkpoint()
        return self.records[-1].position if self.records else 0

    async def scope_end(self, scope: str) -> ScopeSeen | None:
        await trio.lowlevel.checkpoint()
        if not self.records:
            return None
        last = self.records[-1]
        return ScopeSeen(scope, last.sequence, last.position, last.at)

    async def page(self, which: Which, **where: Any) -> list[StoredRecord]:
        await trio.lowlevel.checkpoint()
        return self.records[: where["limit"]]

    async def in_scope(self, scope: str, first: int, last: int) -> list[StoredRecord]:
        await trio.lowlevel.checkpoint()
        self.asked.append((first, last))
        for sequence in self.damaged:
            if first <= sequence <= last:
                raise JournalCorrupt("0001.journal", sequence, "a record's line", "damage")
        return [record for record in self.records if first <= record.sequence <= last]

    async def at_time(self, at: str, which: Which) -> StoredRecord | None:
        raise NotImplementedError

    async def search(self, send: Send[Found], which: Which, **where: Any) -> None:
        await send(Found((), 0, 0))

    async def follow(self, send: Send[Followed], which: Which, after: int) -> None:
        await send(Followed((), after))
        await trio.sleep_forever()

    async def watch_scopes(self, send: Send[Sequence[ScopeSeen]], prefix: str = "") -> None:
        raise NotImplementedError

    async def end_round(self, scope: str, token: str) -> None:
        raise NotImplementedError

    async def stock(self) -> Stock:
        raise NotImplementedError

    async def verify(self, on_progress: OnProgress) -> Verification:
        raise NotImplementedError

    async def figures(self) -> dict[str, Any]:
        raise NotImplementedError


class EventApp(App[None]):
    """An app with one event on the screen."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, source: ListSource, record: StoredRecord, fold: Folding | None) -> None:
        super().__init__()
        self.source, self.record, self.fold = source, record, fold
        self.other: Callable[[], AbstractAsyncContextManager[Source]] | None = None
        """Opens another source instead; the event is the last one of the record's scope."""
        self.event_screen: EventScreen | None = None
        self.opened: list[Screen[Any]] = []
        self.told: list[str] = []
        self._open = AsyncExitStack()

    async def on_mount(self) -> None:
        bridge = await self._open.enter_async_context(open_bridge())
        source: Source = self.source
        if self.other is not None:
            source = await self._open.enter_async_context(bridge.entered(self.other))
            end = await bridge.call(source.scope_end, self.record.scope)
            assert end is not None
            (self.record,) = await bridge.call(
                source.in_scope, self.record.scope, end.sequence, end.sequence
            )
        self.push_screen(Screen())
        self.event_screen = EventScreen(Desk(bridge, source, self.fold), self.record)
        self.push_screen(self.event_screen)

    @property
    def event(self) -> EventScreen:
        """The event's screen."""
        assert self.event_screen is not None
        return self.event_screen

    async def on_unmount(self) -> None:
        await self._open.aclose()

    def push_screen(self, screen: Any, *args: Any, **options: Any) -> Any:
        """Note what is opened from the event."""
        self.opened.append(screen)
        return super().push_screen(screen, *args, **options)

    def notify(self, message: str, **options: Any) -> None:
        """Note what is told."""
        assert options["markup"] is False
        self.told.append(message)


Main = Callable[[EventApp, Pilot[None]], Awaitable[None]]


def piloted(
    main: Main,
    records: Iterable[StoredRecord],
    *,
    at: int = -1,
    size: tuple[int, int] = (80, 24),
    fold: Folding | None = None,
    damaged: Iterable[int] = (),
    other: Callable[[], AbstractAsyncContextManager[Source]] | None = None,
) -> None:
    """Run an app on one of some records, or on the last of its scope in another source."""

    async def run() -> None:
        source = ListSource(list(records), frozenset(damaged))
        app = EventApp(source, source.records[at], fold)
        app.other = other
        async with app.run_test(size=size) as pilot:
            async with asyncio.timeout(WAITING_S):
                while app.event_screen is None:
                    await pilot.pause(0.005)
            await settled(app, pilot)
            await main(app, pilot)
        assert app.return_code in (0, None)

    asyncio.run(run())


async def settled(app: EventApp, pilot: Pilot[None]) -> None:
    """Wait until all that was asked for is on the screen."""
    async with asyncio.timeout(WAITING_S):
        await pilot.pause()
        while any(map(app.event.is_working, ("view", "ahead", "past"))):
            await pilot.pause(0.005)
        await pilot.pause()


async def press(app: EventApp, pilot: Pilot[None], *keys: str) -> None:
    """Press keys, one after the other, and wait for what they do."""
    for key in keys:
        await pilot.press(key)
    await settled(app, pilot)


def text_of(app: App[None]) -> str:
    """All that is on the screen, as lines of text."""
    lines = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in lines)


def lines_of(app: App[None]) -> list[str]:
    """The lines on the screen."""
    return text_of(app).split("\n")


def words_of(app: EventApp) -> str:
    """What was told last."""
    return app.told[-1] if app.told else ""
