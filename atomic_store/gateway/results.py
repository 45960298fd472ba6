"""What a client is told of how its proposal ended."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Raw

from .. import jsonvalue
from ..result import Outcome, Result
from .faults import conflict
from .protocol import server_messages as say
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
        return say.Result(id=id_, accepted=False, outcome=outcome, reason=result.reason, meta=meta)
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


def _without_values(record: WireRecord) -> WireRecord:
    size = None if isinstance(record.data, msgspec.UnsetType) else len(memoryview(record.data))
    return msgspec.structs.replace(
        record, data=UNSET, metadata=UNSET, meta=UNSET, omitted_bytes=size
    )
