"""How the states of a fold become JSON and come back: strictly, like events."""

from __future__ import annotations

from typing import Any, Final, final

import attrs

from .. import jsonvalue
from ..errors import InvalidEvent
from .annotations import Shapes
from .event_type import EventType
from .event_types import EventsSpec, event_types_of
from .sameness import difference
from .shape import Shape, explained

STATE_BYTES_MAX: Final = 16 * 1024 * 1024
"""How long a state's JSON text may be, in bytes."""

_ROOT = "state"


@final
@attrs.frozen(eq=False)
class StateCodec:
    """Writes and reads the states of one fold. `state_codec` makes it."""

    _shape: Shape

    def encode(self, state: object) -> bytes:
        """
        Write a state as JSON text.

        Raises:
          InvalidEvent: it is not what its type says, too long, or would come back as
            something else. The message names the path.
        """
        try:
            value = self._shape.dump(state)
        except Exception as error:
            raise InvalidEvent(explained(error, _ROOT)) from error
        data = jsonvalue.encode(value, root=_ROOT, bytes_max=STATE_BYTES_MAX)
        text = difference(state, self.decode(data), _ROOT)
        if text is not None:
            raise InvalidEvent(text)
        return data

    def decode(self, data: bytes) -> Any:
        """
        Read a state as it was written; a new object each time.

        Raises:
          InvalidEvent: it is not what its type says. The message names the path.
        """
        try:
            return self._shape.load(jsonvalue.decode(data), None)
        except Exception as error:
            raise InvalidEvent(explained(error, _ROOT)) from error


def state_codec(state_type: Any, events: EventsSpec) -> StateCodec:
    """
    Make the codec for a fold's states.

    Args:
      state_type: the class of the states, or any annotation that a member of an event may
        have; or an `EventType`, for a class with a codec of its own.
      events: the store's event types: states may hold events.

    Raises:
      TypeError: this cannot be stored; the message names the path.
    """
    known = dict(event_types_of(events))
    if isinstance(state_type, EventType):
        known[state_type.cls] = state_type
        state_type = state_type.cls
    return StateCodec(Shapes(known).shape_of(state_type, _ROOT))
