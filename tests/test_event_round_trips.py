"""Whatever can be stored comes back the same: generated classes with generated values."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

import attrs
from hypothesis import given
from hypothesis import strategies as st

from atomic_store import jsonvalue
from atomic_store.events import event_types

T = TypeVar("T")
Typed: TypeAlias = tuple[Any, st.SearchStrategy[Any]]
"""An annotation, and the values that it allows."""


class Color(Enum):
    RED = "red"
    TWO = 2


@attrs.frozen
class Card:
    number: str


@attrs.frozen
class Cash:
    cents: int


@attrs.frozen
class Box(Generic[T]):
    item: T
    more: tuple[T, ...] = ()


def without_fold(value: Any) -> Any:
    """Take off what says nothing about a time that no clock repeats."""
    return value.replace(fold=0)


SCALARS: list[Typed] = [
    (type(None), st.none()),
    (bool, st.booleans()),
    (int, st.integers() | st.integers(-(10**200), 10**200)),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (str, st.text()),
    (Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    (UUID, st.uuids()),
    (bytes, st.binary()),
    (datetime, st.datetimes(timezones=st.just(UTC)).map(without_fold)),
    (date, st.dates()),
    (time, st.times().map(without_fold)),
    (timedelta, st.timedeltas()),
    (Color, st.sampled_from(Color)),
    (Card | Cash | int | None, st.builds(Card, st.text()) | st.builds(Cash, st.integers())
     | st.none() | st.integers()),
]  # fmt: skip


def generic(kind: Any, *arguments: Any) -> Any:
    """Give ``kind[arguments]``."""
    return kind[arguments]


def contained(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    """Put an annotation and its values into each kind of container."""

    def around(pair: Typed) -> st.SearchStrategy[Typed]:
        item, values = pair
        lists = st.lists(values, max_size=3)
        return st.sampled_from(
            [
                (generic(list, item), lists),
                (generic(tuple, item, ...), lists.map(tuple)),
                (generic(tuple, int, item), st.tuples(st.integers(), values)),
                (generic(dict, str, item), st.dictionaries(st.text(), values, max_size=3)),
                (generic(Box, item), st.builds(Box, values, lists.map(tuple))),
                (generic(Box, item) | None, st.none() | st.builds(Box, values)),
                (Card | generic(Box, item), st.builds(Box, values) | st.builds(Card, st.text())),
            ]
        )

    return inner.flatmap(around)


@given(st.recursive(st.sampled_from(SCALARS), contained, max_leaves=3), st.data())
def test_values_of_any_type_come_back_the_same(pair: Typed, data: st.DataObject) -> None:
    """A member comes back equal and prints the same, and is written as the same text again."""
    annotation, values = pair
    cls = attrs.make_class("One", {"x": attrs.field(type=annotation)}, frozen=True)
    types = event_types(cls)
    event = cls(data.draw(values))

    encoded, decoded = types.encode_and_decode(event)

    assert (event, repr(event)) == (decoded, repr(decoded))
    assert encoded == types.encode(decoded)
    assert encoded.data == jsonvalue.encode(jsonvalue.decode_strict(encoded.data))
