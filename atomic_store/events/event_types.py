"""The event types of a store: what it accepts, by which names it stores and reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol, TypeAlias, final, get_args

import attrs

from .. import jsonvalue
from ..errors import InvalidEvent, shown
from ..journal.record import EncodedEvent
from .annotations import Shapes, is_union, unwrapped
from .classes import is_attrs_class
from .event_type import EventType
from .json_event import JsonEvent, JsonEventTypes
from .sameness import difference
from .shape import Shape, explained

EVENT_BYTES_MAX: Final = 256 * 1024
"""How long an event's JSON text may be by default, in bytes."""

EventsSpec: TypeAlias = Any
"""A class, a union of classes, an `EventType`, a sequence of these, or None."""


class EventTypes(Protocol):
    """How the events of one store become JSON and come back. `event_types` makes it."""

    @property
    def event_bytes_max(self) -> int:
        """How long an event's JSON text may be, in bytes."""
        ...

    def encode(self, event: object) -> EncodedEvent:
        """
        Write an event as it will be stored.

        Raises:
          InvalidEvent: its class is not one of the store's, a member is not what its
            annotation says, or the text is too long. The message names the path.
        """
        ...

    def decode(self, type_name: str, version: int, data: bytes) -> Any:
        """
        Read an event as it was stored; a new object each time.

        Args:
          type_name: the stored name of its type.
          version: the version of its schema.
          data: its JSON text.

        Raises:
          InvalidEvent: no type of the store has this name and reads this version, or the
            data does not fit it. The message names the path.
        """
        ...

    def receive(self, type_name: str, data: bytes) -> Any:
        """
        Read an event that was sent here to be proposed: of its type's current version.

        Raises:
          InvalidEvent: no type of the store has this name, or the data does not fit it. The
            message names the path.
        """
        ...

    def encode_and_decode(self, event: object) -> tuple[EncodedEvent, Any]:
        """
        Write an event as it will be stored, and read it as everyone else will see it.

        Raises:
          InvalidEvent: as `encode`; or what was written cannot be read again (a validator
            refuses it), or comes back as something else.
        """
        ...

    def is_shared(self, type_name: str) -> bool:
        """Whether readers may share one decoded object, because nobody can change it."""
        ...


def event_types(events: EventsSpec, *, event_bytes_max: int = EVENT_BYTES_MAX) -> EventTypes:
    """
    Make the event types of a store.

    Args:
      events: an attrs class, a union of them, an `EventType`, or a sequence of any of
        these; None for plain JSON (`JsonEvent`).
      event_bytes_max: how long an event's JSON text may be, in bytes.

    Raises:
      TypeError: something is not a class that can be stored; the message names the path.
      ValueError: there are none, or two have one name.
    """
    if events is None:
        return JsonEventTypes(event_bytes_max)
    return ClassEventTypes.of(event_types_of(events), event_bytes_max)


def event_types_of(events: EventsSpec) -> Mapping[type, EventType[Any]]:
    """
    Give the event type of each class that a store has; none for plain JSON.

    Raises:
      TypeError, ValueError: as `event_types`.
    """
    by_class: dict[type, EventType[Any]] = {}
    if events is None:
        return by_class
    names: set[str] = set()
    for event_type in _flat(events):
        if event_type.cls in by_class:
            raise ValueError(f"events: expected {event_type.cls.__qualname__} once, found it twice")
        name = event_type.stored_name
        if name in names:
            raise ValueError(
                f"events: expected different names, found {name!r} for two classes; "
                f"give one of them another with EventType(cls, name=…)"
            )
        by_class[event_type.cls] = event_type
        names.add(name)
    if not by_class:
        raise ValueError("events: expected at least one class, found none")
    return by_class


@final
@attrs.frozen(eq=False)
class _Known:
    """An event type and its shape."""

    name: str
    version: int
    shape: Shape
    is_shared: bool


