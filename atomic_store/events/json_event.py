"""Events of stores without event classes."""

from __future__ import annotations

from typing import Any, final

import attrs

from .. import jsonvalue
from ..errors import InvalidEvent
from ..journal.record import EncodedEvent
from .event_type import name_fault


@final
@attrs.frozen
class JsonEvent:
    """
    An event in a store without event classes: a type's name and a JSON value.

    Only the two names are frozen: `data` may be a dict, which can be changed. Therefore
    the store decodes it anew for each reader and never shares it.
    """

    type: str
    """What kind of event it is: 1 to 512 bytes of UTF-8 without NUL."""
    data: Any
    """A JSON value. Tuples in it are written as arrays and come back as lists."""


@final
@attrs.define(eq=False)
class JsonEventTypes:
    """The event types of a store without event classes: any name, any JSON value."""

    event_bytes_max: int

    def encode(self, event: object) -> EncodedEvent:
        """See `EventTypes.encode`."""
        if type(event) is not JsonEvent:
            raise InvalidEvent(
                f"expected a JsonEvent, because the store has no event classes "
                f"(events=None), found {jsonvalue.found(event)}"
            )
        name = event.type
        fault = name_fault(name)
        if fault is not None:
            raise InvalidEvent(f"JsonEvent.type: {fault}")
        data = jsonvalue.encode(event.data, root=name, bytes_max=self.event_bytes_max)
        return EncodedEvent(name, 1, data)

    def decode(self, type_name: str, version: int, data: bytes) -> JsonEvent:
        """See `EventTypes.decode`; any version is read, because none has a meaning here."""
        try:
            return JsonEvent(type_name, jsonvalue.decode(data))
        except InvalidEvent as error:
            raise InvalidEvent(
                f"stored data of type {type_name} version {version}: {error}"
            ) from error

    def receive(self, type_name: str, data: bytes) -> JsonEvent:
        """See `EventTypes.receive`."""
        return JsonEvent(type_name, jsonvalue.decode(data))

    def encode_and_decode(self, event: object) -> tuple[EncodedEvent, JsonEvent]:
        """See `EventTypes.encode_and_decode`."""
        encoded = self.encode(event)
        return encoded, JsonEvent(encoded.type, jsonvalue.decode(encoded.data))

    def is_shared(self, type_name: str) -> bool:
        """See `EventTypes.is_shared`."""
        return False
