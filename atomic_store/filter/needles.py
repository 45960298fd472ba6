"""
What must stand in a record's line, so that lines can be skipped without parsing them.

Each clause is a tuple of byte strings. A record that matches has, for each clause, at least
one of them in its line. This rests on how lines are written: members in a fixed order
without blanks (docs/format.md), and data, metadata and meta by `jsonvalue.encode`, which
writes no blanks either, escapes nothing that need not be, and writes integral floats
below 10**15 in digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias, TypeVar

from .. import jsonvalue
from .terms import (
    DOCUMENTS,
    NUMBER_FIELDS,
    And,
    Anywhere,
    Compare,
    Node,
    Not,
    OneOf,
    Or,
    Path,
    Present,
    Scalar,
)
from .times import Period

T = TypeVar("T")

Clause: TypeAlias = tuple[bytes, ...]
Needles: TypeAlias = tuple[Clause, ...]

_NO_HELP: Final[Needles] = ()
_DIGITS_END: Final = 10**15
"""From here on a float may be written with an exponent."""


def needles_of(node: Node) -> Needles:
    """
    Give the clauses of a filter; none if nothing is known.

    Args:
      node: a filter whose `not`s were carried inward.
    """
    match node:
        case And(parts):
            return _distinct(clause for part in parts for clause in needles_of(part))
        case Or(parts):
            return _either([needles_of(part) for part in parts])
        case Not():
            return _NO_HELP
        case Anywhere(text):
            return ((_inner(text),),) if text else _NO_HELP
        case Present(path):
            return _key_needles(path)
        case OneOf(path, values):
            return _equal(path, values)
        case Compare(path, "=", value):
            return _equal(path, (value,))
        case Compare(path, "^=", str() as value):
            return _equal_forms(path, [_quoted(value)[:-1]])
    return _key_needles(node.path)


def _either(branches: Sequence[Needles]) -> Needles:
    """One clause, of the strictest one of each branch, if each has one."""
    if not all(branches):
        return _NO_HELP
    strictest = [max(branch, key=lambda clause: min(map(len, clause))) for branch in branches]
    return (_distinct(needle for clause in strictest for needle in clause),)


def _key_needles(path: Path) -> Needles:
    """The last key on the way there; the fields that all records have say nothing."""
    if path.root not in DOCUMENTS:
        return _NO_HELP
    names = [step for step in path.steps if isinstance(step, str)]
    if names:
        return ((_quoted(names[-1]) + b":",),)
    return _NO_HELP if path.root == "data" else ((_quoted(path.root) + b":",),)


def _equal(path: Path, values: Sequence[Scalar]) -> Needles:
    if path.root in NUMBER_FIELDS:
        whole = [v for v in values if isinstance(v, int | float) and v == int(v)]
        # Another member always follows, so that 7 is not found in 70.
        return _equal_forms(path, [b"%b," % str(int(v)).encode() for v in whole])
    forms = [_form(value) for value in values]
    known = [form for form in forms if form is not None]
    return _equal_forms(path, known if len(known) == len(forms) else [])


def _equal_forms(path: Path, forms: Sequence[bytes]) -> Needles:
    """The clauses for a value that begins, as it is written, in one of some ways."""
    last = path.steps[-1] if path.steps else path.root
    if not forms:
        return _key_needles(path)
    if isinstance(last, str):
        key = _quoted(last) + b":"
        return (_distinct(key + form for form in forms),)
    # In an array, or under any key, the value stands apart from the key; and digits stand
    # in every line.
    needles = [form for form in forms if form[:1] in b'"tfn']
    apart: Needles = (_distinct(needles),) if len(needles) == len(forms) else _NO_HELP
    return _key_needles(path) + apart


def _form(value: Scalar) -> bytes | None:
    """How all values that are equal to this one begin, as they are written; None if unknown."""
    if isinstance(value, Period):
        # The moments of a day have no more in common than the date.
        is_moment = value.first == value.last
        return _quoted(value.first) if is_moment else _quoted(value.first[:11])[:-1]
    if value is None or isinstance(value, bool | str):
        return jsonvalue.encode(value)
    # 500 is also equal to 500.0, but 0 to -0.0, and 10**22 to 1e22.
    is_plain = value == value // 1 and 0 < abs(value) < _DIGITS_END
    return str(int(value)).encode() if is_plain else None


def _quoted(text: str) -> bytes:
    return jsonvalue.encode(text)


def _inner(text: str) -> bytes:
    return _quoted(text)[1:-1]


def _distinct(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))
