"""Restoring: a store as it was, at a position or a time, with a history of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from atomic_store.errors import JournalCorrupt
from atomic_store.journal.creating import read_identity
from atomic_store.journal.disk import Kind
from atomic_store.safekeeping import backup, restore, verify
from followed_journals import records_in
from journal_files import SEGMENT_BYTES_MAX, STORE, lived, only_open_at, opened, segment
from kept_safe import TARGET, files_of

TIME = "2026-11-23T15:04:05.129456Z"
"""That of the record at position 6."""


class TestUntil:
    def test_every_position(self) -> None:
        """It ends with the last whole decision up to there; the rest is told to be left out."""
        disk = lived(is_closed=True)
        all_records = records_in(STORE, disk)
        for until in range(14):
            done = restore(STORE, f"/{until}", until=until, disk=disk)
            records = records_in(f"/{until}", disk)
            whole = [r for r in all_records if r.position <= until]
            while whole and whole[-1].part and whole[-1].part[0] < whole[-1].part[1]:
                whole.pop()

            assert whole == records
            assert (len(whole), 13 - len(whole)) == (done.head.position, done.left_out)
            assert (done.head, ()) == (
                (found := verify(f"/{until}", disk=disk)).head,
                found.damage,
            )
            assert (records[-1].at if records else "") == done.at
            assert verify(STORE, disk=disk).head == done.source_head

    @pytest.mark.parametrize(
        ("until", "position"),
        [
            (TIME, 6),
            ("2026-11-23T15:04:05.129455Z", 5),
            ("2026-11-23T17:04:05.129456+02:00", 6),
            (datetime(2026, 11, 23, 15, 4, 5, 129456, UTC), 6),
            (datetime(2026, 11, 23, 17, 4, 5, 129455, timezone(timedelta(hours=2))), 5),
            ("2026-11-23", 13),
            ("2026-11-22", 0),
            (None, 13),
        ],
    )
    def test_times(self, until: str | datetime | None, position: int) -> None:
        """A time counts with what was admitted at it; a day to its end."""
        disk = lived(is_closed=True)

        assert position == restore(STORE, TARGET, until=until, disk=disk).head.position

    @pytest.mark.parametrize("until", [-1, "soon", "", True, datetime(2026, 1, 1), 1.5])
    def test_what_is_no_moment(self, until: object) -> None:
        """What is neither a position nor a time is refused before anything is read."""
        disk = lived(is_closed=True)
        disk.log.clear()
        with pytest.raises(ValueError, match="until: expected a position, or a time"):
            restore(STORE, TARGET, until=until, disk=disk)  # type: ignore[arg-type]

        assert [] == disk.log

    def test_a_position_that_is_not_there(self) -> None:
        """A source that does not reach so far is not what was meant: nothing is made."""
        disk = lived(is_closed=True)
        with pytest.raises(ValueError, match=r"until: expected a position up to 13, .* found 14"):
            restore(STORE, TARGET, until=14, disk=disk)

        assert disk.kind(TARGET) is Kind.NOTHING


class TestNewStore:
    def test_ids(self) -> None:
        """It has the store's id and the time when that was made, and another history each time."""
        disk = lived(is_closed=True)
        before = files_of(disk, STORE)
        done = [restore(STORE, place, disk=disk) for place in ("/a", "/b")]
        old, *new = (read_identity(disk, place) for place in (STORE, "/a", "/b"))

        assert {(old.store, old.created, False)} == {(n.store, n.created, n.backup) for n in new}
        assert [n.history for n in new] == [one.history for one in done]
        assert 3 == len({old.history, *(n.history for n in new)})
        assert before == files_of(disk, STORE)

    @pytest.mark.parametrize("is_closed", [True, False])
    def test_it_opens(self, is_closed: bool) -> None:
        """It opens for writing like a store that was closed, also when made of a backup."""
        disk = lived(is_closed=is_closed)
        backup(STORE, "/b", disk=disk)
        restore("/b", TARGET, disk=disk, segment_bytes_max=SEGMENT_BYTES_MAX)
        only_open_at(disk, TARGET)
        expected = records_in(STORE, disk)
        disk.remove(STORE)
        for path, content in files_of(disk, TARGET).items():
            disk.put(path.replace(TARGET, STORE), content)

        assert opened(disk).was_closed
        assert expected == records_in(STORE, disk)

    def test_what_is_left_of_another(self) -> None:
        """Files whose making was interrupted lie beside it, and are left alone."""
        disk = lived(is_closed=True)
        disk.put("/.new-target/journal", b"somebody else's")
        restore(STORE, TARGET, disk=disk)

        assert b"somebody else's" == disk.files()["/.new-target/journal"]


class TestDamage:
    def test_before_the_end(self) -> None:
        """Damage in what is wanted ends it, and nothing is made."""
        disk = lived(is_closed=True)
        disk.put(segment(6), disk.files()[segment(6)].replace(b'"cents":500', b'"cents":501'))
        with pytest.raises(JournalCorrupt) as refused:
            restore(STORE, TARGET, until=7, disk=disk)

        assert segment(6) == refused.value.path
        assert disk.kind(TARGET) is Kind.NOTHING

    def test_behind_the_end(self) -> None:
        """Damage in what is left out is told, and does no harm."""
        disk = lived(is_closed=True)
        disk.put(segment(6), disk.files()[segment(6)].replace(b'"cents":500', b'"cents":501'))
        done = restore(STORE, TARGET, until=5, disk=disk)

        assert done.damage is not None
        assert (segment(6), 5, 6) == (
            done.damage.path,
            done.head.position,
            done.source_head.position,
        )
        assert (5, ()) == ((found := verify(TARGET, disk=disk)).records, found.damage)
