"""
Is every changed bit found, and is it said where it is?

Every bit of every file of a small store is flipped, every byte left out and doubled, and any
two lines of the journal exchanged. After each change the whole store is checked by the real
`verify`, on a disk in memory, and opened as writers do. The first thing that is found must lie
in the changed file, at the beginning of the line that was changed.
"""

from __future__ import annotations

import sys
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Final, TypeAlias

import attrs
import trio

# `python -m tests.campaigns.flips`: the tests' own modules are found beside them.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from atomic_store.errors import JournalCorrupt
from atomic_store.journal.verify import verify
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import INDEX, STORE, a_draft, lived, only_open, writing

KINDS: Final = ("flipped", "left out", "doubled", "exchanged")
NO_NEWLINE: Final = "lacks its last newline."
"""Without its last byte, a journal is whole but for that: a note."""


@attrs.frozen
class Change:
    """One thing that is done to a store."""

    what: str
    path: str
    """The first file that it changes."""
    places: frozenset[int]
    """Where in it the damage may be said to be."""
    contents: tuple[tuple[str, bytes], ...]
    """The changed files, and what is in them."""
    is_noted: bool = False
    """It is no damage, and there must be a note."""

    @property
    def kind(self) -> str:
        """What is done, without where."""
        return next(kind for kind in KINDS if kind in self.what)

    def __str__(self) -> str:
        return f"{self.what} in {self.path}"


@attrs.frozen
class Finding:
    """What a check says first; nothing, if path is None."""

    path: str | None
    offset: int = 0
    notes: tuple[str, ...] = ()


Check: TypeAlias = Callable[[FaultyDisk], Finding]


def verified(disk: FaultyDisk) -> Finding:
    """Check the store as `atomic-store verify` does."""
    found = verify(STORE, disk=disk)
    if not found.damage:
        return Finding(None, 0, found.notes)
    return Finding(found.damage[0].path, found.damage[0].offset)


def opened(disk: FaultyDisk) -> Finding:
    """Open the store as writers do; what that would change is not kept."""
    try:
        only_open(disk.copy())
    except JournalCorrupt as error:
        return Finding(error.path, error.offset)
    return Finding(None, 0, (NO_NEWLINE,))


def small() -> FaultyDisk:
    """A closed store of three segments, with a decision of two events, as small as it can be."""
    disk = FaultyDisk()

    async def main() -> None:
        async with writing(disk, segment_bytes_max=600) as store:
            await store.commit(a_draft("a", 1))
            await store.commit(a_draft("a", 2, events=2))
            await store.commit(a_draft("b", 3))

    trio.run(main)
    disk.remove(INDEX)
    return disk


def checked_files(disk: FaultyDisk) -> dict[str, bytes]:
    """The files whose every bit counts: store.json and the segments."""
    return {
        path: content
        for path, content in sorted(disk.files().items())
        if path.endswith(("/store.json", ".jsonl")) and "/snapshots/" not in path
    }


def byte_changes(path: str, content: bytes, *, is_last: bool) -> Iterator[Change]:
    """Every bit flipped, every byte left out, every byte doubled."""
    begins = line_begins(content)
    for offset in range(len(content)):
        begin = begins[bisect_right(begins, offset) - 1]
        here = frozenset([begin])
        for bit in range(8):
            flipped = bytearray(content)
            flipped[offset] ^= 1 << bit
            what = f"bit {bit} of byte {offset} flipped"
            yield Change(what, path, here, ((path, bytes(flipped)),))
        shorter = content[:offset] + content[offset + 1 :]
        is_noted = is_last and offset == len(content) - 1
        yield Change(f"byte {offset} left out", path, here, ((path, shorter),), is_noted)
        longer = content[:offset] + content[offset : offset + 1] + content[offset:]
        # A second newline is a line of its own. store.json is one line.
        more = {offset + 1} if content[offset] == 0x0A else set()
        yield Change(f"byte {offset} doubled", path, here | more, ((path, longer),))


