"""What a validator says: accept or reject, in answer to one round."""

from __future__ import annotations

from typing import Any, TypeAlias, final

import msgspec

from .admission import RoundToken


@final
class Accept(msgspec.Struct, frozen=True):
    """
    Store the event, or others in its place. Made by `ValidationRequest.accept`.

    Attributes:
      round: the round that this answers.
      events: what to store instead of the prospective event; None for that event itself.
      meta: any JSON value; it is stored and comes back with the result.
    """

    round: RoundToken
    events: tuple[Any, ...] | None = None
    meta: Any = None


@final
class Reject(msgspec.Struct, frozen=True):
    """
    Store nothing. Made by `ValidationRequest.reject`.

    Attributes:
      round: the round that this answers.
      reason: why, in words for the proposer.
      meta: any JSON value; it comes back with the result.
    """

    round: RoundToken
    reason: str | None = None
    meta: Any = None


Decision: TypeAlias = Accept | Reject
"""What a validator gives."""
