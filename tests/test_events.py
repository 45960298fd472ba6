"""Event types: what a store accepts, under which names, and what it makes of what is stored."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from attrs import field

from atomic_store.errors import InvalidEvent
from atomic_store.events import EventType, EventTypes, JsonEvent, event_types
from atomic_store.journal.record import EncodedEvent


class NoAttrs:
    """A class that attrs has not made."""


@attrs.frozen
class Bid:
    lot: str
    cents: int = field(validator=attrs.validators.ge(0))
    note: str = ""


@attrs.frozen
class LateBid(Bid):
    pass


@attrs.frozen
class Withdrawal:
    bid: Bid
    reason: str | None = None


@attrs.frozen
class Odd:
    """Members whose names mean something to those who write code for classes."""

    _secret: int
    attrs: int
    cl: int
    converter: int
    itself: int = field(alias="this")
    only: int = field(kw_only=True)
    total: int = field(init=False, default=0)


@attrs.frozen
class Node:
    value: int
    next: Node | None = None


def louder(name: str) -> str:
    return name + "!"


@attrs.frozen
class Growing:
    """A class whose converter changes what it gets, each time."""

    name: str = field(converter=louder)


@attrs.define
class Computed:
    cents: int
    double: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.double = 2 * self.cents


@attrs.define(eq=False)
class Identity:
    """A class whose objects equal only themselves."""

    cents: int
    tags: Any = None


def refusal(types: EventTypes, event: object) -> str:
    """Give the message with which an event is refused."""
    with pytest.raises(InvalidEvent) as caught:
        types.encode_and_decode(event)
    return str(caught.value)


def refusal_of_data(types: EventTypes, name: str, version: int, data: bytes) -> str:
    """Give the message with which stored data is refused."""
    with pytest.raises(InvalidEvent) as caught:
        types.decode(name, version, data)
    return str(caught.value)


@pytest.mark.parametrize(
    "spec", [Bid | Withdrawal, [Bid, Withdrawal], (Bid, EventType(Withdrawal)), [Bid | Withdrawal]]
)
def test_classes_are_given_in_many_ways(spec: Any) -> None:
    """A union, a list and a tuple of classes and types mean the same."""
    types = event_types(spec)

    for event in (Bid("a", 1), Withdrawal(Bid("a", 1), "why")):
        encoded, decoded = types.encode_and_decode(event)
        assert (type(event).__name__, 1) == (encoded.type, encoded.version)
        assert event == decoded
        assert event == types.decode(encoded.type, 1, encoded.data)
        assert encoded == types.encode(event)


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ([], ValueError, "events: expected at least one class, found none"),
        ([Bid, Bid], ValueError, "events: expected Bid once, found it twice"),
        ([Bid, EventType(Node, name="Bid")], ValueError, "found 'Bid' for two classes"),
        (JsonEvent, ValueError, "or None instead of JsonEvent"),
        (NoAttrs, TypeError, "events: expected attrs classes (@attrs.frozen), found NoAttrs; any"),
        (Bid | None, TypeError, "found NoneType"),
        ("Bid", TypeError, "events: expected an attrs class, a union or a sequence of them"),
        (7, TypeError, "events: expected an attrs class, a union or a sequence of them"),
    ],
)
def test_wrong_classes_are_refused(spec: Any, error: type[Exception], message: str) -> None:
    """What cannot be a store's event types is refused when the store is opened."""
    with pytest.raises(error) as caught:
        event_types(spec)

    assert message in str(caught.value)


def test_classes_in_functions_are_explained() -> None:
    """A class whose annotations cannot be resolved is refused with what to do about it."""

    @attrs.frozen
    class Inner:
        x: int

    @attrs.frozen
    class Outer:
        inner: Inner

    assert Inner(1) == event_types(Inner).encode_and_decode(Inner(1))[1]
    with pytest.raises(TypeError, match=r"name 'Inner' is not defined; define .*Outer, and what"):
        event_types(Outer)


