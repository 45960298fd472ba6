"""
The end of a journal that somebody else writes: it is read on, and nothing is read twice.

What is seen ends with the last closed commit. Behind it there may be anything: a commit
that is being written, the torn rest of one that a crash cut off, or one that a new writer
put in that rest's place meanwhile. A commit's value covers all its bytes and all before
them, so that a mixture of two is never taken for one; it is read again from its beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import attrs

from ..errors import JournalCorrupt, JournalFailed, NotAStore, StoreReplaced
from .chain import Chain, ClosedCommit, Problem
from .creating import expect_store, read_identity
from .disk import Access, Disk, Kind
from .failing import attempting
from .files import kind_of, opened, read_range
from .layout import JOURNAL, STORE, segment_name
from .line import FutureFormat, has_right_crc
from .reading import as_damage
from .scan import SegmentScan
from .segment_reader import HEADER_BYTES_MAX, corrupt, future_format, uncut
from .segments import header_line
from .skipping import Skip
from .tail import judge, judge_uncut

STEP_BYTES = 256 * 1024
"""How much is read at a time: what is in it is taken up in Trio's thread, some 5 ms of work."""
SEEN_BYTES = 128
"""How much of what was seen of a commit that is not closed is compared when it goes on."""
TRIES = 3
"""How often something is read that seems to be damaged: it may be changing."""
_STORE_BYTES_MAX = 64 * 1024


@attrs.frozen
class Step:
    """What a look at the files gave."""

    commits: list[ClosedCommit]
    """Those that were not known, in order."""
    is_last: bool
    """Nothing more was there."""


