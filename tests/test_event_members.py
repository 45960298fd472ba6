"""Members of event classes: each comes back the same from JSON, or is refused with its path."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableSequence, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum
from typing import Annotated, Any, Final, Generic, Literal, NewType, Optional, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import pytest

from atomic_store.errors import InvalidEvent
from atomic_store.events import event_types

T = TypeVar("T")
Cents = NewType("Cents", int)


class Color(Enum):
    RED = "red"
    TWO = 2
    NONE = None


class Level(IntEnum):
    LOW = 1


class Word(StrEnum):
    A = "a"


class Bits(Flag):
    A = 1


class Shapes(Enum):
    PAIR = (1, 2)


@dataclass
class Plain:
    x: int


@attrs.frozen
class Bid:
    lot: str
    cents: int
    note: str = ""


@attrs.frozen
class Card:
    number: str


class Child(Card):
    """It inherits what attrs did, but was not decorated itself."""


@attrs.frozen
class Cash:
    cents: Cents


@attrs.frozen
class Twig:
    twigs: tuple[Twig, ...] = ()


@attrs.frozen
class Node:
    value: int
    next: Node | None = None
    children: tuple[Node, ...] = ()


@attrs.frozen
class Box(Generic[T]):
    item: T
    more: tuple[T, ...] = ()


def types_of(annotation: Any) -> Any:
    """Give the event types of a class `One` with a member `x` of this type."""
    cls = attrs.make_class("One", {"x": attrs.field(type=annotation)}, frozen=True)
    return cls, event_types(cls)


def both_ways(annotation: Any, value: Any) -> tuple[str, Any]:
    """Give the JSON text of a member's value, and what it comes back as."""
    cls, types = types_of(annotation)
    encoded, decoded = types.encode_and_decode(cls(value))
    return encoded.data.decode().removeprefix('{"x":').removesuffix("}"), decoded.x


MEMBERS = [
    (type(None), None, "null"),
    (bool, True, "true"),
    (int, 10**3999, str(10**3999)),
    (float, 1.5, "1.5"),
    (float, -0.0, "-0.0"),
    (str, "é\n\u2028", '"é\\n\u2028"'),
    (Decimal, Decimal("1.10"), '"1.10"'),
    (Decimal, Decimal("-1E+3"), '"-1E+3"'),
    (UUID, UUID(int=10), '"00000000-0000-0000-0000-00000000000a"'),
    (bytes, b"\xff\x00", '"/wA="'),
    (datetime, datetime(2026, 1, 2, 3, 4, 5, 6, UTC), '"2026-01-02T03:04:05.000006Z"'),
    (date, date(26, 1, 2), '"0026-01-02"'),
    (time, time(1, 2, 3), '"01:02:03.000000"'),
    (timedelta, timedelta(days=-1, microseconds=1), "-86399999999"),
    (Color, Color.RED, '"red"'),
    (Color, Color.TWO, "2"),
    (Color, Color.NONE, "null"),
    (Level, Level.LOW, "1"),
    (Word, Word.A, '"a"'),
    (Literal["a", 1, None], 1, "1"),
    (Literal[Word.A], Word.A, '"a"'),
    (Bid, Bid("a", 1), '{"lot":"a","cents":1,"note":""}'),
    (list[int], [1, 2], "[1,2]"),
    (MutableSequence[int], [1], "[1]"),
    (list, [1, "a"], '[1,"a"]'),
    (tuple[int, ...], (1, 2), "[1,2]"),
    (tuple, (1, None), "[1,null]"),
    (Sequence[Bid], (Bid("a", 1, "b"),), '[{"lot":"a","cents":1,"note":"b"}]'),
    (tuple[int, str], (1, "a"), '[1,"a"]'),
    (tuple[()], (), "[]"),
    (frozenset[int], frozenset({10, 9}), "[9,10]"),
    (set[str], {"b", "a"}, '["a","b"]'),
    (AbstractSet[int | str | None], frozenset({2, "a", None, 1}), '[null,1,2,"a"]'),
    (dict[str, list[int]], {"b": [1], "a": []}, '{"b":[1],"a":[]}'),
    (Mapping[UUID, Decimal], {UUID(int=0): Decimal(1)}, f'{{"{UUID(int=0)}":"1"}}'),
    (dict, {"a": [None]}, '{"a":[null]}'),
    (Optional[int], None, "null"),  # noqa: UP045  # both spellings must work
    (int | str | None, "1", '"1"'),
    (int | float, 1.0, "1.0"),
    (int | float, 1, "1"),
    (bool | int, True, "true"),
    (Decimal | None | int, Decimal(1), '"1"'),
    (Card | None, Card("1"), '{"number":"1"}'),
    (Card | Cash | None, Cash(Cents(1)), '{"$type":"Cash","cents":1}'),
    (list[Card | Cash], [Card("1")], '[{"$type":"Card","number":"1"}]'),
    (Card | (Cash | list[int]), [1], "[1]"),
    (Any, {"a": [1.0, True, None]}, '{"a":[1.0,true,null]}'),
    (object, "a", '"a"'),
    (Any | None, [1], "[1]"),
    (Cents, Cents(1), "1"),
    (Annotated[int, ["not hashable"]], 1, "1"),
    (Final[int], 1, "1"),
    (Box[int], Box(1, (2,)), '{"item":1,"more":[2]}'),
    (Box[Box[str]], Box(Box("a")), '{"item":{"item":"a","more":[]},"more":[]}'),
    (Twig, Twig((Twig(),)), '{"twigs":[{"twigs":[]}]}'),
]  # fmt: skip