def test_members_without_annotation_are_refused() -> None:
    """A member whose type is not said anywhere cannot be stored."""
    silent = attrs.make_class("silent", ["x"])

    with pytest.raises(TypeError, match=r"silent\.x: expected an annotation, found none"):
        event_types(silent)


def test_only_exact_classes_are_accepted() -> None:
    """Objects of other classes, subclasses too, are refused; the message lists the names."""
    types = event_types([Bid, EventType(Withdrawal, name="gone")])

    expected = (
        "expected an event of exactly one of the store's types (Bid, gone), "
        "found LateBid LateBid(lot='a', cents=1, note='')"
    )
    assert expected == refusal(types, LateBid("a", 1))
    assert "found type <class" in refusal(types, Bid)
    assert "found dict {}" in refusal(types, {})


def test_large_events_are_refused() -> None:
    """An event may have exactly as many bytes as were allowed."""
    size = len(event_types(Bid).encode(Bid("a", 1)).data)
    message = f"Bid: expected at most {size - 1} bytes of JSON text, found {size}"

    assert size == len(event_types(Bid, event_bytes_max=size).encode(Bid("a", 1)).data)
    assert message == refusal(event_types(Bid, event_bytes_max=size - 1), Bid("a", 1))


def test_too_deep_and_endless_events_are_refused() -> None:
    """Objects that hold one another too deep are refused, and never exhaust the stack."""
    types = event_types([Node, Identity])
    node = Node(0)
    for value in range(99):
        node = Node(value, node)
    assert node == types.encode_and_decode(node)[1]
    assert "expected at most 100 levels of nesting" in refusal(types, Node(1, node))
    for value in range(400):
        node = Node(value, node)
    assert "expected at most 100 levels of nesting" in refusal(types, node)
    for value in range(5_000):
        node = Node(value, node)
    assert "expected at most 100 levels of nesting" in refusal(types, node)
    endless = Identity(1, [])
    endless.tags.append(endless.tags)
    assert "expected at most 100 levels of nesting" in refusal(types, endless)


def test_odd_names_come_back() -> None:
    """Members are named as the constructor names them; what it does not take is not stored."""
    event = Odd(1, 2, 3, 4, 5, only=6)
    encoded, decoded = event_types(Odd).encode_and_decode(event)

    expected = b'{"secret":1,"attrs":2,"cl":3,"converter":4,"this":5,"only":6}'
    assert (expected, event) == (encoded.data, decoded)


def test_changes_are_not_silent() -> None:
    """An event that would come back as another is refused, with the member that differs."""
    types = event_types([Growing, Computed, Identity])
    computed = Computed(2)
    assert computed == types.encode_and_decode(computed)[1]
    computed.double = 5

    expected = "Growing.name: expected to come back from JSON as str 'a!', came as str 'a!!'"
    assert expected == refusal(types, Growing("a"))
    expected = "Computed.double: expected to come back from JSON as int 5, came as int 4"
    assert expected == refusal(types, computed)
    expected = "Identity.tags.a[1]: expected to come back from JSON as tuple (), came as list []"
    assert expected == refusal(types, Identity(1, {"a": [1, ()]}))


def test_identity_is_no_difference() -> None:
    """Objects of a class without equality are compared by their members."""
    decoded = event_types(Identity).encode_and_decode(Identity(1, [2]))[1]

    assert (1, [2]) == (decoded.cents, decoded.tags)


def test_validators_run_on_what_is_decoded() -> None:
    """What a validator of attrs raises becomes `InvalidEvent`, with the path of its object."""
    types = event_types([Bid, Withdrawal])
    data = b'{"bid":{"lot":"a","cents":-1}}'

    expected = (
        "stored data of type Withdrawal version 1: "
        "Withdrawal.bid: ValueError: 'cents' must be >= 0: -1"
    )
    assert expected == refusal_of_data(types, "Withdrawal", 1, data)


