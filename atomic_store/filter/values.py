"""The values in a filter's text, and which of them can be compared with what."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeAlias

from ..jsonvalue import INT_DIGITS_MAX
from .cursor import Cursor
from .terms import NUMBER_FIELDS, TEXT_FIELDS, Operator, Path, Scalar
from .times import EXPECTED, period

KEYWORDS: Final = frozenset({"and", "or", "not", "in"})

ORDER: Final[tuple[Operator, ...]] = ("<", "<=", ">", ">=")
TEXTUAL: Final[tuple[Operator, ...]] = ("^=", "~")

_CONSTANTS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_BARE = re.compile(r"[\w.:/@+#$%-]+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
# A bare word that begins like a number must be one, or nobody would see a slip such as 1_000.
_NUMBER_START = re.compile(r"[\d+.-]")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_Reader: TypeAlias = Callable[[Cursor, datetime], Scalar]


def take_value(cursor: Cursor, path: Path, operator: Operator, now: datetime) -> Scalar:
    """
    Read what a path is compared with.

    Raises:
      FilterError: it is no value, or one that this cannot be compared with.
    """
    start = cursor.offset
    value = _reader(path)(cursor, now)
    expected = _expected(operator, value)
    if expected is not None:
        cursor.fail(expected, offset=start)
    return value


def _expected(operator: Operator, value: Scalar) -> str | None:
    """What should stand there instead, if the comparison could never hold."""
    if operator in TEXTUAL and not isinstance(value, str):
        return "text in quotes"
    if operator in ORDER and (value is None or isinstance(value, bool)):
        return "a number or text"
    if operator == "!=" and value is None:
        return "another value: nothing but null is compared with null (try `not … = null`)"
    return None


def _reader(path: Path) -> _Reader:
    if path.root in TEXT_FIELDS:
        return _take_text
    if path.root in NUMBER_FIELDS:
        return _take_number
    return _take_time if path.root == "at" else _take_json


def _take_text(cursor: Cursor, now: datetime) -> Scalar:
    return cursor.take_string() if cursor.sees('"') else _take_bare(cursor, "text")


def _take_number(cursor: Cursor, now: datetime) -> Scalar:
    start = cursor.offset
    if cursor.sees('"'):
        cursor.fail("a number")
    bare = _take_bare(cursor, "a number")
    if not _NUMBER.fullmatch(bare):
        cursor.fail("a number", offset=start)
    return _number(cursor, bare, start)


def _take_time(cursor: Cursor, now: datetime) -> Scalar:
    start = cursor.offset
    text = cursor.take_string() if cursor.sees('"') else _take_bare(cursor, EXPECTED)
    value = period(text, now)
    if value is None:
        cursor.fail(EXPECTED, offset=start)
    return value


def _take_json(cursor: Cursor, now: datetime) -> Scalar:
    if cursor.sees('"'):
        return cursor.take_string()
    start = cursor.offset
    bare = _take_bare(cursor, "a value: a number, true, false, null, or text")
    if _NUMBER.fullmatch(bare):
        return _number(cursor, bare, start)
    if bare in _CONSTANTS:
        return _CONSTANTS[bare]
    if bare.lower() in _CONSTANTS:
        cursor.fail("true, false or null in small letters, or text in quotes", offset=start)
    if _NUMBER_START.match(bare) and not _UUID.fullmatch(bare):
        cursor.fail("a number, or text in quotes", offset=start)
    return bare


def _take_bare(cursor: Cursor, expected: str) -> str:
    start = cursor.offset
    bare = cursor.take(_BARE)
    if bare is None:
        cursor.fail(expected)
    if bare in KEYWORDS:
        cursor.fail(f"{expected}; in quotes, if the word itself is meant", offset=start)
    return bare


def _number(cursor: Cursor, literal: str, start: int) -> int | float:
    """Read a number of JSON, within the limits that events have."""
    is_int = literal.removeprefix("-").isdigit()
    if is_int and len(literal.removeprefix("-")) > INT_DIGITS_MAX:
        cursor.fail(f"an integer of at most {INT_DIGITS_MAX} digits", "a longer one", start)
    try:
        number: int | float = json.loads(literal)
    except ValueError:
        # CPython's own limit, which a process may have lowered.
        cursor.fail("an integer that this process can read", "a longer one", start)
    if not is_int and number - number != 0:
        cursor.fail("a number that a float can hold", "a larger one", start)
    return number
