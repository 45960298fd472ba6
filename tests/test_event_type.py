"""One class of events: its name, its own codec, and whether its objects may be shared."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Generic, TypeVar

import attrs
import pytest

from atomic_store.errors import InvalidEvent
from atomic_store.events import EventType, EventTypes, event_types
from atomic_store.journal.record import EncodedEvent

T = TypeVar("T")


class Color(Enum):
    RED = "red"


class Money:
    """A class that brings its own codec."""

    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and self.cents == other.cents

    __hash__ = None  # type: ignore[assignment]  # it can be changed


class Nameless:
    """A class that defines no equality."""


def money(*, frozen: bool = False) -> EventType[Money]:
    """Give the type of `Money`, whose codec refuses some negative amounts both ways."""

    def encode(value: Money) -> Any:
        if value.cents < -10:
            raise ValueError("very negative")
        return value.cents

    def decode(data: Any) -> Money:
        if data < 0:
            raise ValueError("negative")
        return Money(data)

    return EventType(Money, name="money", encode=encode, decode=decode, frozen=frozen)


@attrs.frozen
class Card:
    number: str


@attrs.frozen
class Cash:
    cents: int


@attrs.frozen
class Paid:
    amount: Money
    tip: Money | None = None
    by: Card | Cash | None = None


@attrs.frozen
class Renamed:
    by: Card | Cash


@attrs.define
class Open:
    x: int


@attrs.frozen(slots=False)
class WithDict:
    x: int


@attrs.frozen
class Hidden:
    x: int
    seen: list[int] = attrs.field(init=False, factory=list)


@attrs.frozen
class HiddenOdd:
    x: int
    seen: complex = attrs.field(init=False, default=1j)


@attrs.frozen
class Ring:
    value: int
    next: Ring | None = None


@attrs.frozen
class OpenRing:
    tags: list[int]
    next: OpenRing | None = None


@attrs.frozen
class Box(Generic[T]):
    item: T


def refusal(types: EventTypes, event: object) -> str:
    """Give the message with which an event is refused."""
    with pytest.raises(InvalidEvent) as caught:
        types.encode_and_decode(event)
    return str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name": ""}, ValueError, "name of Card: expected 1 to 512 bytes of UTF-8 without NUL"),
        ({"name": "a\0b"}, ValueError, "name of Card: expected 1 to 512 bytes"),
        ({"name": "\ud800"}, ValueError, "name of Card: expected valid Unicode"),
        ({"name": "é" * 257}, ValueError, "name of Card: expected 1 to 512 bytes"),
        ({"name": 7}, ValueError, "name of Card: expected str, found int 7"),
        ({"version": 0}, ValueError, "version of Card: expected an integer from 1, found 0"),
        ({"version": True}, ValueError, "version of Card: expected an integer from 1, found True"),
        ({"encode": vars}, TypeError, "expected encode and decode, found one of them"),
        ({"decode": vars}, TypeError, "expected encode and decode, found one of them"),
        ({"frozen": True}, TypeError, "frozen of Card: expected only for a class with its own"),
        ({"cls": 7}, TypeError, "EventType: expected a class, found int 7"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_wrong_arguments_are_refused(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    """An `EventType` whose arguments do not fit together is refused at once."""
    with pytest.raises(error) as caught:
        EventType(**{"cls": Card, **arguments})

    assert message in str(caught.value)


def test_own_codecs() -> None:
    """A class with a codec is stored as its codec says, also as a member and in unions."""
    types = event_types([money(), Paid])
    event = Paid(Money(1), Money(2), Cash(3))
    encoded, decoded = types.encode_and_decode(event)

    expected = b'{"amount":1,"tip":{"$type":"money","value":2},"by":{"$type":"Cash","cents":3}}'
    assert (expected, event) == (encoded.data, decoded)
    assert EncodedEvent("money", 1, b"5") == types.encode(Money(5))
    assert "Paid.amount: expected money, found int 1" == refusal(types, Paid(1))  # type: ignore[arg-type]


def test_wrong_json_of_own_codecs() -> None:
    """What a union would not write around a codec's JSON is refused."""
    types = event_types([money(), Paid])

    with pytest.raises(InvalidEvent, match=r"Paid\.tip: expected an object with '\$type' and '"):
        types.decode("Paid", 1, b'{"amount":1,"tip":{"$type":"money"}}')


