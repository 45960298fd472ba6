"""Opening a file journal: what is torn, what is damage, what is finished, what is refused."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress

import pytest
import trio

from atomic_store.errors import JournalCorrupt, JournalFailed
from atomic_store.journal.disk import Kind
from atomic_store.journal.verify import verify
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import (
    JOURNAL,
    LAST,
    STORE,
    a_draft,
    last_commit,
    lived,
    only_open,
    open_again,
    opened,
    refusal,
    segment,
    with_file,
    writing,
)


class TestTorn:
    @pytest.mark.no_cover
    def test_every_offset(self) -> None:
        """The last commit, cut off at any byte, is torn: cut off, kept aside, reported."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        begin = last_commit(content)
        whole, _ = open_again(disk.copy())
        before = [record for record in whole if record.position < 8]

        for end in range(begin + 1, len(content) - 1):
            cut = with_file(disk, LAST, content[:end])
            records, journal = open_again(cut)
            kept = f"{JOURNAL}/.torn-{LAST[-26:]}-{begin}"

            assert (end, before) == (end, records)
            assert end - begin == journal.recovery.torn_bytes
            assert kept == journal.recovery.torn_kept
            assert content[begin:end] == cut.files()[kept]
            assert not journal.recovery.was_closed
            assert not verify(STORE, disk=cut).damage

    def test_clean_cut(self) -> None:
        """A commit that is missing as a whole needs a witness: without one, nothing is seen."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        recovery = opened(with_file(disk, LAST, content[: last_commit(content)]))

        assert (7, 0) == (recovery.records, recovery.torn_bytes)

    def test_newline_alone(self) -> None:
        """A commit that lacks only its newline is kept, and completed."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        cut = with_file(disk, LAST, content[:-1])
        records, journal = open_again(cut)

        assert [10] == [record.position for record in records[-1:]]
        assert ("The last commit was whole but for its newline, which was added.",) == (
            journal.recovery.notes
        )
        assert cut.files()[LAST].startswith(content)

    def test_close_line(self) -> None:
        """A close line that is cut off is torn: the store was not closed."""
        disk = lived(is_closed=True)
        path = segment(11)
        content = disk.files()[path]
        for end in range(last_commit(content) + 1, len(content) - 1):
            recovery = opened(with_file(disk, path, content[:end]))

            assert (13, False) == (recovery.records, recovery.was_closed)
            assert recovery.torn_bytes > 0

    def test_sectors_of_zeros(self) -> None:
        """A sector that was not written makes the last commit torn, wherever it is."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        begin = last_commit(content)
        for sector in range(begin // 512, (len(content) - 1) // 512 + 1):
            low, high = max(begin, sector * 512), min(len(content), sector * 512 + 512)
            hole = content[:low] + bytes(high - low) + content[high:]
            recovery = opened(with_file(disk, LAST, hole))

            assert len(content) - begin == recovery.torn_bytes

    def test_zeros_behind(self) -> None:
        """Zeros behind the last commit are torn: the file had grown, its bytes were not there."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        for size in (1, 511, 512, 5000):
            assert size == opened(with_file(disk, LAST, content + bytes(size))).torn_bytes

    def test_kept_aside_twice(self) -> None:
        """What was kept aside before is not overwritten."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        cut = with_file(disk, LAST, content[:-3])
        kept = opened(cut.copy()).torn_kept
        assert kept is not None
        cut.put(kept, b"older")
        again = opened(cut).torn_kept

        assert (f"{kept}.2", b"older") == (again, cut.files()[kept])

    @pytest.mark.parametrize("operation", ["write", "fsync"])
    def test_nothing_is_kept_aside_on_a_full_disk(self, operation: str) -> None:
        """A copy that cannot be finished is not left: each attempt would leave one more."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        cut = with_file(disk, LAST, content[:-3])
        for _ in range(3):
            cut.fail(operation, path="/.torn-", error=errno.ENOSPC)
            with pytest.raises(JournalFailed):
                only_open(cut)

            assert [] == [path for path in cut.files() if "/.torn-" in path]
            assert content[:-3] == cut.files()[LAST]
        kept = opened(cut).torn_kept

        assert kept is not None
        assert content[last_commit(content) : -3] == cut.files()[kept]

    @pytest.mark.no_cover
    def test_kept_aside_whenever_the_power_goes(self) -> None:
        """However opening is cut short, the torn bytes are where they were, or kept aside."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        torn = content[last_commit(content) : -3]
        cut = with_file(disk, LAST, content[:-3])
        whole = cut.copy()
        only_open(whole)
        for change in range(1, whole.changes + 1):
            for seed in range(5):
                broken = cut.copy()
                broken.power_off_at(change)
                with suppress(JournalFailed):
                    only_open(broken)
                files = broken.crash(seed).files()
                kept = [found for path, found in files.items() if "/.torn-" in path]

                assert torn in kept or files[LAST].endswith(torn), (change, seed)

    def test_goes_on(self) -> None:
        """Behind a torn tail that was cut off, the next commit follows without a gap."""
        disk = lived(is_closed=False)
        cut = with_file(disk, LAST, disk.files()[LAST][:-30])

        async def main() -> None:
            async with writing(cut) as store:
                await store.commit(a_draft("lot-2", 20))

        trio.run(main)

        assert [8] == [record.position for record in open_again(cut)[0][7:]]
        assert () == verify(STORE, disk=cut).damage


class TestDamage:
    @pytest.mark.no_cover
    @pytest.mark.parametrize("part", range(3))
    @pytest.mark.parametrize("is_closed", [True, False])
    def test_every_bit(self, is_closed: bool, part: int) -> None:
        """A flipped bit anywhere is refused as damage, located, and never taken for torn."""
        unread, read = (lived(is_closed=is_closed, has_index=has) for has in (True, False))
        files = read.files()
        del files[f"{STORE}/lock"]
        last = max(path for path in files if path.endswith(".jsonl"))
        # All bits of what is most easily mistaken: the last commits, and store.json.
        for path, content in files.items():
            disk = unread if path == last else read
            is_last = path in (last, f"{STORE}/store.json")
            for offset in range(0, len(content), 1 if is_last else 29)[part::3]:
                for bit in range(8):
                    flipped = bytearray(content)
                    flipped[offset] ^= 1 << bit
                    disk.put(path, bytes(flipped))
                    with pytest.raises(JournalCorrupt) as refused:
                        only_open(disk)

                    assert path == refused.value.path
                    assert refused.value.offset <= offset
            disk.put(path, content)

    def test_zeroed_sector_inside(self) -> None:
        """A sector of zeros with later commits behind it is damage: they were acknowledged."""
        disk = lived(is_closed=True)
        content = disk.files()[segment(11)]
        begin = content.index(b'{"position":11')
        hole = content[:begin] + bytes(512) + content[begin + 512 :]

        assert segment(11) == refusal(with_file(disk, segment(11), hole)).path

    def test_zeroed_sector_of_many(self) -> None:
        """A sector of zeros is damage if only one whole commit follows it, or many."""
        disk = FaultyDisk()

        async def main() -> FaultyDisk:
            async with writing(disk, segment_bytes_max=10**6) as store:
                for number in range(1, 7):
                    await store.commit(a_draft("lot-1", number, pad=300))
                return disk.copy()

        killed = trio.run(main)
        content = killed.files()[segment(1)]
        last = last_commit(content)
        for sector in range(1, last // 512):
            hole = content[: sector * 512] + bytes(512) + content[sector * 512 + 512 :]

            assert segment(1) == refusal(with_file(killed, segment(1), hole)).path

    @pytest.mark.parametrize(
        ("change", "expected", "found"),
        [
            (lambda c: c + b"junk", "a record, or its beginning", "'junk'"),
            (lambda c: c + b"\n", "a line that ends in", "nothing"),
            (lambda c: c[:-1] + b"\x0b", "a record, or its beginning", '\'{"position":10'),
            (lambda c: c[:-1] + b"\r\n", "a line that ends in", "crc"),
            (lambda c: b"\xef\xbb\xbf" + c, "a line that ends in", "crc"),
            (lambda c: b"", "a segment's header, whole", "the file's end"),
            (lambda c: c[:40], "a segment's header, whole", '\'{"format":1,"store":"'),
            (lambda c: c + b'{"position":11,"sc\x01', "a record, or its beginning", "position"),
            (lambda c: c + b'{"position":11,"scope":"\xff', "a record, or its", "position"),
            (lambda c: c + b'{"position":12,"scope":"', "a record, or its", "position"),
            (lambda c: c[: c.index(b"\n") + 1] + c, "a record, cut or close line", "header"),
            (lambda c: c + b'{"x"}\n' + bytes(600), "a line that ends in", "{"),
        ],
    )
    def test_of_the_end(self, change: Callable[[bytes], bytes], expected: str, found: str) -> None:
        """What no crash leaves is damage."""
        disk = lived(is_closed=False)
        damage = refusal(with_file(disk, LAST, change(disk.files()[LAST])))

        assert LAST == damage.path
        assert expected in damage.expected
        assert found in damage.found

    def test_doubled_record(self) -> None:
        """A record that is there twice is damage, also where its checksum is right."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        begin = content.index(b'{"position":8')
        end = content.index(b'{"position":9')
        damage = refusal(with_file(disk, LAST, content[:end] + content[begin:end]))

        assert ("position 9", "position 8") == (damage.expected, damage.found)

    def test_missing_segments(self) -> None:
        """A segment that is missing is found: by the next one, or by the cut line before."""
        for first in (1, 5, 8):
            disk = lived(is_closed=False)
            disk.remove(segment(first))

            assert segment(first) == refusal(disk).path

    def test_doubled_segment(self) -> None:
        """A segment that is there twice is found."""
        disk = lived(is_closed=False)
        disk.put(segment(11), disk.files()[LAST])

        assert LAST == refusal(disk).path

    def test_swapped_segments(self) -> None:
        """Segments in each other's place are found."""
        disk = lived(is_closed=False)
        files = disk.files()
        disk.put(segment(5), files[LAST])
        disk.put(LAST, files[segment(5)])

        assert (segment(5), "a header with segment 2") == (
            (damage := refusal(disk)).path,
            damage.expected,
        )

    def test_foreign_segment(self) -> None:
        """A segment of another store is found."""
        disk = lived(is_closed=False)
        disk.put(LAST, lived(is_closed=False).files()[LAST])
        damage = refusal(disk)

        assert LAST == damage.path
        assert damage.expected.startswith("a header with store ")

    def test_uncut_segment(self) -> None:
        """A segment without its cut line is damage if the next one has records."""
        disk = lived(is_closed=False)
        content = disk.files()[segment(5)]
        for end in (content.index(b'{"cut"'), len(content) - 1):
            damage = refusal(with_file(disk, segment(5), content[:end]))

            assert segment(5) == damage.path
            assert f"a cut line that names {LAST[-26:]}" == damage.expected

    def test_something_behind_a_cut(self) -> None:
        """Nothing may follow a cut line."""
        disk = lived(is_closed=False)
        content = disk.files()[segment(5)]
        more = content[content.index(b'{"position":7') : content.index(b'{"cut"')]
        for behind in (more, b"x"):
            damage = refusal(with_file(disk, segment(5), content + behind))

            assert segment(5) == damage.path

    @pytest.mark.parametrize("kind", [Kind.DIRECTORY, Kind.LINK, Kind.OTHER])
    @pytest.mark.parametrize("path", [LAST, f"{STORE}/store.json", f"{STORE}/lock"])
    def test_no_file(self, path: str, kind: Kind) -> None:
        """Something else in the place of a file is damage."""
        disk = lived(is_closed=False)
        disk.put(path, kind=kind)
        with pytest.raises(JournalCorrupt) as refused:
            only_open(disk)

        assert (path, "a regular file", kind.value) == (
            refused.value.path,
            refused.value.expected,
            refused.value.found,
        )

    def test_no_journal(self) -> None:
        """A store without journal/, without segments or with strange files is damaged."""
        disk = lived(is_closed=False)
        disk.put(f"{JOURNAL}/notes.txt", b"hello")
        assert f"{JOURNAL}/notes.txt" == refusal(disk).path
        for first in (1, 5, 8):
            disk.remove(segment(first))
        disk.remove(f"{JOURNAL}/notes.txt")
        assert segment(1) == refusal(disk).path
        disk.remove(JOURNAL)
        assert (JOURNAL, "nothing") == ((damage := refusal(disk)).path, damage.found)

    def test_store_json_missing(self) -> None:
        """Records without a store.json are damage."""
        disk = lived(is_closed=False)
        disk.remove(f"{STORE}/store.json")

        assert f"{STORE}/store.json" == refusal(disk).path

        for first in (5, 8):
            disk.remove(segment(first))

        assert f"{STORE}/store.json" == refusal(disk).path

    def test_store_json_of_another(self) -> None:
        """A store.json that disagrees with the headers is damage."""
        disk = lived(is_closed=False)
        disk.put(f"{STORE}/store.json", lived(is_closed=False).files()[f"{STORE}/store.json"])

        assert segment(1) == refusal(disk).path
