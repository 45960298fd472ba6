"""More journals that are each broken in one small way: in how they look for records."""

from __future__ import annotations

import attrs
import trio

import broken_commits  # noqa: F401 - adds its own to the list
from atomic_store.journal import Page, StoredRecord, Wanted
from atomic_store.journal.memory import MemoryJournal
from broken_journals import BROKEN, caught_by


class ScansForOthers(MemoryJournal):
    def other(self, wanted: Wanted) -> Wanted:
        return wanted

    def change(self, page: Page) -> Page:
        return page

    async def scan(self, wanted: Wanted, *, limit: int) -> Page:
        return self.change(await super().scan(self.other(wanted), limit=limit))


@caught_by("test_scan_all_bounds")
class ScansFromTheNextPosition(ScansForOthers):
    def other(self, wanted: Wanted) -> Wanted:
        return attrs.evolve(wanted, first=wanted.first + 1)


@caught_by("test_scan_all_bounds")
class TakesALastPositionOfZeroForNone(ScansForOthers):
    def other(self, wanted: Wanted) -> Wanted:
        return attrs.evolve(wanted, last=wanted.last or None)


@caught_by("test_scan_all_bounds")
class TakesAScopeForAPrefix(ScansForOthers):
    def other(self, wanted: Wanted) -> Wanted:
        if wanted.scope is None or wanted.prefix:
            return wanted
        return attrs.evolve(wanted, scope=None, prefix=wanted.scope)


@caught_by("test_scan_all_bounds")
class ForgetsThePrefixWhereThereIsAScope(ScansForOthers):
    def other(self, wanted: Wanted) -> Wanted:
        return attrs.evolve(wanted, prefix="" if wanted.scope else wanted.prefix)


@caught_by("test_scan_by_time")
class LeavesTheFirstTimeOut(ScansForOthers):
    def other(self, wanted: Wanted) -> Wanted:
        return attrs.evolve(wanted, since=wanted.since and wanted.since + "!")


@caught_by("test_scan_by_time")
class ForgetsTheLastTimeBackwards(ScansForOthers):
    def other(self, wanted: Wanted) -> Wanted:
        return attrs.evolve(wanted, until=None if wanted.reverse else wanted.until)


@caught_by("test_scan_with_filters")
class FiltersForwardsOnly(ScansForOthers):
    def other(self, wanted: Wanted) -> Wanted:
        return attrs.evolve(wanted, where=None if wanted.reverse else wanted.where)


@caught_by("test_scan_with_filters")
class BelievesTheBoundsOfAFilter(MemoryJournal):
    async def scan(self, wanted: Wanted, *, limit: int) -> Page:
        bounds = None if wanted.where is None else wanted.where.bounds
        if bounds is not None and bounds.ids is not None:
            found = [r for r in self._records if r.id in bounds.ids and wanted.scope is None]
            await trio.lowlevel.checkpoint()
            return Page(found[::-1] if wanted.reverse else found, None)
        return await super().scan(wanted, limit=limit)


@caught_by("test_scan_in_pages_of_any_size")
class GoesOnOnePositionTooFar(ScansForOthers):
    def change(self, page: Page) -> Page:
        return page if page.next is None else attrs.evolve(page, next=page.next + 1)


@caught_by("test_scan_in_pages_of_any_size")
class GivesTheLastRecordAgain(MemoryJournal):
    async def scan(self, wanted: Wanted, *, limit: int) -> Page:
        page = await super().scan(wanted, limit=limit)
        if page.next is None or not page.records or limit == 1:
            return page
        return attrs.evolve(page, next=page.records[-1].position)


@caught_by("test_scan_in_pages_of_any_size")
class GivesOneMoreThanTheLimit(MemoryJournal):
    async def scan(self, wanted: Wanted, *, limit: int) -> Page:
        return await super().scan(wanted, limit=limit + 1)


@caught_by("test_scan_thousands_of_records")
class GivesUpWhereNothingIsFound(ScansForOthers):
    def change(self, page: Page) -> Page:
        return page if page.records else attrs.evolve(page, next=None)


@caught_by("test_scan_shows_what_is_durable")
class KeepsWhatItFoundFirst(MemoryJournal):
    found: Page | None = None

    async def scan(self, wanted: Wanted, *, limit: int) -> Page:
        if self.found is None or wanted != Wanted():
            page = await super().scan(wanted, limit=limit)
            self.found = self.found or page
            return page
        await trio.lowlevel.checkpoint()
        return self.found


@caught_by("test_scan_with_filters")
class FindsNoSecondPart(ScansForOthers):
    def change(self, page: Page) -> Page:
        return attrs.evolve(page, records=[r for r in page.records if _is_first(r)])


def _is_first(record: StoredRecord) -> bool:
    return record.part is None or record.part[0] == 1


ALL_BROKEN = BROKEN
"""The broken journals of all files, each with a case of the suite that must fail for it."""
