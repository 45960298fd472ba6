"""The page about the format: a reader of index files that knows nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import UUID
from zlib import crc32

import attrs
import pytest

from atomic_store.journal.index_file import FORMAT, PAGE_BYTES
from atomic_store.journal.index_file.layout import PAYLOAD_BYTES, TIMES_EVERY
from index_files import HISTORY, STORE, VALUE, Run, file_of, many, run_of

PAGE = (Path(__file__).parent.parent / "docs" / "format.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Index files\n")[2]


def number(data: bytes, at: int, size: int = 8) -> int:
    """A number without a sign."""
    return int.from_bytes(data[at : at + size], "little")


def time(data: bytes, at: int) -> str:
    """A time."""
    micros = int.from_bytes(data[at : at + 8], "little", signed=True)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"


def hashed(text: str) -> int:
    """H(text)."""
    return number(blake2b(text.encode(), digest_size=8).digest(), 0)


@attrs.define
class FileByThePage:
    """An index file, as the page describes it."""

    content: bytes
    pages: list[bytes] = attrs.field(init=False, factory=list)
    ends: list[int] = attrs.field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        assert len(self.content) % 4096 == 0
        first = self.content[4092:4096]
        for n in range(len(self.content) // 4096):
            page = self.content[n * 4096 : (n + 1) * 4096]
            covered = (first + n.to_bytes(8, "little") if n else b"") + page[:4092]
            assert crc32(covered) == number(page, 4092, 4)
            self.pages.append(page[:4092])
        assert len(self.pages) == number(self.pages[0], 128)
        firsts = [number(self.pages[0], 136 + 16 * k) for k in range(7)]
        assert (1, sorted(firsts)) == (firsts[0], firsts)
        self.ends = [*firsts, len(self.pages)]

    def fixed(self, section: int, size: int) -> list[bytes]:
        """The items of a section that have all one size."""
        count = number(self.pages[0], 144 + 16 * section)
        per_page = 4092 // size
        pages = self.pages[self.ends[section] : self.ends[section + 1]]
        assert -(-count // per_page) == len(pages)
        items = [p[k * size : (k + 1) * size] for p in pages for k in range(per_page)]
        assert not any(b"".join(items[count:]))
        return items[:count]

    def named(self, section: int, size: int) -> Iterator[tuple[str, bytes]]:
        """The names and rows of a section."""
        seen = 0
        for page in self.pages[self.ends[section] : self.ends[section + 1]]:
            n = number(page, 0, 2)
            rows, names = 2 + 2 * n, 2 + 2 * n + size * n
            begin = 0
            for k in range(n):
                end = number(page, 2 + 2 * k, 2)
                name = page[names + begin : names + end].decode()
                yield name, page[rows + size * k : rows + size * (k + 1)]
                begin = end
            assert not any(page[names + begin :])
            seen += n
        assert number(self.pages[0], 144 + 16 * section) == seen


def check_by_the_page(content: bytes, run: Run, *, is_whole: bool) -> None:
    """Check an index file of some records, by the page alone."""
    file = FileByThePage(content)
    check_first_page(file.pages[0], run, is_whole=is_whole)
    entries = list(run.numbered())
    width = 8 if run.end - run.begin >= 2**32 else 4
    assert [e.offset - run.begin for e in run.entries] == [
        number(item, 0, width) for item in file.fixed(0, width)
    ]
    assert [e.at for p, e in entries if p % 64 == 0] == [time(t, 0) for t in file.fixed(1, 8)]
    check_scopes(file, run)
    ids = [(hashed(e.id) ^ hashed(e.scope) >> 32, p - run.first) for p, e in entries if e.k == 1]
    assert sorted(ids) == [(number(i, 4), number(i, 0, 4)) for i in file.fixed(4, 12)]
    correlations = [
        (hashed(f"{member}\0{value}"), p - run.first)
        for p, e in entries
        for member, value in strings_in(e.metadata).items()
    ]
    assert sorted(correlations) == [(number(i, 4), number(i, 0, 4)) for i in file.fixed(5, 12)]
    ends = [
        (name, number(row, 0), number(row, 8), time(row, 16)) for name, row in file.named(6, 24)
    ]
    expected = [(e.scope, e.sequence, e.position, e.at) for e in run.ends()]
    assert (expected if is_whole else []) == ends


def check_first_page(page: bytes, run: Run, *, is_whole: bool) -> None:
    """Check what the first page says."""
    assert b"atomidx\n" == page[:8] == bytes.fromhex("61 74 6F 6D 69 64 78 0A")
    assert [1, is_whole + 2 * (run.end - run.begin >= 2**32)] == [
        number(page, 8, 4),
        number(page, 12, 4),
    ]
    assert [STORE, HISTORY] == [str(UUID(bytes=page[16:32])), str(UUID(bytes=page[32:48]))]
    assert [3, 5, run.first, len(run.entries), run.begin, run.end] == [
        number(page, at) for at in range(48, 96, 8)
    ]
    assert VALUE == page[96:112].hex()
    times = [e.at for e in run.entries] or ["1970-01-01T00:00:00.000000Z"]
    assert [times[0], times[-1]] == [time(page, 112), time(page, 120)]
    assert not any(page[248:])


def check_scopes(file: FileByThePage, run: Run) -> None:
    """Check the scopes, and where their records are."""
    places = [number(item, 0, 4) for item in file.fixed(3, 4)]
    seen = 0
    names = []
    for name, row in file.named(2, 36):
        own = [(p, e) for p, e in run.numbered() if e.scope == name]
        assert [own[0][1].sequence, run.position_before(name)] == [number(row, 0), number(row, 8)]
        assert [own[-1][1].at, seen] == [time(row, 16), number(row, 24, 4)]
        assert [len(own), own[-1][0] - run.first] == [number(row, 28, 4), number(row, 32, 4)]
        assert [p - run.first for p, _ in own] == places[seen : seen + len(own)]
        seen += len(own)
        names.append(name)
    assert sorted({e.scope for e in run.entries}) == names
    assert len(places) == seen


def strings_in(metadata: bytes | None) -> dict[str, str]:
    """What of a record's metadata is hashed."""
    found: Any = json.loads(metadata or b"{}")
    members = found if isinstance(found, dict) else {}
    return {
        name: members[name]
        for name in ("correlation", "causation")
        if isinstance(members.get(name), str)
    }