def _named(value: object) -> str:
    """A value in the same words in each process: sets have no order."""
    return repr(sorted(value, key=repr) if isinstance(value, set | frozenset) else value)


@pytest.mark.parametrize(("annotation", "value", "json"), MEMBERS, ids=lambda v: _named(v)[:40])
def test_members_come_back_the_same(annotation: Any, value: Any, json: str) -> None:
    """A member of each type is written as documented, and comes back equal, of the same type."""
    text, decoded = both_ways(annotation, value)

    assert json == text
    assert (value, type(value)) == (decoded, type(decoded))
    assert repr(value) == repr(decoded) or isinstance(value, set | frozenset)


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (int, "7", "One.x: expected int, found str '7'"),
        (int, True, "One.x: expected int, found True"),
        (int, 1.0, "One.x: expected int, found float 1.0"),
        (int, Level.LOW, "One.x: expected int, found Level <Level.LOW: 1>"),
        (int, 10**4000, "One.x: expected an int of at most 4000 digits"),
        (float, True, "One.x: expected float, found True"),
        (float, 2**53 + 1, "One.x: expected float, or an int that equals one, found int 90071"),
        (float, 10**400, "One.x: expected float, or an int that equals one, found int"),
        (float, float("inf"), "One.x: expected a finite number, found inf"),
        (str, None, "One.x: expected str, found None"),
        (str, Word.A, "One.x: expected str, found Word <Word.A: 'a'>"),
        (str, "\ud800", "One.x: expected valid Unicode"),
        (bool, 1, "One.x: expected bool, found int 1"),
        (Decimal, "1.0", "One.x: expected Decimal, found str '1.0'"),
        (Decimal, Decimal("NaN"), "One.x: expected a finite Decimal"),
        (UUID, str(UUID(int=0)), "One.x: expected UUID, found str"),
        (bytes, bytearray(b"x"), "One.x: expected bytes, found bytearray"),
        (datetime, datetime(2026, 1, 1), "One.x: expected a datetime with a time zone"),
        (datetime, date(2026, 1, 1), "One.x: expected datetime, found date"),
        (datetime, datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), "the years 1 and 9999"),
        (date, datetime(2026, 1, 1, tzinfo=UTC), "One.x: expected date, found datetime"),
        (time, time(1, tzinfo=UTC), "One.x: expected a time without a time zone"),
        (timedelta, 5, "One.x: expected timedelta, found int 5"),
        (Color, "red", "One.x: expected Color, found str 'red'"),
        (Literal[1], True, "One.x: expected one of 1, found True"),
        (Literal[1, False], True, "One.x: expected one of 1, False, found True"),
        (Literal["a"], [], "One.x: expected one of 'a', found list []"),
        (Card, Child("1"), "One.x: expected Card, found Child"),
        (Bid, {"lot": "a", "cents": 1}, "One.x: expected Bid, found dict"),
        (list[int], (1,), "One.x: expected list[int], found tuple (1,)"),
        (tuple[int, ...], [1], "One.x: expected tuple[int, ...], found list [1]"),
        (tuple[int, str], (1,), "One.x: expected tuple[int, str] (2 items), found tuple (1,)"),
        (tuple[int, str], (1, 2), "One.x[1]: expected str, found int 2"),
        (set[int], frozenset({1}), "One.x: expected set[int], found frozenset"),
        (frozenset[int], frozenset({"a"}), "One.x: expected int, found str 'a'"),
        (dict[str, list[int]], {"a b": [1, "2"]}, "One.x[\"a b\"][1]: expected int, found str '2'"),
        (dict[UUID, int], {"a": 1}, "One.x.a: expected UUID, found str 'a'"),
        (dict[str, int], [], "One.x: expected dict[str, int], found list []"),
        (int | str | None, 1.5, "One.x: expected int | str | None, found float 1.5"),
        (int | float, True, "One.x: expected int | float, found True"),
        (Card | Cash, Bid("a", 1), "One.x: expected Card | Cash, found Bid"),
        (Card | Cash, Cash("a"), "One.x.cents: expected int, found str 'a'"),  # type: ignore[arg-type]
        (Any, {"a": [object]}, "One.x.a[0]: expected a JSON value"),
        (Any, {"a": (1,)}, "One.x.a: expected to come back from JSON as tuple (1,), came as list"),
        (Box[int], Box("a"), "One.x.item: expected int, found str 'a'"),
        (Node, Node(1, None, (Node("a"),)), "One.x.children[0].value: expected int, found str 'a'"),  # type: ignore[arg-type]
    ],
    ids=lambda v: v if isinstance(v, str) and v.isascii() else "",
)  # fmt: skip
def test_wrong_members_are_refused(annotation: Any, value: Any, message: str) -> None:
    """A value that is not exactly what its annotation says is refused with its path."""
    with pytest.raises(InvalidEvent, match=re.escape(message)):
        both_ways(annotation, value)


