"""
The gateway's server: listeners, what is behind each connection, and the end of it all.

Shutting down goes from the outside in: no more connections, then each client is answered
and told goodbye, then what still runs is ended. That is shielded from whatever cancels the
block, and bounded in time.
"""

from __future__ import annotations

import resource
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any, Final, final

import attrs
import trio

from ..store import Store
from ..tasks import Tasks
from .access import Origins, Tokens
from .access.origins import LOOPBACK, LOOPBACK_NAMES
from .asking import Asking
from .dispatch import Services
from .entrance import Entrance
from .following import Following
from .limits import Limits
from .log import note
from .operating import Operating
from .proposals import Proposals, Validate
from .protocol import server_messages as say
from .stream.metrics import Metrics, StoreFigures
from .stream.site import Site
from .validators import Validators
from .watching import Watching

RECONNECT_AFTER_S: Final = 1.0
"""When clients are asked to come back after a shutdown."""
HANDSHAKES_MAX: Final = 1_000
"""How many may be shaking hands, beside those that are connected."""
FILES_KEPT: Final = 128
"""How many of the files that the process may have open are not for connections."""


@final
@attrs.define(eq=False, repr=False)
class Gateway:
    """A gateway that runs. Opened by `open_gateway`."""

    url: str
    """Where clients connect, as `ws://127.0.0.1:8080`."""
    _services: Services
    _entrance: Entrance
    metrics: Metrics

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._entrance.connections)


def open_gateway(
    store: Store[Any],
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    validate: Validate | None = None,
    tokens: Tokens | None = None,
    ssl_context: ssl.SSLContext | None = None,
    origins: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    limits: Limits | None = None,
    site: Site | None = None,
    allow_insecure: bool = False,
) -> AbstractAsyncContextManager[Gateway]:
    """
    Serve a store to WebSocket clients for a block.

    Args:
      store: an open store; it stays open.
      host, port: where to listen; port 0 takes a free one.
      validate: decides proposals that their proposers do not decide: an `async def` or a
        plain function, as for `Store.store_if_valid`.
      tokens: who may come in; without, everybody who can reach a loopback address.
      ssl_context: speaks TLS.
      origins: the pages that may connect; None for those of the gateway's own names.
      names: the names under which it is called, each perhaps with a port; None for the
        loopback's, and `host`.
      limits: bounds; the defaults are for the open internet.
      site: files that are served by HTTP beside the WebSocket.
      allow_insecure: serve another address than the loopback's without tokens or TLS.

    Leaving the block shuts down, however it is left: every open request is answered, every
    client told goodbye; after `limits.shutdown_s` those who take nothing are cut off.

    Raises:
      ValueError: the address is open to others, and there are no tokens or no TLS.
      OSError: the address cannot be listened at.
      BaseException: whatever the block raises, as itself.
    """
    _check_open_to(host, tokens, ssl_context, allow_insecure=allow_insecure)

    def make(tasks: Tasks, bound: int) -> Gateway:
        called = Origins.of(
            bound, names=names_of(host) if names is None else names, origins=origins,
            has_tokens=tokens is not None, has_tls=ssl_context is not None,
        )  # fmt: skip
        return _gateway(
            store, validate, tasks, limits or Limits(), called, tokens, ssl_context, site,
            f"{_shown(host)}:{bound}",
        )  # fmt: skip

    return _open(host, port, make)


@asynccontextmanager
@trio.lowlevel.enable_ki_protection
async def _open(
    host: str, port: int, make: Callable[[Tasks, int], Gateway]
) -> AsyncIterator[Gateway]:
    raised: BaseException | None = None
    async with AsyncExitStack() as stack:
        listeners = await trio.open_tcp_listeners(port, host=host)
        for listener in listeners:
            stack.push_async_callback(listener.aclose)
        try:
            async with trio.open_nursery() as nursery:
                tasks = Tasks(nursery)
                try:
                    gateway = make(tasks, listeners[0].socket.getsockname()[1])
                    _start(gateway, tasks, listeners)
                    try:
                        yield gateway
                    except BaseException as error:
                        # It leaves as itself, so it must not pass through the nursery.
                        raised = error
                    with trio.CancelScope(shield=True):
                        await _shut_down(gateway)
                finally:
                    tasks.cancel()
        except BaseExceptionGroup as group:
            # An interrupt that came to one of the tasks, or while they were ended.
            interrupt, others = group.split(KeyboardInterrupt)
            if others is not None:
                raise others from raised
            raised = KeyboardInterrupt()
            raised.__cause__ = interrupt
        if raised is not None:
            raise raised