@final
@attrs.define(eq=False)
class Tail:
    """
    Reads a journal's segments on from where it is, without the lock. Its calls block.

    Args:
      path: the store's directory.
      chain: where what was read before ends, and then where this does.
    """

    disk: Disk
    path: str
    chain: Chain
    scan: SegmentScan = attrs.field(init=False)
    first: int = attrs.field(init=False)
    """The first position of the segment that is read."""
    # Invariant: the scan was fed all bytes before this offset.
    _next: int = attrs.field(default=0, init=False)
    # The last bytes that were fed.
    _end: bytes = attrs.field(default=b"", init=False)
    _identity: bytes = attrs.field(init=False)
    # Nothing was read since it was.
    _is_judged: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._identity = self._read_identity()
        self.begin_segment()

    @property
    def segment(self) -> str:
        """The path of the segment that is read."""
        return self.path_of(self.first)

    def path_of(self, first: int) -> str:
        """The path of the segment that begins with a position."""
        return f"{self.path}/{JOURNAL}/{segment_name(first)}"

    def begin_segment(self, skip: Skip | None = None) -> list[ClosedCommit]:
        """
        Go on with the segment that follows, behind what pieces of an index cover of it.

        Returns:
          Its header, if that was read for it.
        """
        self.first, self._next = self.chain.position + 1, 0
        self.scan = SegmentScan(self.chain)
        if skip is None:
            return []
        with opened(self.disk, self.segment, Access.READ) as file:
            line = read_range(self.disk, file, self.segment, 0, HEADER_BYTES_MAX)
        header = self._fed(line[: line.find(b"\n") + 1])
        if not header:
            missing = Problem(0, 1, "a segment's header", "no whole line")
            raise corrupt(self.segment, self.scan.problem or missing)
        self.scan.skip(skip.last, skip.header.last, skip.at)
        self._next = self.scan.closed_end
        return header

    def read_on(self, bytes_max: int = STEP_BYTES) -> Step:
        """
        Look for commits that were closed since.

        Args:
          bytes_max: no more is read at a time; what was found is given before the rest.

        Raises:
          StoreReplaced: another store lies there now, or another history of this one.
          NotAStore: none does.
          JournalCorrupt: what was written is damaged.
          JournalFailed: the disk refused.
        """
        self.check_identity()
        try:
            return self._read_on(bytes_max)
        except (JournalCorrupt, JournalFailed):
            # That may be how it looks when a store is taken away.
            self.check_identity()
            raise

    def check_identity(self) -> None:
        """
        See whether this is the store that it was.

        Raises:
          StoreReplaced, NotAStore, JournalCorrupt, JournalFailed: as `read_on`.
        """
        try:
            with opened(self.disk, f"{self.path}/{STORE}", Access.READ) as file:
                found = read_range(self.disk, file, f"{self.path}/{STORE}", 0, _STORE_BYTES_MAX)
        except JournalFailed as error:
            if not isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
                raise
        else:
            if found == self._identity:
                return
        expect_store(self.disk, self.path)
        now = read_identity(self.disk, self.path)
        if (now.store, now.history) != (self.chain.store, self.chain.history):
            what = "another store" if now.store != self.chain.store else "another history of it"
            raise StoreReplaced(
                f"expected store {self.chain.store}, history {self.chain.history}, at {self.path}, "
                f"found {what}: store {now.store}, history {now.history}"
            )

    def is_at_end(self, names: Sequence[str]) -> bool:
        """
        Tell whether the segment that was read to its end is the last one.

        Args:
          names: the segments that were there before it was read.

        Returns:
          False if there is more to read.

        Raises:
          JournalCorrupt: something was written behind a segment that does not end with a cut
            line, or a segment is missing.
        """
        first = self.chain.position - self.scan.open_lines + 1
        following = self.path_of(first)
        if following == self.segment:
            return True
        if kind_of(self.disk, following) is Kind.NOTHING:
            if names[-1] > segment_name(first):
                found = f"no file, but {names[-1]}"
                raise JournalCorrupt(following, 0, "a segment of this name", found)
            return True
        header, _ = header_line(self.chain)
        with opened(self.disk, following, Access.READ) as file:
            begins = read_range(self.disk, file, following, 0, len(header) + 1)
        if len(begins) <= len(header) and names[-1] <= segment_name(first):
            # It is being cut, or was when a crash came.
            return True
        if self._unread():
            return False
        raise corrupt(self.segment, uncut(self.scan))

    # --- steps ---------------------------------------------------------------------------

    def _read_identity(self) -> bytes:
        path = f"{self.path}/{STORE}"
        with opened(self.disk, path, Access.READ) as file:
            return read_range(self.disk, file, path, 0, _STORE_BYTES_MAX)

    def _read_on(self, bytes_max: int) -> Step:
        commits, is_last = self._feed(bytes_max)
        problem = self._problem(is_last=is_last)
        for _ in range(TRIES - 1):
            if problem is None or commits:
                break
            before = problem
            self.rewind()
            # All of it, or it would be torn into the same pieces again and again.
            commits, is_last = self._feed(None)
            problem = self._problem(is_last=is_last)
            if problem is not None and problem == before:
                self.rewind()
                raise corrupt(self.segment, problem)
        if problem is not None or self.scan.problem is not None:
            # The next look shows whether it is still there.
            self.rewind()
            is_last = not commits
        if self.scan.cut is not None:
            self._check_following()
            self.begin_segment()
            is_last = False
        return Step(commits, is_last)

    def _feed(self, bytes_max: int | None) -> tuple[list[ClosedCommit], bool]:
        """Read the next bytes of the segment; give what closed in them, and whether no more are."""
        path = self.segment
        with as_damage(path, self.scan.closed_end), opened(self.disk, path, Access.READ) as file:
            with attempting("fstat", path):
                size = self.disk.size(file)
            if size < self.scan.closed_end:
                raise JournalCorrupt(
                    path, size, f"records up to offset {self.scan.closed_end}", "the file's end"
                )
            if size < self._next or not self._is_unchanged(file):
                self.rewind()
            end = size if bytes_max is None else min(size, self._next + bytes_max)
            data = read_range(self.disk, file, path, self._next, end)
        self._next += len(data)
        self._end = (self._end + data)[-SEEN_BYTES:]
        self._is_judged = not data and self.scan.header is not None
        return self._fed(data) if data else [], self._next >= size

    def _is_unchanged(self, file: int) -> bool:
        """
        Whether what was fed of a commit that is not closed still ends as it did.

        Two commits that differ do so in their last bytes. Another one of the same length,
        in the place of one that lacked its last bytes, would else be taken for that.
        """
        begin = max(self.scan.closed_end, self._next - len(self._end))
        found = read_range(self.disk, file, self.segment, begin, self._next)
        return self._end.endswith(found) and len(found) == self._next - begin

    def _fed(self, data: bytes) -> list[ClosedCommit]:
        try:
            return self.scan.feed(data)
        except FutureFormat as error:
            raise NotAStore(future_format(self.segment, error)) from error

    def _problem(self, *, is_last: bool) -> Problem | None:
        """Say what is wrong with what was read behind the last closed commit, if anything is."""
        scan = self.scan
        if self._is_judged or (scan.problem is None and not is_last):
            return None
        if scan.problem is None and has_right_crc(scan.rest):
            # A last line without its newline is not closed, and is not judged as if it were.
            return None
        tail = scan.unclosed + self._unread()
        verdict = judge(scan, tail)
        if not isinstance(verdict, Problem) or self._is_being_cut(tail):
            return None
        return verdict

    def _is_being_cut(self, tail: bytes) -> bool:
        """Whether this is a part of the cut line: then the segment that it names is there."""
        following = self.path_of(self.chain.position + 1)
        if following == self.segment or self.scan.open_lines:
            return False
        return judge_uncut(self.scan, tail) and kind_of(self.disk, following) is not Kind.NOTHING

    def _unread(self) -> bytes:
        with opened(self.disk, self.segment, Access.READ) as file:
            with attempting("fstat", self.segment):
                size = self.disk.size(file)
            return read_range(self.disk, file, self.segment, self._next, size)

    def rewind(self) -> None:
        """Go back to the end of the last closed commit."""
        self.scan.rewind()
        self._next = self.scan.closed_end

    def _check_following(self) -> None:
        following = self.path_of(self.chain.position + 1)
        if kind_of(self.disk, following) is Kind.NOTHING:
            raise JournalCorrupt(following, 0, f"a segment that {self.segment} names", "no file")
