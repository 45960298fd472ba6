"""
What needs nothing but records: pages, and searches that tell how far they have come.

It is the same for a store's files, for what is left of them, and for a gateway: each of them
looks for records a page at a time, and says where to go on.
"""

from __future__ import annotations

import attrs
import trio

from atomic_store.errors import InvalidEvent
from atomic_store.intake import check_scope
from atomic_store.journal import RecordSource, StoredRecord, Wanted
from atomic_store.reading import moment

from ..model.which import Which
from .errors import NotATime
from .source import Found, Send

POSITION_MAX = 2**53 - 2
"""No position or sequence is greater; a gateway takes no greater numbers."""
FIRST_RECORDS = 16
"""How many hits a search gives at first, so that somebody sees something at once."""
PAGE_RECORDS = 500
"""How many it gives at a time, later on."""
GROWTH = 4
SHOWING_S = 0.05
"""So long nothing more is sent after what somebody waits for: the first scopes, the first hits."""
PROGRESS_S = 0.1
"""How often a search that finds nothing says how far it is."""


def wanted_of(
    which: Which, *, after: int = 0, before: int | None = None, reverse: bool = False
) -> Wanted | None:
    """
    Say what is looked for, as the store's own reading calls have it.

    Returns:
      None if there can be no such record.
    """
    if not can_be(which.scope) or not is_text(which.prefix):
        return None
    first, last = max(0, after) + 1, None if before is None else before - 1
    if first > POSITION_MAX or (last is not None and last < first):
        return None
    return Wanted(
        first=first, last=None if last is None else min(last, POSITION_MAX), scope=which.scope,
        prefix=which.prefix, where=which.where, reverse=reverse,
    )  # fmt: skip


def can_be(scope: str | None) -> bool:
    """Whether a scope can have this name; None stands for all of them."""
    if scope is None:
        return True
    try:
        check_scope(scope)
    except InvalidEvent:
        return False
    return True


def is_text(name: str) -> bool:
    """Whether UTF-8 can hold it; nothing that is stored has another name."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


async def page_of(source: RecordSource, wanted: Wanted | None, limit: int) -> list[StoredRecord]:
    """Read the first records that are wanted, so many at most. Checkpoints."""
    await trio.lowlevel.checkpoint()
    found: list[StoredRecord] = []
    while wanted is not None and len(found) < limit:
        page = await source.scan(wanted, limit=limit - len(found))
        found += page.records
        wanted = None if page.next is None else wanted.going_on_at(page.next)
    return found


async def first_at(source: RecordSource, at: str, which: Which) -> StoredRecord | None:
    """
    Give the first record that is wanted, at a time or later.

    Raises:
      NotATime: `at` is none.
    """
    try:
        since = moment(at)
    except ValueError as error:
        raise NotATime(str(error).removeprefix("at: ")) from None
    wanted = wanted_of(which)
    found = await page_of(source, wanted and attrs.evolve(wanted, since=since), 1)
    return found[0] if found else None


async def search(
    source: RecordSource, send: Send[Found], wanted: Wanted | None, position: int
) -> None:
    """
    Look through records, and send those that are wanted.

    Args:
      position: the last record's; what comes later is not looked at.

    Checkpoints, and may be cancelled: it waits for a page at most, some hundredths of a second.
    """
    await trio.lowlevel.checkpoint()
    first, last = _bounds(wanted, position)
    total = max(0, last - first + 1)
    going_on = None if wanted is None or not total else attrs.evolve(wanted, last=last)
    if going_on is None:
        await send(Found((), total, total))
    limit, told_at, is_first = FIRST_RECORDS, trio.current_time(), True
    while going_on is not None:
        page = await source.scan(going_on, limit=limit)
        done = total
        if page.next is not None:
            done = last - page.next if going_on.reverse else page.next - first
        going_on = None if page.next is None else going_on.going_on_at(page.next)
        if page.records:
            limit = min(limit * GROWTH, PAGE_RECORDS)
        elif going_on is not None and trio.current_time() - told_at < PROGRESS_S:
            continue
        await send(Found(page.records, done, total))
        if page.records and is_first and going_on is not None:
            # Two threads have one interpreter: let the other one show them.
            await trio.sleep(SHOWING_S)
            is_first = False
        told_at = trio.current_time()


def _bounds(wanted: Wanted | None, position: int) -> tuple[int, int]:
    """The first and the last position to look at; crossed if there is none."""
    if wanted is None:
        return 1, 0
    return wanted.first, position if wanted.last is None else min(wanted.last, position)
