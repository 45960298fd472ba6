"""What `scan` promises: all that is wanted, nothing else, in the order that was asked for."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import attrs

from ...filter import parse
from ...journal import Draft, EncodedEvent, Journal, StoredRecord, Wanted
from .place import JournalPlace
from .writer import Writer, proposal_id

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
SCOPES = ("lot-1", "lot-2", "lot-10", "other", 'l"ö')


class ScanningConformance(JournalPlace):
    """Cases about `scan`."""

    async def test_scan_all_bounds(self) -> None:
        """Positions are included, crossed bounds empty; each scope, prefix and direction."""
        async with self.open_journal() as journal:
            records = (await _filled(journal)).records

            for first, last, scope, prefix, reverse in itertools.product(
                (0, 1, 2, 30, 100), (None, 0, 1, 29, 10**9), (None, "lot-1", "unknown"),
                ("", "lot-1", "x"), (False, True),
            ):  # fmt: skip
                await _check(
                    journal,
                    records,
                    Wanted(first=first, last=last, scope=scope, prefix=prefix, reverse=reverse),
                )

    async def test_scan_by_time(self) -> None:
        """Both times are included, between records as well as beside all of them."""
        async with self.open_journal() as journal:
            records = (await _filled(journal)).records

            times = [records[0].at, records[-1].at, records[len(records) // 2].at]
            moments = [None, "1999-01-01T00:00:00.000000Z", "2999-01-01T00:00:00.000000Z"]
            moments += [moved for at in times for moved in (at, f"{at[:-2]}{9 - int(at[-2])}Z")]
            for since, until, reverse in itertools.product(moments, moments, (False, True)):
                wanted = Wanted(since=since, until=until, reverse=reverse)
                await _check(journal, records, wanted)

    async def test_scan_with_filters(self) -> None:
        """Exactly what a filter matches is found, alone and together with other bounds."""
        async with self.open_journal() as journal:
            writer = await _filled(journal)
            filters = [parse(text, now=NOW) for text in _filters(writer)]

            some = (Wanted(), Wanted(first=9, last=40), Wanted(scope="lot-1"), Wanted(prefix="lo"))
            for where, reverse, others in itertools.product(filters, (False, True), some):
                wanted = attrs.evolve(others, where=where, reverse=reverse)
                await _check(journal, writer.records, wanted)

    async def test_scan_in_pages_of_any_size(self) -> None:
        """Pages keep their limit and go on where the one before ended, however small."""
        async with self.open_journal() as journal:
            records = (await _filled(journal)).records

            for limit, reverse, scope in itertools.product(
                (1, 2, 7), (False, True), (None, "lot-1")
            ):
                wanted = Wanted(scope=scope, reverse=reverse)
                await _check(journal, records, wanted, limit=limit)

    async def test_scan_thousands_of_records(self) -> None:
        """One that is rare is found among thousands, and thousands are all found."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            for number in range(60):
                writer.append(f"lot-{number % 7}", events=100)
            writer.append("rare")
            for number in range(20):
                writer.append(f"lot-{number % 7}", events=100)
            await writer.flush()
            records = writer.records

            rare = parse("scope ^= rar", now=NOW)
            for reverse in (False, True):
                await _check(journal, records, Wanted(where=rare, reverse=reverse))
                await _check(journal, records, Wanted(scope="rare", reverse=reverse))
                await _check(journal, records, Wanted(scope="lot-3", reverse=reverse), limit=333)
                await _check(journal, records, Wanted(reverse=reverse), limit=3000)

    async def test_scan_shows_what_is_durable(self) -> None:
        """What is not durable yet is not shown, and then it is; nothing is empty."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            await _check(journal, [], Wanted())
            await _check(journal, [], Wanted(scope="lot-1", reverse=True))
            await writer.write(events=3)
            shown = writer.records
            commit = writer.append()
            head = journal.head.position
            assert 3 == head
            await _check(journal, shown, Wanted(last=head))
            await writer.flush()
            assert commit.is_durable
            await _check(journal, writer.records, Wanted())


async def _check(
    journal: Journal, records: Iterable[StoredRecord], wanted: Wanted, *, limit: int = 50
) -> None:
    """Compare what is found, in pages, with what is wanted of all."""
    expected = [record for record in records if wanted.matches(record)]
    if wanted.reverse:
        expected.reverse()
    found: list[StoredRecord] = []
    rest = wanted
    while True:
        page = await journal.scan(rest, limit=limit)
        assert len(page.records) <= limit
        found += page.records
        assert found == expected[: len(found)], wanted
        if page.next is None:
            break
        # Each page must go on behind the one before, or this would never end.
        following = rest.going_on_at(page.next)
        assert following != rest, wanted
        before = rest.last if wanted.reverse else rest.first
        assert before is None or (page.next < before) == wanted.reverse, wanted
        missed = [record for record in expected[len(found) :] if not following.matches(record)]
        assert [] == missed, wanted
        rest = following
    assert expected == found, wanted


async def _filled(journal: Journal) -> Writer:
    """Some dozens of records of a few scopes; decisions of several events and with metadata."""
    writer = Writer(journal)
    for number in range(24):
        metadata = [None, b'{"correlation":"c-%d"}', b'{"causation":"c-%d","n":1}'][number % 3]
        events = tuple(
            EncodedEvent(_TYPES[(number + k) % 2], 1, b'{"cents":%d,"k":%d}' % (50 * number, k))
            for k in range(number % 5 + 1)
        )
        writer.append_draft(
            Draft(
                SCOPES[number % len(SCOPES)],
                # Two scopes each share an id.
                str(uuid.UUID(int=number // 2)),
                events,
                metadata=None if metadata is None else metadata % (number // 4),
            )
        )
        if number % 4 == 0:
            await writer.flush()
    await writer.flush()
    return writer


_TYPES = ("Bid", "Closed")


def _filters(writer: Writer) -> list[str]:
    records = writer.records
    some: Callable[[int], StoredRecord] = records.__getitem__
    return [
        "", "type = Bid", "not type = Bid", "scope = lot-1", "scope in (lot-1, lot-10, nowhere)",
        "scope ^= lot-1 type = Closed", "data.cents = 500", "data.cents > 500", '"c-2"',
        f"id = {some(9).id}", f"id in ({some(3).id}, {some(40).id}, {proposal_id(99)})",
        f"id = {some(9).id} and scope = {some(9).scope}" if '"' not in some(9).scope else "id = x",
        "metadata.correlation = c-2", "metadata.correlation in (c-1, c-3) or type = Nothing",
        "metadata.causation = c-2 scope = lot-1", "metadata", "position > 20 position <= 35",
        "position = 5.5", "sequence = 2", f'at >= "{some(30).at}"', f'at < "{some(30).at}"',
        "at < 2000-01-01", f'at = "{some(12).at}" or position = 3', "data.k = 3 scope = other",
    ]  # fmt: skip
