"""Bids to try validators on, and what the tests of that share."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import trio
import trio.testing

from atomic_store import (
    Decision,
    ValidationRequest,
)
from atomic_store.testing import Scenario, scenario
from bids import Bid, lot_of

ADA = Bid("lot-1", "ada", 500)
BEN = Bid("lot-1", "ben", 600)
OTHER = Bid("lot-2", "eve", 900)
ID = UUID("0198f2c4-5d1e-7c3a-9b1d-2f6a54c0ffee")

AUCTION = scenario(events=Bid, scope_of=lot_of)


async def never(request: ValidationRequest[Bid]) -> Decision:
    """Wait until the deadline."""
    await trio.sleep_forever()
    raise AssertionError("nobody waits so long")


def seen(start: Scenario[Any], event: Any, **proposal: Any) -> ValidationRequest[Any]:
    """The request that a validator is shown."""
    requests: list[ValidationRequest[Any]] = []

    def look(request: ValidationRequest[Any]) -> Decision:
        requests.append(request)
        return request.accept()

    start.when(event, look, **proposal)
    (request,) = requests
    return request
