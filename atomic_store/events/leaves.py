"""The shapes of values that hold no others: numbers, text, times and the like."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar
from uuid import UUID

from ..jsonvalue import found
from .shape import SCALAR_TYPES, Shape, mismatch

T = TypeVar("T")

# Decimal() also takes blanks, underscores, and digits of other scripts.
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
# fromisoformat() also takes ISO 8601 week dates and cuts a seventh digit off.
_DATETIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_MICROSECOND = timedelta(microseconds=1)


def _plain(kind: type) -> Shape:
    """Shape values that are JSON as they are."""
    name = "None" if kind is type(None) else kind.__name__

    def dump(value: Any) -> Any:
        if type(value) is not kind:
            raise mismatch(name, value)
        return value

    def load(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise mismatch(name, value)
        return value

    kinds = frozenset({kind})
    return Shape(name, dump, load, kinds, kinds, scalars=kinds)


def _float() -> Shape:
    """
    Shape floats, and ints that a float can hold exactly: they become floats.

    It lists only float among its types, so that ``int | float`` keeps the two apart.
    """

    def dump(value: Any) -> float:
        if type(value) is float:
            return value
        if type(value) is not int:
            raise mismatch("float", value)
        try:
            number = float(value)
        except OverflowError:
            number = 0.0
        if number != value:
            raise mismatch("float, or an int that equals one", value)
        return number

    def load(value: Any, _: Any) -> float:
        return dump(value)

    kinds = frozenset({float})
    return Shape("float", dump, load, kinds, kinds, scalars=kinds)


def _text(kind: type[T], name: str, write: Callable[[T], str], read: Callable[[str], T]) -> Shape:
    """Shape values that JSON has no type for as strings."""

    def dump(value: Any) -> str:
        if type(value) is not kind:
            raise mismatch(kind.__name__, value)
        return write(value)

    def load(value: Any, _: Any) -> T:
        if type(value) is str:
            try:
                return read(value)
            # Each of these is one way in which a parser of the standard library refuses.
            except (ValueError, ArithmeticError):
                pass
        raise mismatch(name, value)

    return Shape(kind.__name__, dump, load, frozenset({kind}), frozenset({str}))


def _write_decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise mismatch("a finite Decimal", value)
    # The letter of the exponent depends on the context of the thread.
    return str(value).upper()


def _read_decimal(text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise ValueError
    return Decimal(text)


def _read_uuid(text: str) -> UUID:
    return _canonical(UUID(text), str, text)


def _write_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _read_bytes(text: str) -> bytes:
    return _canonical(base64.b64decode(text, validate=True), _write_bytes, text)


def _write_datetime(value: datetime) -> str:
    if value.utcoffset() is None:
        raise mismatch("a datetime with a time zone", value)
    try:
        in_utc = value.astimezone(UTC)
    except OverflowError:
        raise mismatch("a datetime between the years 1 and 9999 in UTC", value) from None
    return in_utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _read_datetime(text: str) -> datetime:
    if not _DATETIME.fullmatch(text):
        raise ValueError
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


def _read_date(text: str) -> date:
    return _canonical(date.fromisoformat(text), date.isoformat, text)


def _write_time(value: time) -> str:
    if value.tzinfo is not None:
        raise mismatch("a time without a time zone", value)
    if value.fold:
        raise mismatch("a time with fold=0", value)
    return value.isoformat(timespec="microseconds")


def _read_time(text: str) -> time:
    return _canonical(time.fromisoformat(text), _write_time, text)


def _canonical(value: T, write: Callable[[T], str], text: str) -> T:
    """Accept only the one spelling that we write ourselves."""
    if write(value) != text:
        raise ValueError
    return value


def _timedelta() -> Shape:
    def dump(value: Any) -> int:
        if type(value) is not timedelta:
            raise mismatch("timedelta", value)
        return value // _MICROSECOND

    def load(value: Any, _: Any) -> timedelta:
        if type(value) is not int:
            raise mismatch("an int, the microseconds of a timedelta", value)
        try:
            return timedelta(microseconds=value)
        except OverflowError:
            raise mismatch("the microseconds of a timedelta", value) from None

    return Shape("timedelta", dump, load, frozenset({timedelta}), frozenset({int}))


def _anything() -> Shape:
    # What it may hold is checked when all is written as JSON text, with paths.
    return Shape(
        "a JSON value",
        lambda value: value,
        lambda value, _: value,
        SCALAR_TYPES.union((dict, list, tuple)),
        SCALAR_TYPES.union((dict, list)),
        is_immutable=False,
    )


ANYTHING: Final = _anything()
LEAVES: Final[Mapping[Any, Shape]] = {
    Any: ANYTHING,
    object: ANYTHING,
    None: _plain(type(None)),
    type(None): _plain(type(None)),
    bool: _plain(bool),
    int: _plain(int),
    float: _float(),
    str: _plain(str),
    Decimal: _text(Decimal, "the text of a finite Decimal", _write_decimal, _read_decimal),
    UUID: _text(UUID, "the text of a UUID, in lower case", str, _read_uuid),
    bytes: _text(bytes, "base64 text with padding", _write_bytes, _read_bytes),
    datetime: _text(
        datetime,
        "a time like 2026-11-23T15:04:05.123456Z (RFC 3339)",
        _write_datetime,
        _read_datetime,
    ),
    date: _text(date, "a date like 2026-11-23", date.isoformat, _read_date),
    time: _text(time, "a time like 15:04:05.123456", _write_time, _read_time),
    timedelta: _timedelta(),
}


def choice(name: str, options: list[tuple[Any, Any]], where: str) -> Shape:
    """
    Shape values that are one of a few, each standing for one JSON scalar.

    Args:
      name: what error messages call it.
      options: pairs of a value and its JSON.
      where: the path of the annotation, for the error message.

    Raises:
      TypeError: an option stands for something that is no JSON scalar, or two for the same.
    """
    # The types are part of the keys, because True == 1 == 1.0.
    dumped: dict[tuple[type, Any], Any] = {}
    loaded: dict[tuple[type, Any], Any] = {}
    for value, json in options:
        if type(json) not in SCALAR_TYPES:
            raise TypeError(
                f"{where}: expected a None, bool, int, float or str for each of {name}, "
                f"found {found(json)}"
            )
        if loaded.setdefault((type(json), json), value) is not value:
            raise TypeError(f"{where}: expected {name} to differ, found {json!r} for two of them")
        dumped[type(value), value] = json
    classes = frozenset(type(value) for value, _ in options)
    json_types = frozenset(type(json) for _, json in options)

    def dump(value: Any) -> Any:
        if type(value) not in classes or (type(value), value) not in dumped:
            raise mismatch(name, value)
        return dumped[type(value), value]

    def load(value: Any, _: Any) -> Any:
        if type(value) not in json_types or (type(value), value) not in loaded:
            raise mismatch(name, value)
        return loaded[type(value), value]

    return Shape(name, dump, load, classes, json_types)