RUNS = {
    "nothing": run_of([]),
    "some": run_of(
        [
            ("a", 2, 0, b'{"correlation":"x","causation":"y"}'),
            ("\U0001f600", 1, 10**9, b'{"correlation":1}'),
            ("\uffff", 1, 0, b"[]"),
            ("a", 1, 7, None),
        ],
        before=["a", "b"],
    ),
    "wide": run_of([("a", 3, 0, None), ("b", 2, 0, None)], gap=1 << 30),
    "just wide": run_of([("a", 4, 0, None)], gap=1 << 30),
    "nearly wide": run_of([("a", 4, 0, None)], gap=(1 << 30) - 1),
    "wide and many": run_of([(f"lot-{k % 9}", 1, 1, None) for k in range(1000)], gap=1 << 30),
    "many": many(),
}


@pytest.mark.parametrize("is_whole", [False, True], ids=["piece", "whole"])
@pytest.mark.parametrize("name", RUNS)
def test_stranger_reads_ours(name: str, is_whole: bool) -> None:
    """A reader made from the page finds in a file what its records say."""
    check_by_the_page(file_of(RUNS[name], is_whole=is_whole), RUNS[name], is_whole=is_whole)


def test_numbers() -> None:
    """The numbers on the page are those of the code."""
    assert f"pages of {PAGE_BYTES} bytes" in SECTION
    assert f"The first {PAYLOAD_BYTES} bytes" in SECTION
    assert f"a multiple of {TIMES_EVERY}:" in SECTION
    assert f"This is format {FORMAT} " in SECTION


def test_tables_have_no_gaps() -> None:
    """In each table of bytes, a field begins where the one before it ends."""
    ends = []
    for table in re.findall(r"\| at \|.*?\n\n", SECTION, re.DOTALL):
        end = 0
        for at, size in re.findall(r"^\| (\d+) \| (\d+) \|", table, re.MULTILINE):
            assert end == int(at)
            end += int(size)
        ends.append(end)

    assert [248, 36, 24] == ends
