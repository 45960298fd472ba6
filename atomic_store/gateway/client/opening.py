"""Opening a client: its link, its task, and how both end."""

from __future__ import annotations

import random
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import UnionType
from typing import Any, TypeVar, overload

import trio

from ...events import EventType, JsonEvent, event_types
from ...tasks import Tasks
from ..protocol.client_messages import Hello
from .backoff import BackOff
from .client import Client
from .conversation import Conversation
from .link import Link
from .pasts import Pasts
from .websocket import Address, Connect, address_of, connector
from .wire import DeliveredTypes

E = TypeVar("E")

PAST_BYTES_MAX = 64 * 1024**2
EVENT_BYTES_MAX = 64 * 1024**2
"""What an event may have at most here; the gateway's own limit is lower, and counts."""


@overload
def open_client(
    url: str,
    *,
    token: str | None = None,
    events: None = None,
    scope_of: Callable[[JsonEvent], str] | None = None,
    ssl_context: ssl.SSLContext | None = None,
    name: str = ...,
    past_bytes_max: int = ...,
    wait_for_gateway: bool = ...,
) -> AbstractAsyncContextManager[Client[JsonEvent]]: ...
@overload
def open_client(
    url: str,
    *,
    token: str | None = None,
    events: type[E] | EventType[E],
    scope_of: Callable[[E], str] | None = None,
    ssl_context: ssl.SSLContext | None = None,
    name: str = ...,
    past_bytes_max: int = ...,
    wait_for_gateway: bool = ...,
) -> AbstractAsyncContextManager[Client[E]]: ...
@overload
def open_client(
    url: str,
    *,
    token: str | None = None,
    events: UnionType | Sequence[Any],
    scope_of: Callable[[Any], str] | None = None,
    ssl_context: ssl.SSLContext | None = None,
    name: str = ...,
    past_bytes_max: int = ...,
    wait_for_gateway: bool = ...,
) -> AbstractAsyncContextManager[Client[Any]]: ...


def open_client(
    url: str,
    *,
    token: str | None = None,
    events: Any = None,
    scope_of: Callable[[Any], str] | None = None,
    ssl_context: ssl.SSLContext | None = None,
    name: str = "atomic-store-python",
    past_bytes_max: int = PAST_BYTES_MAX,
    wait_for_gateway: bool = False,
) -> AbstractAsyncContextManager[Client[Any]]:
    """
    Open a client of a gateway for a block: a store behind a network.

    Entering the block waits for the first connection, and for nothing else. Whenever the
    connection is lost, the client makes another one, after waits that grow to ten seconds,
    and asks again what was not answered. Whoever will not wait so long uses `trio.fail_after`.

    Args:
      url: ``ws://host:port/path``, or ``wss://…``.
      token: says who we are; it is sent in the first message, never in the URL.
      events: what may be stored, as for `open_store`; None: plain JSON, as `JsonEvent`.
      scope_of: gives an event's scope; without it, each call says `scope=`.
      ssl_context: for `wss`; without one, the system's certificates.
      name: what the client is, for the gateway's log.
      past_bytes_max: how many bytes of scopes' pasts are kept for the next decisions.
      wait_for_gateway: the first connection, too, is tried for until it is there.

    Leaving the block sends what is still to be said, for a second at most, and closes the
    connection. Calls that are not answered get `GatewayClosed`.

    Raises:
      ConnectionLost: the first connection could not be made.
      GatewayClosed: the gateway wants none of it: the token is wrong, say.
      TypeError, ValueError: an argument cannot be.
      BaseException: whatever the block raises, as itself.
    """
    address = address_of(url)
    connect = connector(address, ssl_context)
    types = DeliveredTypes(event_types(events, event_bytes_max=EVENT_BYTES_MAX))
    hello = Hello(token=token, client=name)
    conversation = Conversation(hello, types, Pasts(past_bytes_max))
    return open_link(conversation, address, connect, scope_of, random.random, wait_for_gateway)


@asynccontextmanager
async def open_link(
    conversation: Conversation,
    address: Address,
    connect: Connect,
    scope_of: Callable[[Any], str] | None,
    chance: Callable[[], float],
    wait_for_gateway: bool,
) -> AsyncIterator[Client[Any]]:
    """Open a client over streams from anywhere; see `open_client`."""
    link = Link(conversation, address, connect, BackOff(), chance, wait_for_gateway)
    raised: BaseException | None = None
    async with trio.open_nursery() as nursery:
        # Shielded from what cancels the block: that may have something to withdraw.
        tasks = Tasks(nursery)
        tasks.start_soon(link.run)
        try:
            await link.welcomed.wait()
            if link.stopped is not None:
                raise link.stopped
            yield Client(link, scope_of)
        except BaseException as error:
            # It leaves as itself, so it must not pass through the nursery.
            raised = error
        finally:
            with trio.CancelScope(shield=True):
                await link.close()
            tasks.cancel()
    if raised is not None:
        raise raised
