"""What happens to a proposal before it waits: checked, encoded, and looked up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, final
from uuid import UUID

import attrs
import trio
import uuid_utils

from . import jsonvalue
from .admission import RoundToken
from .duplicates import check_same_event, duplicate_ending
from .errors import InvalidEvent, shown
from .journal import EncodedEvent, StoredRecord
from .journal.commit import durable_commit
from .parts import Loaded, Parts
from .proposal import Proposal, TaskProposal, Validate
from .request import ValidationRequest
from .supervisor import Supervisor

SCOPE_BYTES_MAX = 512

Arguments: TypeAlias = tuple[str, Any, EncodedEvent, str, bytes | None, float, bool]
"""The first arguments of `Proposal`."""


@final
@attrs.define(eq=False)
class Intake:
    """Makes proposals and brings them into their scope's waiting room."""

    parts: Parts
    supervisor: Supervisor

    def task_proposal(
        self,
        event: Any,
        validate: Validate | None,
        scope: str | None,
        proposal_id: UUID | None,
        metadata: Mapping[str, Any] | None,
        validation_timeout: float | None,
    ) -> TaskProposal:
        """Make the proposal of the task that runs now; see `arguments`."""
        task = trio.lowlevel.current_task()
        arguments = self.arguments(event, scope, proposal_id, metadata, validation_timeout)
        return TaskProposal(*arguments, validate, task.context, None, task)

    def arguments(
        self,
        event: Any,
        scope: str | None,
        proposal_id: UUID | None,
        metadata: Mapping[str, Any] | None,
        validation_timeout: float | None,
    ) -> Arguments:
        """
        Check what a proposal is made of, before anything waits for it.

        Returns:
          The first arguments of `Proposal`.

        Raises:
          InvalidEvent, TypeError, ValueError: it cannot be proposed.
        """
        parts = self.parts
        encoded, decoded = parts.types.encode_and_decode(event)
        has_given_scope = scope is not None
        if scope is None:
            if parts.scope_of is None:
                raise TypeError("scope: expected one, for the store has no scope_of")
            scope = parts.scope_of(decoded)
        check_scope(scope)
        if proposal_id is None:
            id_ = str(uuid_utils.uuid7())
        elif isinstance(proposal_id, UUID):
            id_ = str(proposal_id)
        else:
            raise TypeError(f"proposal_id: expected a uuid.UUID, found {shown(proposal_id)}")
        stored_metadata = None if metadata is None else self._encode_metadata(metadata)
        timeout = validation_timeout
        if timeout is None:
            timeout = parts.options.validation_timeout
        elif not timeout > 0:
            raise ValueError(
                f"validation_timeout: expected seconds above 0, found {validation_timeout!r}"
            )
        return scope, decoded, encoded, id_, stored_metadata, timeout, has_given_scope

    def _encode_metadata(self, metadata: Mapping[str, Any]) -> bytes:
        if not isinstance(metadata, Mapping):
            raise InvalidEvent(f"metadata: expected a JSON object, found {shown(metadata)}")
        try:
            encoded = jsonvalue.encode(dict(metadata))
        except InvalidEvent as error:
            raise InvalidEvent(f"metadata: {error}") from None
        limit = self.parts.options.event_bytes_max
        if len(encoded) > limit:
            raise InvalidEvent(
                f"metadata: expected at most {limit} bytes (event_bytes_max), found {len(encoded)}"
            )
        return encoded

    def enter_new(self, proposal: Proposal) -> None:
        """Bring a proposal, whose id is not in the journal, into its scope's waiting room."""
        self.supervisor.scope(proposal.scope).enter(proposal)

    def enter_nowait(self, proposal: Proposal, *, has_own_id: bool) -> bool:
        """Bring a proposal in as `enter` does, unless its id has to be looked up; whether it is."""
        if has_own_id and not self.parts.journal.lacks(proposal.scope, proposal.id):
            return False
        self.enter_new(proposal)
        return True

    async def enter(self, proposal: Proposal, *, has_own_id: bool) -> None:
        """Bring a proposal into its scope's waiting room, unless it was admitted before."""
        if not has_own_id:
            self.enter_new(proposal)
            return
        while True:
            scope = self.supervisor.scope(proposal.scope)
            try:
                stored = await scope.find(proposal)
            except BaseException:
                self.supervisor.drop_unused(scope)
                raise
            if stored:
                self.supervisor.drop_unused(scope)
                await self._end_as_duplicate(proposal, stored)
                return
            # If the scope crashed meanwhile, its successor does not know what was
            # admitted since.
            if self.supervisor.scope(proposal.scope) is scope:
                break
        scope.enter(proposal)

    async def _end_as_duplicate(self, proposal: Proposal, stored: tuple[StoredRecord, ...]) -> None:
        check_same_event(proposal, stored)
        past = (await self.load_unless_folded(proposal.scope, stored[-1].sequence)).past
        self.parts.counters.duplicates += 1
        admitted = tuple(map(self.parts.record, stored))
        proposal.end(duplicate_ending(admitted, past), durable_commit())

    async def load_unless_folded(self, scope: str, last: int) -> Loaded:
        """Read a scope's past for a result; with a fold, results do not show it."""
        if self.parts.fold is not None:
            return Loaded(None, None, last)
        return await self.parts.load(scope, last)

    async def show_duplicate(self, proposal: TaskProposal) -> None:
        """Give a proposal that was admitted before the request that it had then."""
        result = proposal.result()
        sequence = result.records[0].sequence - 1
        loaded = await self.parts.load(proposal.scope, sequence)
        proposal.request = ValidationRequest(
            proposal.event,
            proposal.scope,
            RoundToken(proposal.scope, 0),
            trio.current_time(),
            proposal.principal,
            sequence,
            proposal.id,
            proposal.metadata,
            loaded.state,
            loaded.past,
            durable_commit(),
            self.parts.read_past,
        )


def check_scope(scope: object) -> None:
    """
    Check a scope's name: 1 to 512 bytes of UTF-8, no NUL.

    Raises:
      InvalidEvent: it is something else.
    """
    if type(scope) is not str:
        raise InvalidEvent(f"scope: expected a string, found {shown(scope)}")
    # Most names are ASCII, where characters are bytes.
    size = len(scope)
    if not scope.isascii():
        try:
            size = len(scope.encode())
        except UnicodeEncodeError:
            raise InvalidEvent(
                f"scope: expected valid Unicode, found a lone surrogate in {shown(scope)}"
            ) from None
    if not 1 <= size <= SCOPE_BYTES_MAX or "\0" in scope:
        raise InvalidEvent(
            f"scope: expected 1 to {SCOPE_BYTES_MAX} bytes of UTF-8 without NUL, "
            f"found {size} bytes: {shown(scope)}"
        )
