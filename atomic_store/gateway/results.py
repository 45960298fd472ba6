"""What a client is told of how its proposal ended."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .. import jsonvalue
from ..result import Outcome, Result
from .faults import conflict
from .protocol import server_messages as say
from .protocol.paging import FRAME_BYTES
from .protocol.server_messages import WireRecord, wire_record
from .protocol.text import write
from .stamps import is_by


def result_message(
    result: Result[Any], id_: int, outcome: str, principal: str, bytes_max: int
) -> say.ServerMessage:
    """
    Give the message that ends a proposal's request.

    Args:
      outcome: as it is called on the wire.
      principal: who asks: of what somebody else proposed it is told nothing.
      bytes_max: how large a message may be; what does not fit is stored, and can be queried.
    """
    stored = [record._stored for record in result.records]
    if result.is_duplicate and not is_by(stored[0].metadata, principal):
        return conflict(id_)
    meta = UNSET if result.meta is None else Raw(jsonvalue.encode(result.meta))
    if result.outcome is not Outcome.ACCEPTED:
        return _refusal(result, id_, outcome, meta, bytes_max)
    records = [wire_record(one) for one in stored]
    message = say.Result(
        id=id_, accepted=True, outcome=outcome, records=records, meta=meta,
        duplicate=result.is_duplicate,
    )  # fmt: skip
    if len(write(message)) <= bytes_max:
        return message
    message = msgspec.structs.replace(message, records=list(map(_without_values, records)))
    if len(write(message)) <= bytes_max:
        return message
    return msgspec.structs.replace(message, records=None, meta=UNSET)


def _refusal(
    result: Result[Any], id_: int, outcome: str, meta: Raw | UnsetType, bytes_max: int
) -> say.Result:
    reason = None if result.reason is None else _sendable(result.reason)
    message = say.Result(id=id_, accepted=False, outcome=outcome, reason=reason, meta=meta)
    if len(write(message)) <= bytes_max:
        return message
    message = msgspec.structs.replace(message, meta=UNSET)
    if reason is None or len(write(message)) <= bytes_max:
        return message
    # A character takes six bytes at most.
    fitting = max(0, bytes_max - FRAME_BYTES) // 6
    return msgspec.structs.replace(message, reason=reason[:fitting])


def _sendable(text: str) -> str:
    """A text as UTF-8 can hold it: a function of the application's may have given any."""
    return text.encode("utf-8", "replace").decode()


def _without_values(record: WireRecord) -> WireRecord:
    size = None if isinstance(record.data, msgspec.UnsetType) else len(memoryview(record.data))
    return msgspec.structs.replace(
        record, data=UNSET, metadata=UNSET, meta=UNSET, omitted_bytes=size
    )
