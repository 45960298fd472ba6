"""Which part of a journal its index files cover, and what they say of it. All calls block."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeVar, final

import attrs
from msgspec import UnsetType

from ..errors import JournalCorrupt
from . import ScopeEnd
from .disk import Disk
from .index_file import (
    NO_SCOPES,
    EndsTable,
    Entry,
    Header,
    IndexDamaged,
    Span,
    build_index,
)
from .index_store import IndexStore, Stretch
from .layout import JOURNAL, segment_name
from .line import RecordLine
from .reading import Place, lines_between

T = TypeVar("T")


@final
@attrs.frozen(eq=False, repr=False)
class Coverage:
    """
    Index files that follow each other from the first record on: first whole segments', then
    pieces of the one behind them.
    """

    store: IndexStore
    stretches: tuple[Stretch, ...] = ()
    ends: EndsTable = NO_SCOPES
    """Where all scopes end behind the last whole segment."""
    _firsts: tuple[int, ...] = attrs.field(init=False)
    _whole: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        firsts = tuple(stretch.header.first for stretch in self.stretches)
        object.__setattr__(self, "_firsts", firsts)
        whole = sum(stretch.header.is_whole for stretch in self.stretches)
        object.__setattr__(self, "_whole", whole)

    @property
    def last(self) -> int:
        """The last position that is covered."""
        return self.stretches[-1].header.last if self.stretches else 0

    @property
    def pieces(self) -> tuple[Stretch, ...]:
        """Those behind the whole segments."""
        return self.stretches[self._whole :]

    def with_piece(self, piece: Stretch) -> Coverage:
        """The same with one more piece."""
        return Coverage(self.store, (*self.stretches, piece), self.ends)

    def with_whole(self, *whole: Stretch) -> Coverage:
        """The same with whole segments in the place of the pieces."""
        stretches = (*self.stretches[: self._whole], *whole)
        covered = Coverage(self.store, stretches, NO_SCOPES)
        return Coverage(self.store, stretches, covered.answer(covered.load_ends))

    def load_ends(self) -> EndsTable:
        """Read where all scopes end behind the last whole segment."""
        if not self._whole:
            return NO_SCOPES
        return self.store.reader(self.stretches[self._whole - 1]).load_ends()

    # --- by scope ---------------------------------------------------------------------

    def end(self, scope: str) -> ScopeEnd | None:
        """Say where a scope ends; None if it has no record that is covered."""
        for piece in reversed(self.pieces):
            span = self.store.reader(piece).scope(scope)
            if span is not None:
                return ScopeEnd(scope, span.last_sequence, span.last_position, span.at)
        last = self.ends.find(scope)
        return None if last is None else ScopeEnd(scope, last.sequence, last.position, last.at)

    def last_position(self, scope: str) -> int:
        """The position of a scope's last covered record, 0 if there is none."""
        end = self.answer(lambda: self.end(scope))
        return 0 if end is None else end.position

    def spans(self, scope: str) -> Iterator[tuple[Stretch, Span]]:
        """Give the stretches that hold records of a scope, and what they hold, newest first."""
        end = self.end(scope)
        position = 0 if end is None else end.position
        while position:
            stretch = self.at(position)
            span = self.store.reader(stretch).scope(scope)
            if span is None:
                raise IndexDamaged(stretch.name, 0, f"it lacks a scope of position {position}")
            yield stretch, span
            position = span.before

    def scope_places(self, scope: str, first: int, last: int) -> list[Place]:
        """Say where a scope's records lie, by sequence, both included; all must be covered."""
        groups: list[list[Place]] = []
        for stretch, span in self.spans(scope):
            if span.first_sequence <= last:
                reader = self.store.reader(stretch)
                begin = max(first, span.first_sequence)
                positions = reader.positions(span, begin, last)
                extents = reader.extents(positions)
                first_there = stretch.header.segment_first
                groups.append([
                    Place(position, first_there, *extent, scope, begin + k)
                    for k, (position, extent) in enumerate(zip(positions, extents, strict=True))
                ])  # fmt: skip
            if span.first_sequence <= first:
                break
        return [place for group in reversed(groups) for place in group]

    def scopes(self, prefix: str, after: str | None, limit: int) -> dict[str, ScopeEnd]:
        """Give the first scopes of those that have records here."""
        # By name first: most of what the pieces have is newer, or lies behind the others.
        rows: dict[bytes, tuple[Stretch | None, bytes]] = {
            name: (None, row) for name, row in self.ends.some_rows(prefix, after, limit)
        }
        for piece in self.pieces:
            found = self.store.reader(piece).scope_rows(prefix, after, limit)
            rows.update((name, (piece, row)) for name, row in found)
        ends = (self._end_in(*rows[name], name) for name in sorted(rows)[: max(0, limit)])
        return {end.scope: end for end in ends}

    def _end_in(self, piece: Stretch | None, row: bytes, name: bytes) -> ScopeEnd:
        if piece is None:
            last = self.ends.last(name, row)
            return ScopeEnd(last.scope, last.sequence, last.position, last.at)
        span = self.store.reader(piece).span(name, row)
        return ScopeEnd(span.scope, span.last_sequence, span.last_position, span.at)

    # --- by position, id and time -----------------------------------------------------

    def at(self, position: int) -> Stretch:
        """The stretch that covers a position."""
        return self.stretches[bisect_right(self._firsts, position) - 1]

    def places(self, first: int, last: int) -> list[Place]:
        """Say where records lie, by position, both included; all must be covered."""
        places: list[Place] = []
        position = first
        while position <= last:
            stretch = self.at(position)
            header, reader = stretch.header, self.store.reader(stretch)
            end = min(last, header.last)
            offsets = reader.offsets(position, end)
            offsets.append(header.end if end == header.last else reader.offset(end + 1))
            places += [
                Place(position + k, header.segment_first, offsets[k], offsets[k + 1])
                for k in range(len(offsets) - 1)
            ]
            position = end + 1
        return places

    def candidates(self, scope: str, proposal_id: str) -> list[int]:
        """Positions of which one may be the first of a proposal's records, newest first."""
        return [
            position
            for stretch in reversed(self.stretches)
            for position in self.store.reader(stretch).find_id(scope, proposal_id)
        ]

    # --- when a file is damaged -------------------------------------------------------

    def answer(self, ask: Callable[[], T]) -> T:
        """
        Ask something of these files, with the lock held; damaged ones are made anew.

        Raises:
          JournalCorrupt, JournalFailed: a segment cannot be read to make one.
        """
        mended: Counter[str] = Counter()
        with self.store.lock:
            while True:
                try:
                    return ask()
                except IndexDamaged as error:
                    self._mend(error, mended)

    def _mend(self, error: IndexDamaged, mended: Counter[str]) -> None:
        """Make a file anew, and before that those that are missing before it: it needs them."""
        place = next(k for k, stretch in enumerate(self.stretches) if stretch.name == error.name)
        times = mended[error.name]
        mended[error.name] += 1
        if times == 2:
            # It is not the file that is wrong.
            path, header = self._segment(place), self.stretches[place].header
            raise JournalCorrupt(path, header.begin, "what index files say", str(error)) from error
        for k, stretch in enumerate(self.stretches[:place]):
            if self.store.stretch(stretch.name) != stretch:
                self._make_again(k)
        # What was made anew and cannot be read at once is on a disk that is not to be trusted.
        self._make_again(place, keep=times > 0)

    def _make_again(self, k: int, *, keep: bool = False) -> None:
        name, header = self.stretches[k].name, self.stretches[k].header
        self.store.forget(name)
        earlier = Coverage(self.store, self.stretches[:k])
        earlier = Coverage(self.store, self.stretches[:k], earlier.answer(earlier.load_ends))
        entries = _entries(self.store.disk, self._segment(k), header)
        ends = earlier.ends if header.is_whole else None
        image = b"".join(build_index(header, entries, earlier.last_position, ends))
        self.store.save(name, image, keep=keep)

    def _segment(self, k: int) -> str:
        first = self.stretches[k].header.segment_first
        return f"{self.store.path}/{JOURNAL}/{segment_name(first)}"


def _entries(disk: Disk, path: str, header: Header) -> Iterator[Entry]:
    """Read again what a file covers; it must be what it was."""
    position = header.first - 1
    sequences: dict[str, int] = {}
    for position, (offset, line) in enumerate(
        lines_between(disk, path, header.begin, header.end), header.first
    ):
        sequence = sequences.get(line.scope, line.sequence)
        if (line.position, line.sequence) != (position, sequence):
            raise JournalCorrupt(
                path,
                offset,
                f"position {position}, sequence {sequence} of {line.scope!r}",
                f"position {line.position}, sequence {line.sequence}",
            )
        sequences[line.scope] = sequence + 1
        yield entry_of(offset, line)
    if position != header.last:
        raise JournalCorrupt(path, header.end, f"position {header.last}", f"position {position}")


def entry_of(offset: int, line: RecordLine) -> Entry:
    """What of a record goes into an index."""
    return Entry(
        offset,
        line.scope,
        line.sequence,
        line.id,
        line.at,
        1 if line.part is None else line.part[0],
        None if isinstance(line.metadata, UnsetType) else bytes(line.metadata),
    )