@final
@attrs.define(eq=False)
class ClassEventTypes:
    """The event types of a store that has event classes."""

    event_bytes_max: int
    _by_class: Mapping[type, _Known]
    _by_name: Mapping[str, _Known]

    @classmethod
    def of(cls, by_class: Mapping[type, EventType[Any]], event_bytes_max: int) -> ClassEventTypes:
        """Find out the shape of each class; raises `TypeError` if one has none."""
        shapes = Shapes(by_class)
        known: dict[type, _Known] = {}
        for event_class, event_type in by_class.items():
            shape = shapes.shape_of(event_class, event_type.stored_name)
            known[event_class] = _Known(
                event_type.stored_name, event_type.version, shape, shape.is_deeply_immutable()
            )
        return cls(event_bytes_max, known, {one.name: one for one in known.values()})

    def encode(self, event: object) -> EncodedEvent:
        """See `EventTypes.encode`."""
        return self._encoded(self._known(event), event)

    def decode(self, type_name: str, version: int, data: bytes) -> Any:
        """See `EventTypes.decode`."""
        known = self._by_name.get(type_name)
        if known is None or not 1 <= version <= known.version:
            raise InvalidEvent(self._not_known(type_name, version))
        try:
            return self._read(known, data)
        except InvalidEvent as error:
            raise InvalidEvent(f"{_stored(type_name, version)}: {error}") from error

    def receive(self, type_name: str, data: bytes) -> Any:
        """See `EventTypes.receive`."""
        known = self._by_name.get(type_name)
        if known is None:
            raise InvalidEvent(
                f"type: expected one of the store's ({self._names()}), found {shown(type_name)}"
            )
        return self._read(known, data)

    def _read(self, known: _Known, data: bytes) -> Any:
        value = jsonvalue.decode(data)
        try:
            plain = known.shape.plain
            event = None if plain is None else plain.read(value)
            return known.shape.load(value, None) if event is None else event
        except Exception as error:
            raise InvalidEvent(explained(error, known.name)) from error

    def encode_and_decode(self, event: object) -> tuple[EncodedEvent, Any]:
        """See `EventTypes.encode_and_decode`."""
        known = self._known(event)
        plain = known.shape.plain
        if plain is not None:
            both = plain.write_and_read(event)
            if both is not None and len(both[0]) <= self.event_bytes_max:
                return EncodedEvent(known.name, known.version, both[0]), both[1]
        encoded = self._encoded(known, event)
        try:
            decoded = known.shape.load(jsonvalue.decode(encoded.data), None)
        except Exception as error:
            raise InvalidEvent(explained(error, known.name)) from error
        if event != decoded:
            text = difference(event, decoded, known.name)
            if text is not None:
                raise InvalidEvent(text)
        return encoded, decoded

    def is_shared(self, type_name: str) -> bool:
        """See `EventTypes.is_shared`."""
        known = self._by_name.get(type_name)
        return known is not None and known.is_shared

    def _known(self, event: object) -> _Known:
        known = self._by_class.get(type(event))
        if known is None:
            raise InvalidEvent(
                f"expected an event of exactly one of the store's types "
                f"({self._names()}), found {jsonvalue.found(event)}"
            )
        return known

    def _encoded(self, known: _Known, event: object) -> EncodedEvent:
        try:
            value = known.shape.dump(event)
        except Exception as error:
            raise InvalidEvent(explained(error, known.name)) from error
        data = jsonvalue.encode(value, root=known.name, bytes_max=self.event_bytes_max)
        return EncodedEvent(known.name, known.version, data)

    def _names(self) -> str:
        return ", ".join(self._by_name)

    def _not_known(self, type_name: str, version: int) -> str:
        known = self._by_name.get(type_name)
        expected = (
            f"one of the store's types ({self._names()})"
            if known is None
            else f"a version from 1 to {known.version}"
        )
        return f"{_stored(type_name, version)}: expected {expected}, found another"


def _stored(type_name: str, version: int) -> str:
    return f"stored data of type {type_name} version {version}"


def _flat(events: EventsSpec) -> Iterator[EventType[Any]]:
    """Give the event types of classes, unions and sequences, in order."""
    events = unwrapped(events)
    if isinstance(events, EventType):
        yield events
    elif isinstance(events, type):
        if events is JsonEvent:
            raise ValueError("events: expected event classes, or None instead of JsonEvent")
        if not is_attrs_class(events):
            raise TypeError(
                f"events: expected attrs classes (@attrs.frozen), found {events.__qualname__}; "
                f"any class can be stored with EventType(cls, encode=…, decode=…)"
            )
        yield EventType(events)
    elif is_union(events):
        for member in get_args(events):
            yield from _flat(member)
    elif isinstance(events, Iterable) and not isinstance(events, str | bytes):
        for one in events:
            yield from _flat(one)
    else:
        raise TypeError(
            f"events: expected an attrs class, a union or a sequence of them, an EventType, "
            f"or None, found {jsonvalue.found(events)}"
        )
