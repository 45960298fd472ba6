"""
JSON text as a tree that is unfolded node by node, however deep, long or odd it is.

A node is a part of the text. Where objects and arrays end is found once; what is in one is
read when it is unfolded. A very long one is unfolded into ranges first.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from enum import Enum
from typing import Final, TypeAlias, final

import attrs
import msgspec

from atomic_store.filter.paths import reach
from atomic_store.filter.terms import Root

from .filter_terms import Scalar, term_for
from .json_values import NotJson, scalar_of, value_of
from .summary import summary
from .texts import visible

CHILDREN_MAX: Final = 1_000
"""A longer object or array is shown as ranges of so many."""


class Kind(Enum):
    """What a node is."""

    OBJECT = "object"
    ARRAY = "array"
    RANGE = "range"
    """Some members of a long object, or elements of a long array."""
    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    NULL = "null"


Step: TypeAlias = str | int

_BEGINNINGS: Final = {
    ord("{"): Kind.OBJECT,
    ord("["): Kind.ARRAY,
    ord('"'): Kind.STRING,
    ord("t"): Kind.BOOLEAN,
    ord("f"): Kind.BOOLEAN,
    ord("n"): Kind.NULL,
}
_HOLDING: Final = frozenset({Kind.OBJECT, Kind.ARRAY, Kind.RANGE})

# Possessive, so that nothing is ever tried twice.
_STRING: Final = rb'"(?:[^"\\]++|\\.)*+"'
_BRACKET: Final = re.compile(_STRING + rb"|[][{}]", re.DOTALL)
_BLANKS: Final = re.compile(rb"[\s,]*+")
_VALUE: Final = rb"(?P<value>" + _STRING + rb'|[{\[]|[^][{}:,"\s]++)'
_ELEMENT: Final = re.compile(_VALUE, re.DOTALL)
_MEMBER: Final = re.compile(rb"(" + _STRING + rb")\s*+:\s*+" + _VALUE, re.DOTALL)


@final
@attrs.frozen(eq=False, repr=False)
class Node:
    """A part of a JSON text: a value, or a range of the values in a long one."""

    step: Step | None
    """The key or index by which its parent holds it; None of the root and of ranges."""
    kind: Kind
    start: int
    """Where it begins in the text, in bytes."""
    end: int
    """Where it ends; this byte is none of it."""
    parent: Node | None = None
    first: int = 0
    """Of a range: the number of the first value in it, from 0."""
    last: int = 0
    """Of a range: the number of the last one."""

    @property
    def can_unfold(self) -> bool:
        """Whether there may be something in it."""
        return self.kind in _HOLDING

    def __repr__(self) -> str:
        return f"<Node {self.kind.value} {self.start}:{self.end}>"


@final
class JsonTree:
    """
    The tree over a JSON text.

    Raises:
      NotJson: it is none; `RawLines` shows it.
    """

    __slots__ = ("_closing", "_data", "_opening", "root")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._opening, self._closing = _brackets(data)
        _check(data)
        start = _behind_blanks(data, 0)
        self.root = Node(None, _kind_at(data, start), start, self._end_of(start))
        """The whole value."""

    def children(self, node: Node) -> list[Node]:
        """
        Unfold a node: what is in it, in the order of the text; a key may be there twice.

        There are at most `CHILDREN_MAX` of them, or ranges of so many.
        """
        if not node.can_unfold:
            return []
        if node.kind is Kind.RANGE:
            return self._values(node)
        starts = array("Q")
        count, inside = 0, node.end - 1
        for part, _, _, _ in self._parts(node, node.start + 1, inside):
            if count % CHILDREN_MAX == 0:
                starts.append(part)
            count += 1
        if count <= CHILDREN_MAX:
            return self._values(node)
        bounds = zip(range(0, count, CHILDREN_MAX), starts, [*starts[1:], inside], strict=True)
        return [
            Node(None, Kind.RANGE, start, end, node, first, min(first + CHILDREN_MAX, count) - 1)
            for first, start, end in bounds
        ]

    def _values(self, node: Node) -> list[Node]:
        """The values in an object or array that is not long, or in a range."""
        start, end, first = node.start + 1, node.end - 1, 0
        if node.kind is Kind.RANGE:
            start, end, first = node.start, node.end, node.first
        found = []
        for number, (_, key, value, stop) in enumerate(self._parts(node, start, end), first):
            step = number if key is None else _key(key)
            found.append(Node(step, _kind_at(self._data, value), value, stop, node))
        return found

    def _parts(
        self, node: Node, start: int, end: int
    ) -> Iterator[tuple[int, bytes | None, int, int]]:
        """Where each part between two offsets begins, its key, and its value's two ends."""
        holder = node.parent if node.kind is Kind.RANGE else node
        is_object = holder is not None and holder.kind is Kind.OBJECT
        pattern = _MEMBER if is_object else _ELEMENT
        offset = _behind_blanks(self._data, start)
        while offset < end:
            match = pattern.match(self._data, offset, end)
            if match is None:
                # No JSON, in what was nested too deep to be checked: the rest, as it is.
                yield offset, None, offset, end
                return
            key = match[1] if is_object else None
            value, stop = match.span("value")
            if stop - value == 1 and self._data[value] in b"{[":
                stop = min(self._end_of(value), end)
            yield offset, key, value, stop
            offset = _behind_blanks(self._data, stop)

    def _end_of(self, start: int) -> int:
        """Where the value that begins at `start` ends."""
        if self._data[start : start + 1] in (b"{", b"["):
            return self._closing[bisect_left(self._opening, start)] + 1
        match = _ELEMENT.match(self._data, start)
        return start if match is None else match.end()

    # --- what a node says ----------------------------------------------------------------

    def literal(self, node: Node) -> bytes:
        """Give a node's part of the text, as it is."""
        return self._data[node.start : node.end]

    def preview(self, node: Node, cells_max: int) -> str:
        """Say in one line what a node holds, safe to show; little is read of a long one."""
        # As much as could matter, and a little more, so that it shows that there is more.
        part = self._data[node.start : min(node.end, node.start + cells_max * 8 + 128)]
        if node.kind is Kind.OBJECT and cells_max > 2:
            return f"{{{summary(part, cells_max - 2)}}}"
        return summary(part, cells_max) if node.can_unfold else visible(part, cells_max)

    def value(self, node: Node) -> Scalar:
        """
        Give the value of a node that cannot be unfolded.

        Raises:
          NotJson: the text is broken there.
        """
        scalar: Scalar = scalar_of(self.literal(node))
        return scalar

    def term(self, node: Node, root: Root) -> str | None:
        """
        Write the term of a filter that records with this value at this place match.

        Args:
          node: a string, number or constant.
          root: the part of the record that the whole text is.

        Returns:
          None if no filter can say it: see `term_for`; or another member of the same object
          has the same key, and counts instead.
        """
        if node.can_unfold:
            return None
        try:
            value, whole = self.value(node), value_of(self._data)
        except NotJson:
            return None
        steps = path_of(node)
        found = reach(whole, steps)
        is_it = type(found) is type(value) and found == value
        return term_for(root, steps, value) if is_it else None