def test_all_faults_of_stored_data_are_named() -> None:
    """Missing, unknown and wrong members are named together, each with its path."""
    types = event_types([Bid, Withdrawal])
    data = b'{"bid":{"cents":"1","x":2,"y":3},"reason":4}'

    expected = (
        "stored data of type Withdrawal version 1: "
        "Withdrawal.bid.lot: expected a value, found none: the member is missing; "
        "Withdrawal.bid.cents: expected int, found str '1'; "
        "Withdrawal.bid: expected no other members, found x, y; "
        "Withdrawal.reason: expected str | None, found int 4"
    )
    assert expected == refusal_of_data(types, "Withdrawal", 1, data)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"NaN"])
def test_broken_data_is_refused(data: bytes) -> None:
    """Stored data that is no JSON is refused, with the name of its type."""
    for types in (event_types(Bid), event_types(None)):
        message = refusal_of_data(types, "Bid", 1, data)
        assert message.startswith("stored data of type Bid version 1: expected JSON text, found")


def test_classes_may_grow() -> None:
    """A member that is missing has its default; an unknown one is refused."""
    types = event_types(Bid)
    data = b'{"lot":"a","cents":1,"colour":"red"}'

    assert Bid("a", 1, "") == types.decode("Bid", 1, b'{"lot":"a","cents":1}')
    assert "expected no other members, found colour" in refusal_of_data(types, "Bid", 1, data)


def test_versions() -> None:
    """Lower versions are read, higher ones and other names refused."""
    types = event_types(EventType(Bid, name="bid", version=2))
    data = b'{"lot":"a","cents":1}'
    encoded = types.encode(Bid("a", 1))

    assert ("bid", 2) == (encoded.type, encoded.version)
    assert [Bid("a", 1)] * 2 == [types.decode("bid", version, data) for version in (1, 2)]
    expected = "stored data of type bid version 3: expected a version from 1 to 2, found another"
    assert expected == refusal_of_data(types, "bid", 3, data)
    assert "expected a version from 1 to 2" in refusal_of_data(types, "bid", 0, data)
    expected = (
        "stored data of type Bid version 1: expected one of the store's types (bid), found another"
    )
    assert expected == refusal_of_data(types, "Bid", 1, data)


def test_json_events_come_back() -> None:
    """Without classes an event is a name and any JSON value; a tuple comes back as a list."""
    types = event_types(None)
    encoded, decoded = types.encode_and_decode(JsonEvent("Bid", {"cents": (1, 2.0)}))

    assert EncodedEvent("Bid", 1, b'{"cents":[1,2.0]}') == encoded
    assert JsonEvent("Bid", {"cents": [1, 2.0]}) == decoded
    assert decoded == types.decode("Bid", 3, encoded.data)
    assert decoded.data is not types.decode("Bid", 1, encoded.data).data


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (JsonEvent("Bid", [{1}]), "Bid[0]: expected a JSON value"),
        (JsonEvent("Bid", "x" * 99), "Bid: expected at most 100 bytes of JSON text, found 101"),
        (JsonEvent("", 1), "JsonEvent.type: expected 1 to 512 bytes of UTF-8 without NUL"),
        (JsonEvent("a\0b", 1), "JsonEvent.type: expected 1 to 512 bytes of UTF-8 without NUL"),
        (JsonEvent("é" * 257, 1), "JsonEvent.type: expected 1 to 512 bytes"),
        (JsonEvent("\ud800", 1), "JsonEvent.type: expected valid Unicode"),
        (JsonEvent(7, 1), "JsonEvent.type: expected str, found int 7"),  # type: ignore[arg-type]
        (Bid("a", 1), "expected a JsonEvent, because the store has no event classes"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_wrong_json_events_are_refused(event: object, message: str) -> None:
    """A name that cannot be stored, or a value that is not JSON, is refused with its path."""
    assert message in refusal(event_types(None, event_bytes_max=100), event)
