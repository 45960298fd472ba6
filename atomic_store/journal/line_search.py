"""
Finding lines in a run of them by the bytes that they must hold. Pure.

What is looked for are clauses, as filters give them: a line is a candidate if it holds
one byte string of each. Where one of the clauses is rare, the whole run is searched for
its byte strings at once, and lines without them are never cut out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

Clauses: TypeAlias = Sequence[Sequence[bytes]]

SAMPLE_BYTES = 16 * 1024
"""How much of a run is looked at to see which clause is rare."""
RARE_LINES = 4
"""A clause is rare if one line in this many holds it, or fewer."""


def candidates(data: bytes, clauses: Clauses, *, reverse: bool) -> Iterator[tuple[int, bytes]]:
    """
    Give the lines that may be meant: where each begins, and its bytes without the newline.

    Args:
      data: whole lines, each with its newline.
      clauses: what they must hold; none for all lines.
      reverse: the last one first.
    """
    sample = data[:SAMPLE_BYTES]
    counted = sorted(
        ((sum(map(sample.count, clause)), -min(map(len, clause)), k)
         for k, clause in enumerate(clauses)),
    )  # fmt: skip
    helpful = [clauses[k] for count, _, k in counted if count < sample.count(b"\n")]
    if helpful and counted[0][0] * RARE_LINES <= sample.count(b"\n"):
        lines: Iterable[tuple[int, bytes]] = _holding(data, helpful.pop(0), reverse=reverse)
    else:
        lines = _all(data, reverse=reverse)
    for begin, line in lines:
        if _holds(line, helpful):
            yield begin, line


def _holds(line: bytes, clauses: Clauses) -> bool:
    for clause in clauses:
        for needle in clause:
            if needle in line:
                break
        else:
            return False
    return True


def _all(data: bytes, *, reverse: bool) -> Iterator[tuple[int, bytes]]:
    lines = data.split(b"\n")
    rest = lines.pop()
    begin = len(data) - len(rest)
    if reverse:
        if rest:
            yield begin, rest
        for line in reversed(lines):
            begin -= len(line) + 1
            yield begin, line
        return
    begin = 0
    for line in lines:
        yield begin, line
        begin += len(line) + 1
    if rest:
        yield begin, rest


def _holding(data: bytes, clause: Sequence[bytes], *, reverse: bool) -> Iterator[tuple[int, bytes]]:
    extents: dict[int, int] = {}
    for needle in clause:
        at = data.find(needle)
        while at >= 0:
            end = data.find(b"\n", at)
            end = len(data) if end < 0 else end
            extents[data.rfind(b"\n", 0, at) + 1] = end
            at = data.find(needle, end)
    for begin in sorted(extents, reverse=reverse):
        yield begin, data[begin : extents[begin]]