def label(node: Node, cells_max: int = 60) -> str:
    """Write what a node is called in its parent, safe to show; nothing for the root."""
    if node.kind is Kind.RANGE:
        return visible(f"{node.first:,} … {node.last:,}", cells_max)
    return "" if node.step is None else visible(str(node.step), cells_max)


def path_of(node: Node) -> tuple[Step, ...]:
    """Give the keys and indexes that lead from the root to a node."""
    steps: list[Step] = []
    above: Node | None = node
    while above is not None:
        if above.step is not None:
            steps.append(above.step)
        above = above.parent
    return tuple(reversed(steps))


def _brackets(data: bytes) -> tuple[array[int], array[int]]:
    """Where objects and arrays begin, in the order of the text, and where each of them ends."""
    opening, closing = array("Q"), array("Q")
    open_ones: list[int] = []
    for match in _BRACKET.finditer(data):
        mark = data[match.start()]
        if mark in b"{[":
            open_ones.append(len(opening))
            opening.append(match.start())
            closing.append(0)
        elif mark in b"}]":
            # In ASCII each bracket that closes stands two behind the one that opens.
            if not open_ones or data[opening[open_ones[-1]]] != mark - 2:
                raise NotJson(f"expected no {chr(mark)} at {match.start()}, found one")
            closing[open_ones.pop()] = match.start()
    if open_ones:
        raise NotJson(f"expected an end of what begins at {opening[open_ones[-1]]}, found none")
    return opening, closing


def _check(data: bytes) -> None:
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except RecursionError:
        # Brackets match, and more is not known; what is broken inside shows as it is.
        return
    except (msgspec.MsgspecError, ValueError) as error:
        raise NotJson(f"expected JSON text, found {data[:40]!r}: {error}") from error


def _behind_blanks(data: bytes, offset: int) -> int:
    match = _BLANKS.match(data, offset)
    assert match is not None
    return match.end()


def _kind_at(data: bytes, offset: int) -> Kind:
    return _BEGINNINGS.get(data[offset], Kind.NUMBER) if offset < len(data) else Kind.NULL


def _key(literal: bytes) -> str:
    try:
        return str(scalar_of(literal))
    except NotJson:
        return literal.decode("utf-8", "replace")
