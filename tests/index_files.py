"""What the tests of index files share: records, their files, and what a file must answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from uuid import UUID

import attrs
from hypothesis import strategies as st

from atomic_store.journal.index_file import (
    EndsTable,
    Entry,
    Facts,
    IndexReader,
    ReadBytes,
    ScopeLast,
    build_index,
    to_microseconds,
    to_text,
)
from atomic_store.journal.index_file.hashes import Digest, digest_of
from atomic_store.journal.index_file.layout import END_ROW
from atomic_store.journal.index_file.names import name_pages

STORE = "0198c0de-0000-7000-8000-000000000001"
HISTORY = "0198c0de-0000-7000-8000-000000000002"
VALUE = "259254a165c0156a69a057bafcc8a696"

NAMES = [
    "a", "aa", "a\x01", "ab", "b", "é", "z" * 512, "z" * 511 + "y", "\ud7ff", "\ue000",
    "\uffff", "\U00010000", "\U0001f600", "\U0001f600a", "\U0010ffff", "lot-1", "lot-10", "lot-2",
]  # fmt: skip
"""Some begin like others; some are ordered otherwise by UTF-16."""

METADATA = [
    None, None, b"{}", b"[1]", b'{"from":"web"}',
    b'{"correlation":"x"}', b'{"causation":"x"}', b'{"correlation":"x","causation":"x"}',
    b'{"correlation":1,"causation":null}', b'{"other":{"correlation":"x"}}',
    '{"correlation":"\U0001f600 y","a":[]}'.encode(), b'{"\\u0063ausation":"\\ud83d\\ude00 y"}',
]  # fmt: skip
VALUES = ["x", "\U0001f600 y", "", "1"]


@attrs.frozen
class Run:
    """Records that follow each other in one segment, and what is known of those before."""

    first: int
    entries: tuple[Entry, ...]
    before: dict[str, ScopeLast]
    begin: int
    end: int

    @property
    def facts(self) -> Facts:
        """What the file of all of it is about."""
        return Facts(STORE, HISTORY, 3, 5, self.first, self.begin, self.end, VALUE)

    def numbered(self) -> Iterator[tuple[int, Entry]]:
        """All records with their positions."""
        return enumerate(self.entries, self.first)

    def part(self, begin: int, end: int) -> Run:
        """Some of the records, by ordinal; the others before them are known."""
        known = dict(self.before)
        for position, entry in zip(
            range(self.first, self.first + begin), self.entries, strict=False
        ):
            known[entry.scope] = ScopeLast(entry.scope, entry.sequence, position, entry.at)
        offsets = [*(entry.offset for entry in self.entries), self.end]
        low = self.begin if begin == 0 else offsets[begin]
        return Run(self.first + begin, self.entries[begin:end], known, low, offsets[end])

    def ends(self) -> list[ScopeLast]:
        """Where all scopes end."""
        known = self.part(len(self.entries), len(self.entries)).before
        return [known[scope] for scope in sorted(known)]

    def position_before(self, scope: str) -> int:
        """A scope's last position before the run."""
        return self.before[scope].position if scope in self.before else 0


def run_of(
    decisions: Iterable[tuple[str, int, int, bytes | None]],
    *,
    first: int = 7,
    before: Iterable[str] = (),
    begin: int = 300,
    gap: int = 200,
) -> Run:
    """
    Make records.

    Args:
      decisions: scope, how many records, microseconds since the one before, metadata.
      before: scopes that have records before.
    """
    known = {
        scope: ScopeLast(scope, 10 + k, 1 + k % (first - 1), to_text(5 + k))
        for k, scope in enumerate(before if first > 1 else ())
    }
    sequences = {scope: last.sequence for scope, last in known.items()}
    entries: list[Entry] = []
    at, offset = 1_700_000_000_000_000, begin
    for number, (scope, parts, delay, metadata) in enumerate(decisions):
        at += delay
        proposal_id = id_number(number // 2 if parts == 1 else number)
        for k in range(1, parts + 1):
            sequences[scope] = sequences.get(scope, 0) + 1
            entries.append(
                Entry(offset, scope, sequences[scope], proposal_id, to_text(at), k, metadata)
            )
            offset += gap
    return Run(first, tuple(entries), known, begin, offset)


def id_number(number: int) -> str:
    """A proposal's id."""
    return str(UUID(int=number))


def runs(*, max_size: int = 150) -> st.SearchStrategy[Run]:
    """Records of a few scopes with odd names, decisions, times and metadata."""
    decisions = st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from([1, 1, 1, 2, 3]),
        st.sampled_from([0, 0, 1, 999_999, 10**9]),
        st.sampled_from(METADATA),
    )
    return st.builds(
        run_of,
        st.lists(decisions, max_size=max_size),
        first=st.integers(1, 200),
        before=st.lists(st.sampled_from(NAMES), unique=True, max_size=6),
        gap=st.sampled_from([200, 1 << 30]),
    )


