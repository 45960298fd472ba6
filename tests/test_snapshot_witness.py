"""Snapshots as a witness: a journal that lacks records on which they rest does not open."""

from __future__ import annotations

import pytest
import trio

from atomic_store.errors import JournalCorrupt
from atomic_store.journal.snapshots import witness as witness_module
from atomic_store.journal.snapshots.witness import refuse_missing_records
from atomic_store.journal.verify import verify
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import STORE, a_draft, open_again, segment, writing
from snapshot_stores import (
    SNAPSHOTS,
    keep,
    kept,
    log_path,
    newest_on,
    place_on,
)


class TestWitness:
    @pytest.mark.parametrize("pad", [0, 100_000])
    def test_missing_records(self, pad: int) -> None:
        """A journal that lacks records on which snapshots rest does not open."""
        disk = FaultyDisk()

        async def main() -> FaultyDisk:
            async with writing(disk, segment_bytes_max=10**6) as store:
                await store.commit(a_draft("lot-1", 1))
                before = disk.copy()
                await keep(store, 3, pad=pad)
                return before

        before = trio.run(main)
        before.put(log_path(), disk.files()[log_path()])
        journal = before.files()[segment(1)]
        with pytest.raises(JournalCorrupt, match="expected records up to position 6") as raised:
            open_again(before)

        assert (raised.value.path, raised.value.offset) == (segment(1), len(journal))
        assert raised.value.found == "1 as the last position"
        assert f"snapshots in {SNAPSHOTS} rest" in raised.value.expected
        assert before.files()[segment(1)] == journal
        (damage,) = verify(STORE, disk=before).damage
        assert damage.found == "a snapshot that rests on position 6: records are missing"
        before.remove(log_path())
        assert len(open_again(before)[0]) == 1
        assert verify(STORE, disk=before).damage == ()
        assert verify(STORE, disk=disk).damage == ()

    def test_its_last_line_is_torn(self) -> None:
        """The last whole line is the witness."""
        disk = kept(3, 6)
        content = disk.files()[log_path()]
        place = place_on(disk)
        refuse_missing_records(place, 12, "", 0)
        with pytest.raises(JournalCorrupt):
            refuse_missing_records(place, 11, "", 0)
        disk.put(log_path(), content.replace(b'"position":12', b'"position":13'))
        refuse_missing_records(place, 6, "", 0)
        with pytest.raises(JournalCorrupt):
            refuse_missing_records(place, 5, "", 0)

    def test_so_much_garbage(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A witness is looked for in so many bytes at the end; then the log says nothing."""
        disk = kept(3)
        content = disk.files()[log_path()]
        disk.put(log_path(), content + b"x" * 500_000)
        with pytest.raises(JournalCorrupt):
            refuse_missing_records(place_on(disk), 5, "", 0)
        monkeypatch.setattr(witness_module, "TAIL_BYTES_MAX", 100_000)
        refuse_missing_records(place_on(disk), 5, "", 0)

    def test_it_cannot_be_read(self) -> None:
        """A log that cannot be read says nothing, and is no reason not to open."""
        for operation, nth in (
            ("list", 1),
            ("open", 1),
            ("open", 2),
            ("read", 1),
            ("read", 2),
            ("fstat", 1),
        ):
            disk = kept(3)
            disk.fail(operation, path=SNAPSHOTS, nth=nth)
            refuse_missing_records(place_on(disk), 5, "", 0)

    def test_deletions_are_witnesses(self) -> None:
        """A line that deletes snapshots tells of the last record, too."""
        disk = kept(3)

        async def main() -> None:
            async with writing(disk) as store:
                await store.commit(a_draft("lot-1", 99))
                await store.journal.delete_snapshots("lot-1")

        trio.run(main)
        with pytest.raises(JournalCorrupt):
            refuse_missing_records(place_on(disk), 6, "", 0)
        assert newest_on(disk) == [0, 3]
