"""The lines of a snapshot log: what was written is read, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store.journal import Snapshot
from atomic_store.journal.snapshots.lines import (
    deleted_line,
    header_line,
    parse_snapshot,
    snapshot_line,
    to_snapshot,
    witnessed,
)
from atomic_store.journal.snapshots.scan import HEAD_BYTES_MAX, Deleted, Seen, scan
from snapshot_logs import is_sound, with_crc

COMMIT = "0123456789abcdef" * 2
SNAPSHOT = Snapshot('lot "ö"\n', 12, 3, b'{"best":500}')
LINE = snapshot_line(SNAPSHOT, 70, COMMIT)
DELETED = deleted_line('lot "ö"\n', 1, 12, 71, COMMIT)

names = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=100)


def seen_in(*pieces: bytes) -> list[Seen | Deleted]:
    """What a scan finds in these bytes."""
    content = b"".join(pieces)
    return list(scan(lambda begin, end: content[begin:end], 0, len(content)))


class TestLines:
    def test_bytes(self) -> None:
        """The lines are what docs/format.md says."""
        assert LINE.decode() == (
            '{"snapshot":"lot \\"ö\\"\\n","sequence":12,"fold":3,"position":70,'
            f'"commit":"{COMMIT}","length":12,"state":{{"best":500}},"crc":"32dc90d1"}}\n'
        )
        assert is_sound(LINE[:-1])
        assert DELETED.startswith('{"deleted":"lot \\"ö\\"\\n","first":1,"last":12,'.encode())
        assert is_sound(DELETED[:-1])
        assert header_line("s", "h", 7).startswith(
            b'{"format":1,"store":"s","history":"h","snapshots":7,"crc":'
        )

    @given(names, st.integers(1, 10**18 - 1), st.integers(1, 10**18 - 1), st.integers(1, 10**18))
    def test_round_trip(self, scope: str, sequence: int, version: int, state: int) -> None:
        """A snapshot comes back as it was, and is found where it is."""
        snapshot = Snapshot(scope, sequence, version, b"%d" % state)
        line = snapshot_line(snapshot, 5, COMMIT)
        parsed = parse_snapshot(line[:-1])

        assert parsed is not None
        assert to_snapshot(parsed) == snapshot
        assert (parsed.position, parsed.commit) == (5, COMMIT)
        assert seen_in(line) == [Seen(scope, version, sequence, 0, len(line))]

    def test_flipped_bits(self) -> None:
        """With any bit flipped a line is none, neither as a snapshot nor as a witness."""
        for whole in (LINE[:-1], DELETED[:-1]):
            for bit in range(8 * len(whole)):
                line = bytearray(whole)
                line[bit // 8] ^= 1 << bit % 8
                assert parse_snapshot(bytes(line)) is None
                assert witnessed(bytes(line)) is None

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b'"length":12', b'"length":11'),
            (b'"position":70', b'"position": 70'),
            (b'"fold":3', b'"fold":"3"'),
            (b'"fold":3,', b""),
            (b'"fold":3', b'"fold":3,"more":4'),
            (b'{"best":500}', b'{"best":50\xff}'),
            (b'{"best":500}', b'{"best":500 '),
        ],
    )
    def test_right_in_another_form(self, old: bytes, new: bytes) -> None:
        """What the library would not have written is no line, even if its checksum is right."""
        line = with_crc(LINE[:-1].replace(old, new))

        assert line != LINE[:-1]
        assert parse_snapshot(line) is None

    def test_witnesses(self) -> None:
        """Snapshots and deletions tell of a position; other lines of none."""
        assert witnessed(LINE[:-1]) == 70
        assert witnessed(DELETED[:-1]) == 71
        assert witnessed(header_line("s", "h", 1)[:-1]) is None
        assert witnessed(b"") is None


class TestScan:
    def test_order(self) -> None:
        """Lines are found in order, each with its place."""
        other = snapshot_line(Snapshot("b", 1, 1, b"[]"), 71, COMMIT)
        found = seen_in(LINE, DELETED, other)

        assert found == [
            Seen('lot "ö"\n', 3, 12, 0, len(LINE)),
            Deleted('lot "ö"\n', 1, 12),
            Seen("b", 1, 1, len(LINE) + len(DELETED), len(other)),
        ]

    def test_the_longest_beginning(self) -> None:
        """The longest name, all of it escaped, fits what is looked at."""
        snapshot = Snapshot("\x01" * 512, 10**18 - 1, 10**18 - 1, b"1")
        line = snapshot_line(snapshot, 10**18 - 1, COMMIT)

        assert len(line) < HEAD_BYTES_MAX
        assert len(seen_in(b"x" * 5000 + b"\n", line, LINE)) == 2

    @pytest.mark.parametrize(
        "garbage",
        [
            b"\n",
            b"x\n",
            b"x" * 100_000 + b"\n",
            b"\0" * 512 + b"\n",
            LINE[:40] + b"\n",
            LINE[:-5] + b"\n",
            LINE.replace(b'"length":12', b'"length":99'),
            LINE.replace(b'"length":12', b'"length":999999999'),
            LINE.replace(b"\xc3\xb6", b"\xff\xff"),
            LINE.replace(b'\\"', b"\\x"),
            DELETED.replace(b"\xc3\xb6", b"\xff\xff"),
            DELETED[:-5] + b"\n",
        ],
    )
    def test_garbage(self, garbage: bytes) -> None:
        """What is no line is passed over; what comes behind it is found."""
        found = seen_in(LINE, garbage, LINE)

        assert [LINE, LINE] == [
            (LINE + garbage + LINE)[one.offset : one.offset + one.size]
            for one in found
            if isinstance(one, Seen)
        ]
        assert len(found) == 2

    def test_without_the_last_newline(self) -> None:
        """A last line that lacks its end is none."""
        for end in range(len(LINE)):
            assert len(seen_in(LINE, LINE[:end])) == 1
        assert seen_in(b"x" * 100_000) == []

    def test_states_are_not_read(self) -> None:
        """Of lines with large states only the beginnings and ends are read."""
        line = snapshot_line(Snapshot("a", 1, 1, b'"%b"' % (b"x" * 1_000_000)), 1, COMMIT)
        content = line * 10
        read: list[int] = []

        def read_range(begin: int, end: int) -> bytes:
            read.append(end - begin)
            return content[begin:end]

        assert len(list(scan(read_range, 0, len(content)))) == 10
        assert sum(read) < 400_000

    def test_a_file_that_got_shorter(self) -> None:
        """If the file ends before it should, the scan ends too."""
        content = LINE + b"x" * 100
        found = list(scan(lambda begin, end: content[begin:end], 0, 10**6))

        assert len(found) == 1
