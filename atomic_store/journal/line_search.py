"""
Finding lines in a run of them by the bytes that they must hold. Pure.

What is looked for are clauses, as filters give them: a line is a candidate if it holds
one byte string of each. Where one of the clauses is rare, the whole run is searched for
its byte strings at once, and lines without them are never cut out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

Clauses: TypeAlias = Sequence[Sequence[bytes]]
_Find: TypeAlias = Callable[[bytes, int], int]

SAMPLE_BYTES = 16 * 1024
"""How much of a run is looked at to see which clause is rare."""
RARE_LINES = 4
"""A clause is rare if one line in this many holds it, or fewer."""
COMMON_BYTES = 4
"""From here on it pays to seek what byte strings have in common at their beginnings."""


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
    for find in _finders(clause):
        at = find(data, 0)
        while at >= 0:
            end = data.find(b"\n", at)
            end = len(data) if end < 0 else end
            extents[data.rfind(b"\n", 0, at) + 1] = end
            at = find(data, end)
    for begin in sorted(extents, reverse=reverse):
        yield begin, data[begin : extents[begin]]


def _finders(clause: Sequence[bytes]) -> list[_Find]:
    """Give what finds one of some byte strings or another: one function, or one for each."""
    # Of alternatives that begin alike, a regular expression seeks what they have in common.
    if len(clause) > 1 and _common(min(clause), max(clause)) >= COMMON_BYTES:
        search = re.compile(b"|".join(map(re.escape, clause))).search

        def find(data: bytes, start: int) -> int:
            match = search(data, start)
            return -1 if match is None else match.start()

        return [find]
    return [partial(_find, needle) for needle in clause]


def _find(needle: bytes, data: bytes, start: int) -> int:
    return data.find(needle, start)


def _common(one: bytes, other: bytes) -> int:
    """How many bytes two byte strings have in common at their beginnings."""
    for k, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return k
    return min(len(one), len(other))
