"""
Filters as functions, made once for any number of records.

Each term becomes a closure over what it needs, so that nothing is looked up or decided
again for a record that could be decided before.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, Final, TypeAlias, assert_never, final

import attrs

from .. import jsonvalue
from ..journal.record import StoredRecord
from .paths import MISSING, reach, reach_all
from .terms import DOCUMENTS, And, Anywhere, Compare, Node, Not, OneOf, Or, Path, Present, Scalar
from .times import Period

_UNREAD: Final = object()


@final
@attrs.define(eq=False)
class Opened:
    """A record under a filter: what was decoded of it is kept while terms are tried."""

    record: StoredRecord
    _data: object = attrs.field(default=_UNREAD, init=False)
    _metadata: object = attrs.field(default=_UNREAD, init=False)
    _meta: object = attrs.field(default=_UNREAD, init=False)

    def data(self) -> object:
        """The event, decoded."""
        if self._data is _UNREAD:
            self._data = jsonvalue.decode(self.record.data)
        return self._data

    def metadata(self) -> object:
        """What came with the proposal, decoded; `MISSING` if nothing did."""
        if self._metadata is _UNREAD:
            self._metadata = _decoded(self.record.metadata)
        return self._metadata

    def meta(self) -> object:
        """What came with the decision, decoded; `MISSING` if nothing did."""
        if self._meta is _UNREAD:
            self._meta = _decoded(self.record.meta)
        return self._meta


def _decoded(data: bytes | None) -> object:
    return MISSING if data is None else jsonvalue.decode(data)


Test: TypeAlias = Callable[[Opened], bool]
_ValueTest: TypeAlias = Callable[[Any], bool]

_OPEN: Final[dict[str, Callable[[Opened], object]]] = {
    "data": Opened.data,
    "metadata": Opened.metadata,
    "meta": Opened.meta,
}
_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def test_of(node: Node) -> Test:
    """Make the function that tells whether a record matches."""
    match node:
        case And(parts):
            return _all([test_of(part) for part in sorted(parts, key=_cost)])
        case Or(parts):
            return _any([test_of(part) for part in sorted(parts, key=_cost)])
        case Not(part):
            test = test_of(part)
            return lambda opened: not test(opened)
        case Present(path):
            return _presence_test(path)
        case Compare(path, comparison, value):
            return _path_test(path, _value_test(comparison, value))
        case OneOf(path, values):
            return _path_test(path, _list_test(values))
        case Anywhere(text):
            return lambda opened: any(text in string for string in _strings(opened))
    assert_never(node)


def _cost(node: Node) -> int:
    """How dear a term is: what needs nothing decoded is tried first, all strings last."""
    match node:
        case And(parts) | Or(parts):
            return max(map(_cost, parts))
        case Not(part):
            return _cost(part)
        case Anywhere():
            return 2
    return 1 if node.path.root in DOCUMENTS else 0


def _all(tests: Sequence[Test]) -> Test:
    def test(opened: Opened) -> bool:
        for part in tests:  # noqa: SIM110 - all() makes a generator for each record
            if not part(opened):
                return False
        return True

    return test


def _any(tests: Sequence[Test]) -> Test:
    def test(opened: Opened) -> bool:
        for part in tests:  # noqa: SIM110 - any() makes a generator for each record
            if part(opened):
                return True
        return False

    return test


# --- paths ---------------------------------------------------------------------------


def _presence_test(path: Path) -> Test:
    if path.root not in DOCUMENTS:
        return lambda _: True
    get, steps = _OPEN[path.root], path.steps
    if path.is_wild:
        return lambda opened: bool(reach_all(get(opened), steps))
    return lambda opened: reach(get(opened), steps) is not MISSING


def _path_test(path: Path, holds: _ValueTest) -> Test:
    if path.root not in DOCUMENTS:
        field = attrgetter(path.root)
        return lambda opened: holds(field(opened.record))
    get, steps = _OPEN[path.root], path.steps
    if path.is_wild:
        return lambda opened: any(map(holds, reach_all(get(opened), steps)))
    # Where nothing is, there is `MISSING`, and no comparison holds for it.
    return lambda opened: holds(reach(get(opened), steps))


# --- values: types count exactly, because True == 1 in Python -----------------------------


def _value_test(comparison: str, value: Scalar) -> _ValueTest:
    if isinstance(value, Period):
        return _time_test(comparison, value)
    if isinstance(value, str):
        return _text_test(comparison, value)
    compare = _COMPARISONS[comparison]
    if value is None or isinstance(value, bool):
        kind = type(value)
        return lambda item: type(item) is kind and compare(item, value)
    return lambda item: (type(item) is int or type(item) is float) and compare(item, value)


def _text_test(comparison: str, value: str) -> _ValueTest:
    if comparison == "^=":
        return lambda item: type(item) is str and item.startswith(value)
    if comparison == "~":
        folded = value.casefold()
        return lambda item: type(item) is str and folded in item.casefold()
    compare = _COMPARISONS[comparison]
    return lambda item: type(item) is str and compare(item, value)


def _time_test(comparison: str, value: Period) -> _ValueTest:
    first, last = value.first, value.last
    match comparison:
        case "=":
            return lambda at: first <= at <= last
        case "!=":
            return lambda at: not first <= at <= last
        case "<":
            return lambda at: at < first
        case "<=":
            return lambda at: at <= last
        case ">":
            return lambda at: at > last
    return lambda at: at >= first


def _list_test(values: Sequence[Scalar]) -> _ValueTest:
    strings = frozenset(value for value in values if isinstance(value, str))
    if all(isinstance(value, str) for value in values):
        return lambda item: type(item) is str and item in strings
    tests = [_value_test("=", value) for value in values]
    return lambda item: any(test(item) for test in tests)


# --- anywhere ----------------------------------------------------------------------------


def _strings(opened: Opened) -> Iterable[str]:
    """A record's strings: scope, type and id; keys and values in its documents."""
    record = opened.record
    yield record.scope
    yield record.type
    yield record.id
    stack = [opened.data(), opened.metadata(), opened.meta()]
    while stack:
        value = stack.pop()
        if type(value) is str:
            yield value
        elif type(value) is dict:
            yield from value
            stack.extend(value.values())
        elif type(value) is list:
            stack.extend(value)
