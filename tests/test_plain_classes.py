"""Classes of scalars take a short way; it must lead to where the long one does."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store import InvalidEvent
from atomic_store.events import EventTypes, event_types
from atomic_store.events.shape import Shape
from atomic_store.journal import EncodedEvent


@attrs.frozen
class Bid:
    lot: str
    cents: int
    share: float
    is_last: bool
    note: str | None = None
    code: int | str = 0


@attrs.frozen(kw_only=True)
class Named:
    first: str
    _second: int | None = attrs.field(alias="second")


@attrs.frozen
class Single:
    word: str


@attrs.frozen
class Checked:
    cents: int = attrs.field(validator=attrs.validators.gt(0))


def _in_tens(cents: int) -> int:
    return cents // 10 * 10


@attrs.frozen
class Rounded:
    cents: int = attrs.field(converter=_in_tens)


@attrs.frozen
class Nothing:
    pass


@attrs.frozen
class Nested:
    bid: Bid


@attrs.frozen
class Wide:
    a: int | str | None
    b: int | str | None
    c: int | str | None
    d: int | str | None


PLAIN = (Bid, Named, Single, Checked, Rounded)
OTHERS = (Nothing, Nested, Wide)


def shape_of(cls: type) -> Shape:
    """The shape of an event class."""
    types: Any = event_types(cls)
    shape: Shape = types._by_class[cls].shape
    return shape


def the_long_way(cls: type) -> EventTypes:
    """Event types without the short way."""
    types: Any = event_types(cls)
    types._by_class[cls].shape.plain = None
    long: EventTypes = types
    return long


def said(types: EventTypes, event: object) -> tuple[EncodedEvent, object] | str:
    """What becomes of an event, or the words with which it is refused."""
    try:
        return types.encode_and_decode(event)
    except InvalidEvent as error:
        return str(error)


@pytest.mark.parametrize("cls", PLAIN)
def test_which_are_plain(cls: type) -> None:
    """Classes whose members are all scalars, or a choice of them, are plain."""
    assert shape_of(cls).plain is not None


@pytest.mark.parametrize("cls", OTHERS)
def test_which_are_not(cls: type) -> None:
    """Classes without members, of other classes, or with very many possibilities are not."""
    assert shape_of(cls).plain is None


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**3_999, 10**4_000, -(10**4_000)])
    | st.floats()
    | st.text()
    | st.sampled_from(["\ud800", "\x00"])
    | st.binary(max_size=2)
)


@given(st.tuples(*[SCALARS] * 6))
def test_both_ways_lead_to_the_same(values: tuple[Any, ...]) -> None:
    """Whatever the members hold: the same bytes, the same object or the same refusal."""
    event = Bid(*values)

    assert said(the_long_way(Bid), event) == said(event_types(Bid), event)


@given(st.text(), st.integers(), st.floats(allow_nan=False), st.booleans())
def test_what_fits_takes_the_short_way(lot: str, cents: int, share: float, is_last: bool) -> None:
    """Events that are as their class says, and can be written, need no long way."""
    event = Bid(lot, cents, share, is_last)
    plain = shape_of(Bid).plain
    assert plain is not None
    short = plain.write_and_read(event)

    if not isinstance(said(the_long_way(Bid), event), str):
        assert short is not None
        assert short[1] == event
        assert short[1] is not event


@pytest.mark.parametrize(
    "event",
    [
        Named(first="a", second=None),
        Named(first="a", second=2),
        Single("word"),
        Checked(1),
        Rounded(20),
    ],
)
def test_it_comes_back(event: object) -> None:
    """By either way an event is written in the same bytes, and read from them as itself."""
    types, long = event_types(type(event)), the_long_way(type(event))
    encoded, decoded = types.encode_and_decode(event)

    assert (encoded, decoded) == long.encode_and_decode(event)
    assert decoded == event
    assert types.decode(encoded.type, 1, encoded.data) == event
    assert types.is_shared(encoded.type)


@pytest.mark.parametrize(
    ("cls", "data"),
    [
        (Checked, b'{"cents":0}'),
        (Checked, b'{"cents":"1"}'),
        (Checked, b'{"cents":1,"more":2}'),
        (Checked, b"{}"),
        (Checked, b"[1]"),
        (Named, b'{"second":1,"first":"a"}'),
        (Bid, b'{"lot":"a","cents":1,"share":1,"is_last":true}'),
    ],
)
def test_reading_agrees(cls: type, data: bytes) -> None:
    """What is not written as the store does is read, or refused, as on the long way."""

    def read(types: EventTypes) -> object:
        try:
            return types.decode(cls.__name__, 1, data)
        except InvalidEvent as error:
            return str(error)

    assert read(the_long_way(cls)) == read(event_types(cls))


def test_a_validator_that_refuses_is_heard() -> None:
    """What a class refuses when it is made again is refused, in the words of the long way."""
    event = Checked(1)
    object.__setattr__(event, "cents", 0)
    words = said(event_types(Checked), event)

    assert words == said(the_long_way(Checked), event)
    assert isinstance(words, str)
    assert "cents" in words
