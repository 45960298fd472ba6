"""Proposals that were admitted before: the same event again, or another one."""

from __future__ import annotations

from typing import Any

from . import jsonvalue
from .errors import IdempotencyConflict, shown
from .journal import StoredRecord
from .proposal import Ending, Proposal
from .recent import Admitted
from .records import Record
from .result import Outcome


def check_same_event(proposal: Proposal, stored: tuple[StoredRecord, ...]) -> None:
    """
    Check that an admitted proposal had the same event as this one with the same id.

    Raises:
      IdempotencyConflict: it had another.
    """
    first, encoded = stored[0], proposal.encoded
    if first.proposed is not None:
        same = first.proposed == jsonvalue.digest(encoded.type, encoded.data)
    else:
        same = (first.type, first.version) == (encoded.type, encoded.version) and (
            first.data == encoded.data
            or jsonvalue.canonical(first.data) == jsonvalue.canonical(encoded.data)
        )
    if not same:
        raise IdempotencyConflict(
            f"proposal {proposal.id} was admitted to scope {shown(proposal.scope)} before "
            f"at position {first.position}, with another event: expected the same again"
        )


def duplicate_ending(admitted: Admitted, past: list[Record[Any]] | None) -> Ending:
    """How a proposal ends that was admitted before: as it ended then."""
    return Ending(
        Outcome.ACCEPTED,
        admitted,
        None,
        admitted[0].meta,
        True,
        None,
        past,
        admitted[-1].sequence,
    )