def _start(gateway: Gateway, tasks: Tasks, listeners: Sequence[trio.SocketListener]) -> None:
    entrance = gateway._entrance
    tasks.start_soon(gateway._services.following.run)
    if entrance.tokens is not None:
        tasks.start_soon(entrance.tokens.watch, entrance.rights_changed)
    for listener in listeners:
        # Also while it shuts down: whoever comes then is told so.
        tasks.start_soon(_accept, listener, entrance, tasks)
    note("listening", url=gateway.url)


def _check_open_to(
    host: str, tokens: Tokens | None, ssl_context: ssl.SSLContext | None, *, allow_insecure: bool
) -> None:
    if host in LOOPBACK or allow_insecure or (tokens is not None and ssl_context is not None):
        return
    missing = "tokens" if tokens is None else "ssl_context"
    raise ValueError(
        f"host: expected a loopback address, or tokens and TLS, found {host!r} and no {missing}"
    )


async def serve_gateway(
    store: Store[Any],
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    task_status: trio.TaskStatus[Gateway] = trio.TASK_STATUS_IGNORED,
    **options: Any,
) -> None:
    """
    Serve a store until cancelled: ``gateway = await nursery.start(serve_gateway, store, …)``.

    Arguments and errors are those of `open_gateway`.
    """
    async with open_gateway(store, host, port, **options) as gateway:
        task_status.started(gateway)
        await trio.sleep_forever()


def _gateway(
    store: Store[Any], validate: Validate | None, tasks: Tasks, limits: Limits, origins: Origins,
    tokens: Tokens | None, ssl_context: ssl.SSLContext | None, site: Site | None,
    address: str,
) -> Gateway:  # fmt: skip
    metrics = Metrics(lambda: StoreFigures(store.head.position, store.statistics()))
    validators = Validators(limits.rounds)
    proposals = Proposals(
        store, validate, validators, tasks, limits.message_bytes, metrics.round_ended
    )

    def delivered(records: int, messages: int) -> None:
        metrics.delivered(records)
        metrics.message_sent("records", messages)

    following = Following(
        store, limits.message_bytes, limits.page_records, limits.heartbeat_s,
        delivered, metrics.subscribers_changed, metrics.slow_subscribers_changed,
    )  # fmt: skip
    entrance: Entrance

    def figures() -> dict[str, Any]:
        return {
            "connections": len(entrance.connections),
            "subscribers": following.subscribers,
            "slow_subscribers": following.slow,
            "delivered": following.delivered,
            "principals": len(Counter(entrance.principals.values())),
        }

    services = Services(
        store,
        proposals,
        validators,
        following,
        Asking(store),
        Watching(store),
        Operating(store, figures),
    )
    entrance = Entrance(
        services,
        limits,
        origins,
        tokens,
        ssl_context,
        site,
        metrics,
        validate is not None,
        count(1),
        streams_max(limits, resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
    )
    scheme = "ws" if ssl_context is None else "wss"
    return Gateway(f"{scheme}://{address}", services, entrance, metrics)


def streams_max(limits: Limits, files_max: int) -> int:
    """
    Say how many connections may be served, wherever they have come to.

    Args:
      files_max: how many files the process may have open; -1 for any number. The store must
        always be able to open some, or clients could fail its journal by just being there.
    """
    wished = limits.connections + HANDSHAKES_MAX
    return wished if files_max < 0 else max(1, min(wished, files_max - FILES_KEPT))


async def _accept(listener: trio.SocketListener, entrance: Entrance, tasks: Tasks) -> None:
    """Take connections; where there are too many open files, wait until there are fewer."""
    while True:
        try:
            stream = await listener.accept()
        except trio.ClosedResourceError:
            return
        except OSError as error:
            note("accept_failed", error=str(error))
            await trio.sleep(0.1)
        else:
            tasks.start_soon(entrance.serve_stream, stream)


async def _shut_down(gateway: Gateway) -> None:
    entrance = gateway._entrance
    failed = gateway._services.store._parts.journal.failure is not None
    reason = "store_failed" if failed else "shutdown"
    note("shutting_down", reason=reason, connections=len(entrance.connections))
    entrance.is_open = False
    goodbye = say.Goodbye(reason=reason, reconnect_after_s=RECONNECT_AFTER_S)
    with trio.move_on_after(entrance.limits.shutdown_s):
        await entrance.stop_all(goodbye)
    gateway._services.proposals.close()


def names_of(host: str) -> tuple[str, ...]:
    """Under which names a gateway is called that listens there, unless it is told others."""
    own = _shown(host)
    return LOOPBACK_NAMES if own in (*LOOPBACK_NAMES, "0.0.0.0", "[::]") else (*LOOPBACK_NAMES, own)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