@pytest.mark.parametrize(
    ("annotation", "json", "expected"),
    [
        (float, "2", 2.0),
        (Decimal, '"0.00000001"', Decimal("1E-8")),
        (datetime, '"2026-01-02T03:04:05Z"', datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (datetime, '"2026-01-02t03:04:05.5+01:30"', datetime(2026, 1, 2, 1, 34, 5, 500000, UTC)),
        (frozenset[int], "[2,1]", frozenset({1, 2})),
    ],
)
def test_other_spellings_are_read(annotation: Any, json: str, expected: Any) -> None:
    """A few spellings that we do not write are read, because others write them so."""
    _, types = types_of(annotation)

    decoded = types.decode("One", 1, b'{"x":%b}' % json.encode()).x

    assert (expected, type(expected)) == (decoded, type(decoded))


@pytest.mark.parametrize(
    ("annotation", "json", "message"),
    [
        (int, "1.0", "One.x: expected int, found float 1.0"),
        (int, "true", "One.x: expected int, found True"),
        (float, "9007199254740993", "One.x: expected float, or an int that equals one"),
        (Decimal, "1", "One.x: expected the text of a finite Decimal, found int 1"),
        (Decimal, '"NaN"', "One.x: expected the text of a finite Decimal, found str 'NaN'"),
        (Decimal, '"1_0"', "One.x: expected the text of a finite Decimal"),
        (Decimal, '"\u0661"', "One.x: expected the text of a finite Decimal"),
        (Decimal, '" 1"', "One.x: expected the text of a finite Decimal"),
        (UUID, '"0000000000000000000000000000000A"', "One.x: expected the text of a UUID"),
        (UUID, '"x"', "One.x: expected the text of a UUID, in lower case, found str 'x'"),
        (bytes, '"/w"', "One.x: expected base64 text with padding, found str '/w'"),
        (bytes, '"/x=="', "One.x: expected base64 text with padding, found str '/x=='"),
        (bytes, '"/ w=="', "One.x: expected base64 text with padding"),
        (datetime, '"2026-01-02T03:04:05"', "One.x: expected a time like 2026-11-23T15:04:05"),
        (datetime, '"2026-01-02T03:04:05.1234567Z"', "One.x: expected a time like 2026-"),
        (datetime, '"2026-13-02T03:04:05Z"', "One.x: expected a time like 2026-11-23T15:04:05"),
        (datetime, '"0001-01-01T00:00:00+01:00"', "One.x: expected a time like 2026-11-23T15"),
        (date, '"20260102"', "One.x: expected a date like 2026-11-23, found str '20260102'"),
        (time, '"01:02"', "One.x: expected a time like 15:04:05.123456, found str '01:02'"),
        (time, '"01:02:03.000000Z"', "One.x: expected a time without a time zone"),
        (timedelta, "1.5", "One.x: expected an int, the microseconds of a timedelta"),
        (timedelta, "1" * 30, "One.x: expected the microseconds of a timedelta"),
        (Color, '"blue"', "One.x: expected Color, found str 'blue'"),
        (Color, "2.0", "One.x: expected Color, found float 2.0"),
        (Color, "[]", "One.x: expected Color, found list []"),
        (Level, "true", "One.x: expected Level, found True"),
        (Literal[1, False], "true", "One.x: expected one of 1, False, found True"),
        (list[int], '"12"', "One.x: expected list[int], found str '12'"),
        (tuple[int, ...], "[1,null]", "One.x[1]: expected int, found None"),
        (tuple[int, str], "[1]", "One.x: expected tuple[int, str] (2 items), found list [1]"),
        (tuple[int, str], '["a",1]', "One.x[0]: expected int, found str 'a'"),
        (frozenset[int], "[1,1]", "One.x: expected frozenset[int], each item once"),
        (frozenset[int], '[1,"a"]', "One.x[1]: expected int, found str 'a'"),
        (frozenset[int], "{}", "One.x: expected frozenset[int], found dict {}"),
        (dict[str, int], "[]", "One.x: expected dict[str, int], found list []"),
        (dict[str, int], '{"a.b":null}', 'One.x["a.b"]: expected int, found None'),
        (dict[Decimal, int], '{"1":1,"1.0":2}', "One.x: expected dict[Decimal, int], each key"),
        (int | str, "null", "One.x: expected int | str, found None"),
        (Card | Cash, '{"number":"1"}', "One.x: expected an object whose '$type' is one of 'Card'"),
        (Card | Cash, '{"$type":[]}', "One.x: expected an object whose '$type' is one of 'Card'"),
        (Card | Cash, '{"$type":"Bid"}', "One.x: expected an object whose '$type' is one of"),
        (Card | Cash, '{"$type":"Card","n":1}', "One.x.number: expected a value, found none"),
        (Card | None, '{"$type":"Card","number":"1"}', "expected no other members, found $type"),
        (Node, '{"value":1,"next":{}}', "One.x.next.value: expected a value, found none"),
        (Bid, "[]", "One.x: expected Bid, found list []"),
    ],
    ids=lambda v: ascii(v)[:60],
)  # fmt: skip
def test_wrong_json_is_refused(annotation: Any, json: str, message: str) -> None:
    """JSON that the class would not write is refused with its path, and as stored data."""
    _, types = types_of(annotation)

    with pytest.raises(InvalidEvent, match=re.escape(message)) as caught:
        types.decode("One", 1, b'{"x":%b}' % json.encode())

    assert str(caught.value).startswith("stored data of type One version 1: One.x")


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (Decimal | str, "One.x: expected members that can be told apart, found Decimal | str"),
        (list[int] | tuple[int, ...], "One.x: expected members that can be told apart"),
        (Level | int, "One.x: expected members that can be told apart"),
        (Card | dict[str, int], "One.x: expected members that can be told apart"),
        (set[Bid], "One.x: expected a set of numbers, strings or the like, found set[Bid]"),
        (dict[int, str], "One.x: expected keys that are strings in JSON, found dict[int, str]"),
        (complex, "One.x: expected an attrs class, a class with its own codec"),
        (list[tuple[int, complex]], "One.x[][1]: expected an attrs class"),
        (Literal[b"x"], "One.x: expected a None, bool, int, float or str for each of one of b'x'"),
        (Bits, "One.x: expected an Enum whose members are all its values, found the Flag Bits"),
        (Shapes, "for each of Shapes, found tuple (1, 2)"),
        (Plain, "a dataclass: use @attrs.frozen instead of @dataclass"),
        (Child, "which inherits from an attrs class: decorate it, too, with @attrs.frozen"),
        (Box, "One.x.item: expected a type, found the name ~T, which nothing binds"),
    ],
    ids=lambda v: ascii(v)[:60],
)  # fmt: skip
def test_members_without_a_meaning_are_refused(annotation: Any, message: str) -> None:
    """A class with a member that cannot be stored is refused when the store is opened."""
    with pytest.raises(TypeError, match=re.escape(message)):
        types_of(annotation)


@pytest.mark.parametrize("hour", [1, 2, 3])
@pytest.mark.parametrize("fold", [0, 1])
def test_times_keep_their_moment(hour: int, fold: int) -> None:
    """A time comes back as the same moment in UTC, also in the hour that a clock repeats."""
    when = datetime(2026, 10, 25, hour, 30, 0, 7, ZoneInfo("Europe/Berlin"), fold=fold)

    _, decoded = both_ways(list[datetime], [when])

    assert ([when.astimezone(UTC)], UTC) == (decoded, decoded[0].tzinfo)
