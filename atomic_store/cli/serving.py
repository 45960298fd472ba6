"""A store and its gateway, from opening them to a clean end."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, final

import attrs
import trio

from .. import Store, open_store
from ..errors import JournalCorrupt, JournalFailed
from ..gateway.access import TokenFile
from ..gateway.log import logger, note
from ..gateway.server import Gateway, names_of, open_gateway
from .certificates import Certificates
from .ending import DONE, WRONG, CannotRun
from .stop_signals import on_signals


@final
@attrs.frozen(kw_only=True)
class Serving:
    """What is to be served, where, and to whom."""

    store: Path
    host: str
    port: int
    tokens: TokenFile | None
    certificates: Certificates | None
    origins: tuple[str, ...] | None
    names: tuple[str, ...]
    """Beside those that the address itself has."""
    validate: Callable[[Any], Any] | None
    validation_timeout_s: float
    allow_insecure: bool


def run(serving: Serving, tell: Callable[[str], None]) -> int:
    """
    Serve until a signal comes, or the journal fails.

    Args:
      tell: is told the address, once, when clients can connect.

    Returns:
      The exit code: `WRONG` if the journal failed.

    Raises:
      CannotRun, AtomicStoreError: it could not begin.
    """
    return trio.run(_serve, serving, tell)


async def _serve(serving: Serving, tell: Callable[[str], None]) -> int:
    has_begun = False
    with trio.CancelScope() as running:

        def stop(number: signal.Signals) -> None:
            note("stopping", signal=number.name)
            running.cancel()

        reload = None if serving.certificates is None else _reloading(serving.certificates)
        with on_signals(stop, reload):
            try:
                async with _opened_store(serving) as store, _opened_gateway(store, serving) as it:
                    _note_opened(store, serving.store)
                    tell(it.url)
                    has_begun = True
                    # What a validator prints is no address.
                    with contextlib.redirect_stdout(sys.stderr):
                        await trio.sleep_forever()
            except JournalFailed as error:
                if not has_begun:
                    raise
                # In the log, which nobody has to read for this to end.
                said = {"error": str(error)}
                logger.error("%s", error, extra={"event": "store_failed", "fields": said})
                return WRONG
    note("stopped")
    return DONE


@asynccontextmanager
async def _opened_store(serving: Serving) -> AsyncIterator[Store[Any]]:
    opening = open_store(
        serving.store, events=None, validation_timeout=serving.validation_timeout_s
    )
    async with contextlib.AsyncExitStack() as stack:
        try:
            store = await stack.enter_async_context(opening)
        except JournalCorrupt as error:
            # Not WRONG, as where damage is looked for: this one could not even begin.
            raise CannotRun(f"{error}; `atomic-store verify` finds all damage") from error
        yield store


@asynccontextmanager
async def _opened_gateway(store: Store[Any], serving: Serving) -> AsyncIterator[Gateway]:
    certificates = serving.certificates
    opening = open_gateway(
        store, serving.host, serving.port,
        validate=serving.validate,
        tokens=serving.tokens,
        ssl_context=None if certificates is None else certificates.context,
        origins=serving.origins,
        names=(*names_of(serving.host), *serving.names),
        allow_insecure=serving.allow_insecure,
    )  # fmt: skip
    async with contextlib.AsyncExitStack() as stack:
        try:
            gateway = await stack.enter_async_context(opening)
        except OSError as error:
            place = f"{serving.host}, port {serving.port}"
            raise CannotRun(f"cannot listen at {place}: {error.strerror or error}") from error
        yield gateway


def _note_opened(store: Store[Any], path: Path) -> None:
    found = store.recovery
    note(
        "opened", store=str(path), history=store.history, position=store.head.position,
        was_created=found.was_created, was_closed=found.was_closed, torn_bytes=found.torn_bytes,
    )  # fmt: skip


def _reloading(certificates: Certificates) -> Callable[[], None]:
    def reload() -> None:
        try:
            certificates.reload()
        except CannotRun as error:
            said = {"error": str(error)}
            logger.error("%s", error, extra={"event": "certificates_kept", "fields": said})
        else:
            note("certificates_reloaded")

    return reload
