"""The receptionist: takes messages, and answers each one on its own channel."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, final

import attrs
import trio

from .errors import StaleResponse, shown
from .messages import (
    Envelope,
    Failed,
    GetLiveLogScopes,
    LiveLogScopes,
    Message,
    QueriedEvents,
    QueryEvents,
    ReplyTo,
    StoreIfValid,
    ValidationResponse,
)
from .proposal import Proposal
from .uninterrupted import wait_uninterrupted
from .validating import as_decision

if TYPE_CHECKING:
    from .store import Store  # noqa: TC004 - the store makes it: at run time it is a cycle

_logger = logging.getLogger("atomic_store")

INBOX_MESSAGES_MAX = 1_000
"""How many messages may lie in the receptionist's channel."""


def reply(reply_to: ReplyTo, message: object) -> bool:
    """Send without waiting; False if nobody takes it, which means that nobody is there."""
    try:
        reply_to.send_nowait(message)
    except (trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
        return False
    except Exception:
        # Whatever was given as a channel, it must not harm anybody else.
        _logger.exception("a reply could not be sent to %s", shown(reply_to))
        return False
    return True


@final
@attrs.define(eq=False)
class MessageProposal(Proposal):
    """A proposal whose proposer answers by message, from wherever it is."""

    reply_to: ReplyTo | None = None
    message: StoreIfValid | None = None

    def opened(self, answer: Awaitable[object] | None) -> bool:
        """Send the validation request."""
        assert self.reply_to is not None
        return reply(self.reply_to, self.request)

    def told(self) -> None:
        """Send the result, or what went wrong."""
        assert self.reply_to is not None
        try:
            answer: object = self.result()
        except Exception as error:
            answer = Failed(error, self.message)
        reply(self.reply_to, answer)


@final
@attrs.define(eq=False)
class Receptionist:
    """
    Serves the messages of one store, in a task of its own.

    Proposals enter their scope in the order of sending; queries are read side by side.
    Whatever was sent is answered, also when the store closes.
    """

    _store: Store[Any]
    _inbox: trio.MemoryReceiveChannel[Any]
    _receiving: trio.CancelScope = attrs.Factory(trio.CancelScope)
    _on_finished: Callable[[], None] | None = None
    _is_finished: bool = False

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Serve messages until `close`."""
        async with trio.open_nursery() as nursery:
            with self._receiving:
                async for message in self._inbox:
                    # A message that was taken must be answered.
                    with trio.CancelScope(shield=True):
                        await self._take(message, nursery)
            with self._inbox, trio.CancelScope(shield=True):
                for message in _drained(self._inbox):
                    await self._take(message, nursery)
        self._is_finished = True
        if self._on_finished is not None:
            self._on_finished()

    async def close(self) -> None:
        """Take no more messages, and wait, uninterrupted, until all are answered."""
        self._receiving.cancel()
        await wait_uninterrupted(self._when_finished)

    def _when_finished(self, over: Callable[[], None]) -> None:
        if self._is_finished:
            over()
        else:
            self._on_finished = over

    async def _take(self, message: Any, nursery: trio.Nursery) -> None:
        scope = None
        if isinstance(message, Envelope):
            scope, message = message.scope, message.message
        if getattr(message, "reply_to", None) is None:
            _logger.warning("the receptionist cannot answer, and dropped: %s", shown(message))
        elif isinstance(message, QueryEvents):
            nursery.start_soon(_answer_errors, _query, self._store, scope, message)
        else:
            await _answer_errors(_serve, self._store, scope, message)


def _drained(inbox: trio.MemoryReceiveChannel[Any]) -> list[Any]:
    """Take what lies in a channel now."""
    messages = []
    with contextlib.suppress(trio.WouldBlock, trio.EndOfChannel):
        while True:
            messages.append(inbox.receive_nowait())
    return messages


async def _answer_errors(
    serve: Callable[[Store[Any], str | None, Any], Awaitable[None]],
    store: Store[Any],
    scope: str | None,
    message: Any,
) -> None:
    try:
        await serve(store, scope, message)
    except Exception as error:
        reply(message.reply_to, Failed(error, message))


async def _serve(store: Store[Any], scope: str | None, message: Message) -> None:
    match message:
        case StoreIfValid():
            await store._propose_by_message(message.scope or scope, message)
        case ValidationResponse():
            respond(store, message)
        case GetLiveLogScopes():
            reply(message.reply_to, LiveLogScopes(store.live_scopes()))
        case _:
            raise TypeError(f"expected a message of atomic_store, found {shown(message)}")


async def _query(store: Store[Any], scope: str | None, message: QueryEvents) -> None:
    name = message.scope or scope
    if name is None:
        raise TypeError("QueryEvents: expected a scope, in the message or its envelope")
    records = await store.query_events(
        name,
        after=message.after,
        before=message.before,
        last=message.last,
        limit=message.limit,
    )
    reply(message.reply_to, QueriedEvents(name, tuple(records)))


def respond(store: Store[Any], message: ValidationResponse) -> None:
    """
    Give a decision to the round that it names.

    Raises:
      StaleResponse: that round is over.
      TypeError, InvalidEvent: the decision does not count; the round stays open.
    """
    token = as_decision(message.decision).round
    proposal = store._open_proposal(token)
    if proposal is None or proposal.place is None:
        raise StaleResponse(f"round {token.number} of scope {shown(token.scope)} is over")
    proposal.place.answer(proposal, message.decision)