def line_changes(segments: dict[str, bytes]) -> Iterator[Change]:
    """Any two lines of the journal exchanged, of the same segment or of two."""
    lines = {path: content.splitlines(keepends=True) for path, content in segments.items()}
    places = [(path, k) for path, found in lines.items() for k in range(len(found))]
    for (path, k), (other, m) in combinations(places, 2):
        changed = {path: list(lines[path]), other: list(lines[other])}
        changed[path][k], changed[other][m] = lines[other][m], lines[path][k]
        contents = tuple((name, b"".join(changed[name])) for name in changed)
        begin = sum(map(len, lines[path][:k]))
        # The next segment's first record may stand in the cut line's place: what shows then is
        # that the cut line is missing behind it.
        end = len(contents[0][1]) if k + 1 == len(lines[path]) else begin
        what = f"line {k + 1} exchanged for line {m + 1} of {other}"
        yield Change(what, path, frozenset([begin, end]), contents)


def line_begins(content: bytes) -> list[int]:
    """Where each line of a file begins."""
    return [0, *(at + 1 for at in range(len(content) - 1) if content[at] == 0x0A)]


def complaint(disk: FaultyDisk, change: Change, check: Check = verified) -> str | None:
    """Say what is wrong with what is found after a change; None if it is found and located."""
    before = [(path, disk.files()[path]) for path, _ in change.contents]
    for path, content in change.contents:
        disk.put(path, content)
    try:
        found = check(disk)
    finally:
        for path, content in before:
            disk.put(path, content)
    if change.is_noted:
        is_so = found.path is None and any(note.endswith(NO_NEWLINE) for note in found.notes)
        return None if is_so else f"{change}: expected a note, found {found}"
    if found.path is None:
        return f"{change}: not found"
    if found.path != change.path or found.offset not in change.places:
        return f"{change}: expected it at {sorted(change.places)}, found {found}"
    return None


def changes_of(disk: FaultyDisk) -> Iterator[Change]:
    """All changes of a store."""
    files = checked_files(disk)
    last = max(path for path in files if path.endswith(".jsonl"))
    for path, content in files.items():
        yield from byte_changes(path, content, is_last=path == last)
    yield from line_changes({p: c for p, c in files.items() if p.endswith(".jsonl")})


def complaints(
    disk: FaultyDisk, changes: Iterable[Change], check: Check = verified
) -> tuple[Counter[str], list[str]]:
    """
    Make changes, one at a time, and take each back.

    Returns:
      How many there were of each kind, and what is wrong.
    """
    kinds: Counter[str] = Counter()
    wrong = []
    for change in changes:
        kinds[change.kind] += 1
        said = complaint(disk, change, check)
        if said is not None:
            wrong.append(said)
    return kinds, wrong


CHECKS: Final = (
    # A writer that has index files need not read all of a store.
    (verified, True, True), (verified, True, False), (verified, False, True),
    (verified, False, False), (opened, True, False), (opened, False, False),
)  # fmt: skip
"""What checks, whether the store was closed, and whether it has index files."""


def main() -> int:
    """Go through all changes of stores that were closed or killed; 0 if all are found."""
    failures = 0
    for check, is_closed, has_index in CHECKS:
        disk = lived(is_closed=is_closed, has_index=has_index)
        files = checked_files(disk)
        begin = time.process_time()
        kinds, wrong = complaints(disk, changes_of(disk), check)
        seconds = time.process_time() - begin
        end, index = "closed" if is_closed else "killed", "with" if has_index else "without"
        counted = ", ".join(f"{kinds[kind]:,} {kind}" for kind in KINDS)
        print(
            f"{check.__name__}, {end}, {index} index files: {len(files)} files, "
            f"{sum(map(len, files.values())):,} bytes: {counted}; "
            f"{len(wrong)} not found or misplaced; {seconds:.1f} s",
            flush=True,
        )
        for line in wrong[:20]:
            print(f"  {line}")
        failures += len(wrong)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