def test_faults_of_own_codecs() -> None:
    """What a codec raises, or gives that is no JSON or no such object, is refused by its path."""
    types = event_types([money(), Paid])
    wrong = event_types(EventType(Nameless, encode=lambda _: {1}, decode=lambda _: Nameless()))
    not_one: Any = Money(1)
    other = event_types(EventType(Nameless, encode=lambda _: 1, decode=lambda _: not_one))
    lossy = event_types(EventType(Money, encode=lambda m: m.cents // 2, decode=Money))

    expected = "money: its own codec could not encode it: ValueError: very negative"
    assert expected == refusal(types, Money(-11))
    expected = "Paid.amount: its own codec could not decode it: ValueError: negative"
    assert expected == refusal(types, Paid(Money(-1)))
    assert "Nameless: expected a JSON value" in refusal(wrong, Nameless())
    assert "Nameless: expected Nameless from its own codec, found Money" in (
        refusal(other, Nameless())
    )
    assert "Money: expected to come back from JSON as" in refusal(lossy, Money(3))


def test_codecs_of_classes_without_equality_are_trusted() -> None:
    """Where a class defines no equality, nothing is said about what comes back."""
    types = event_types(EventType(Nameless, encode=lambda _: 1, decode=lambda _: Nameless()))

    assert isinstance(types.encode_and_decode(Nameless())[1], Nameless)


def test_tags_are_the_stored_names() -> None:
    """A class with a stored name of its own has it as its tag in unions, too."""
    types = event_types([Renamed, EventType(Card, name="card.v1")])
    encoded, decoded = types.encode_and_decode(Renamed(Card("1")))

    assert b'{"by":{"$type":"card.v1","number":"1"}}' == encoded.data
    assert Renamed(Card("1")) == decoded


def test_tags_are_different() -> None:
    """Two classes of one name in a union are refused: nothing would tell them apart."""
    other = attrs.make_class("Card", {"x": attrs.field(type=int)}, frozen=True)
    both: Any = Card | other
    cls = attrs.make_class("Pair", {"x": attrs.field(type=both)})

    with pytest.raises(TypeError, match=r"Pair\.x: expected classes with different names, found"):
        event_types(cls)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, True),
        (datetime, True),
        (Color, True),
        (Card, True),
        (WithDict, True),
        (tuple[Card, ...], True),
        (frozenset[str], True),
        (Card | Cash | None, True),
        (Ring, True),
        (Box[int], True),
        (list[int], False),
        (set[int], False),
        (dict[str, int], False),
        (Mapping[str, int], False),
        (Any, False),
        (Open, False),
        (tuple[Open, ...], False),
        (Card | Open, False),
        (tuple[int, list[int]], False),
        (Hidden, False),
        (HiddenOdd, False),
        (OpenRing, False),
        (Box[list[int]], False),
        (Money, False),
    ],
    ids=str,
)
def test_what_is_shared(annotation: Any, expected: bool) -> None:
    """Objects are shared iff their class is frozen and all that they hold is immutable."""
    frozen = attrs.make_class("One", {"x": attrs.field(type=annotation)}, frozen=True)
    mutable = attrs.make_class("Two", {"x": attrs.field(type=annotation)})
    types = event_types([frozen, mutable, money()])

    assert (expected, False) == (types.is_shared("One"), types.is_shared("Two"))


def test_promises_of_own_codecs_count() -> None:
    """A class with a codec is shared if that was promised; others and unknown ones are not."""
    types = event_types([money(frozen=True), Paid])

    assert types.is_shared("money")
    assert types.is_shared("Paid")
    assert not types.is_shared("Unknown")
    assert not event_types(None).is_shared("money")
