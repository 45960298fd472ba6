"""Records as they come over the wire, and as the library has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import attrs
from msgspec import UNSET

from ...errors import InvalidEvent
from ...events import EventTypes
from ...journal.record import EncodedEvent, StoredRecord
from ...records import Record
from ..protocol.server_messages import WireRecord


def stored(record: WireRecord) -> StoredRecord:
    """A record as a journal has it; without data where that was left out."""
    return StoredRecord(
        record.position, record.scope, record.sequence, record.id, record.at, record.type,
        b"" if record.data is UNSET else bytes(record.data),
        record.v, record.part,
        None if record.metadata is UNSET else bytes(record.metadata),
        None if record.meta is UNSET else bytes(record.meta),
        record.proposed,
    )  # fmt: skip


def received(records: Sequence[WireRecord], types: EventTypes) -> list[Record[Any]]:
    """Some records as users see them."""
    return [Record(stored(record), types) for record in records]


@final
@attrs.frozen(eq=False)
class DeliveredTypes:
    """A client's event types, which say so where a record came without its data."""

    _types: EventTypes

    @property
    def event_bytes_max(self) -> int:
        """See `EventTypes.event_bytes_max`."""
        return self._types.event_bytes_max

    def encode(self, event: object) -> EncodedEvent:
        """See `EventTypes.encode`."""
        return self._types.encode(event)

    def decode(self, type_name: str, version: int, data: bytes) -> Any:
        """See `EventTypes.decode`."""
        if not data:
            raise InvalidEvent(
                f"expected the data of an event of type {type_name}, found none: the record is "
                "larger than a message of the gateway, which therefore left it out"
            )
        return self._types.decode(type_name, version, data)

    def receive(self, type_name: str, data: bytes) -> Any:
        """See `EventTypes.receive`."""
        return self._types.receive(type_name, data)

    def encode_and_decode(self, event: object) -> tuple[EncodedEvent, Any]:
        """See `EventTypes.encode_and_decode`."""
        return self._types.encode_and_decode(event)

    def is_shared(self, type_name: str) -> bool:
        """See `EventTypes.is_shared`."""
        return self._types.is_shared(type_name)