def many(count: int = 3000) -> Run:
    """So many records that each section has several pages."""
    return run_of(
        [
            (f"lot-{k * 7919 % 401}", 1, k % 3, b'{"correlation":"c%d"}' % (k % 700))
            for k in range(count)
        ],
        before=[f"lot-{k}" for k in range(0, 900, 2)],
    )


def file_of(
    run: Run, *, is_whole: bool = False, digest: Digest = digest_of, facts: Facts | None = None
) -> bytes:
    """The bytes of a run's file."""
    ends = ends_of(run.before.values()) if is_whole else None
    chunks = build_index(facts or run.facts, run.entries, run.position_before, ends, digest=digest)
    return b"".join(chunks)


def reader_of(content: bytes, *, digest: Digest = digest_of, name: str = "") -> IndexReader:
    """A reader of these bytes."""
    return IndexReader(reading(content), len(content), name=name, digest=digest)


def reading(content: bytes | bytearray) -> ReadBytes:
    """Reads bytes like a file."""
    return lambda offset, length: bytes(content[offset : offset + length])


def ends_of(known: Iterable[ScopeLast]) -> EndsTable:
    """A table with these scopes."""
    rows = sorted(
        (last.scope.encode(), END_ROW.pack(last.sequence, last.position, to_microseconds(last.at)))
        for last in known
    )
    return EndsTable(list(name_pages(rows)), len(rows))


def correlated(entry: Entry, member: str, value: str) -> bool:
    """Whether a record's metadata has this member with this value."""
    found = json.loads(entry.metadata or b"{}")
    return isinstance(found, dict) and found.get(member) == value


Answers = dict[str, Callable[[], object]]


def answers(reader: IndexReader, run: Run) -> Answers:
    """What is asked of a file, by name; each gives the file's answer."""
    last = run.first + len(run.entries) - 1
    asked: Answers = {
        "offsets": partial(reader.offsets, run.first, last),
        "last extent": partial(reader.extent, last),
        "scopes": reader.scopes,
        "ends": lambda: list(reader.load_ends()),
        "no scope": partial(reader.scope, "nowhere"),
        "no id": partial(reader.find_id, "nowhere", id_number(1)),
    }
    for entry in {entry.scope: entry for entry in run.entries}.values():
        asked[f"scope {entry.scope}"] = partial(reader.scope, entry.scope)
        asked[f"places {entry.scope}"] = partial(places_in, reader, entry.scope)
        asked[f"time {entry.at}"] = partial(reader.positions_at, to_microseconds(entry.at))
        asked[f"id {entry.scope}"] = partial(reader.find_id, entry.scope, entry.id)
        asked[f"any {entry.id}"] = partial(reader.find_id_anywhere, entry.id)
    for value in VALUES:
        asked[f"correlation {value}"] = partial(correlated_in, reader, value)
    return asked


def correlated_in(reader: IndexReader, value: str) -> list[int]:
    """The positions of what has this correlation."""
    return [*reader.find_correlation("correlation", value)]


def places_in(reader: IndexReader, scope: str) -> list[int]:
    """The positions of a scope's records; none if it is not there."""
    span = reader.scope(scope)
    return [] if span is None else reader.positions(span)
