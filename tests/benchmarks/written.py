"""What a store has written: its own lines and batches, for the peers to write again."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import attrs

_COMMIT_TAIL = len(',"commit":"","crc":""}\n') + 32 + 8
"""How a line ends that closes a commit."""


@attrs.frozen
class Written:
    """Lines as they lie in a journal, and how many of them each commit held."""

    lines: tuple[bytes, ...]
    sizes: tuple[int, ...]

    def __attrs_post_init__(self) -> None:
        assert sum(self.sizes) == len(self.lines)

    def split(self, records: int) -> tuple[Written, Written]:
        """
        Cut behind the first `records` lines: the warm-up, and what was measured.

        A commit that reaches over the cut is cut too.
        """
        ends = [0]
        for size in self.sizes:
            ends.append(ends[-1] + size)
        cuts = sorted({*ends, records})
        before = tuple(b - a for a, b in pairwise(cuts) if b <= records)
        after = tuple(b - a for a, b in pairwise(cuts) if a >= records)
        return Written(self.lines[:records], before), Written(self.lines[records:], after)


def written_by_store(directory: Path) -> Written:
    """Read the records' lines and the commits' sizes from a closed store's journal."""
    lines: list[bytes] = []
    sizes: list[int] = []
    committed = 0
    for segment in sorted((directory / "journal").glob("*.jsonl")):
        for line in segment.read_bytes().splitlines(keepends=True):
            if not line.startswith(b'{"position":'):
                continue
            lines.append(line)
            if line[-_COMMIT_TAIL:].startswith(b',"commit":"'):
                sizes.append(len(lines) - committed)
                committed = len(lines)
    return Written(tuple(lines), tuple(sizes))
