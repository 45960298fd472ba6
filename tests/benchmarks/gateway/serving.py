"""`python -m tests.benchmarks.gateway.serving`: a durable store and its gateway."""

from __future__ import annotations

import gc
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

import trio

from atomic_store import Decision, JsonEvent, Store, ValidationRequest, open_store
from atomic_store.gateway import Limits, open_gateway
from atomic_store.journal import StoredRecord
from atomic_store.journal.file import FileJournal, open_file_journal
from atomic_store.journal.memory import MemoryJournal, open_memory_journal

from ..alone import status_mb
from .processes import say, settle, told
from .readers import MARK

LIMITS: Final = Limits(connections_by_principal=20_000)
"""All clients here are one principal. Else what a gateway has if nothing is said."""
NOTE: Final = "n" * 69 + MARK
"""What makes a record 250 bytes long on the wire, within a few digits."""
LINE: Final = b'{"cents":1000,"note":"%b"}' % NOTE.encode("ascii")
"""An event's data as it is stored."""
PROPOSERS: Final = 8
"""How many tasks propose at the same time where records come many at once."""

AnyJournal = FileJournal | MemoryJournal
Bid = JsonEvent


def bid(number: int) -> Bid:
    """An event."""
    return JsonEvent("Bid", {"cents": number, "note": NOTE})


def accept(request: ValidationRequest[Bid]) -> Decision:
    """Accept at once."""
    return request.accept()


def accept_many(count: int) -> Callable[[ValidationRequest[Bid]], Decision]:
    """Have so many events in the place of one."""
    events = [bid(number) for number in range(count)]
    return lambda request: request.accept(events=events)


async def make(store: Store[Bid], records: int, at_once: int) -> dict[str, Any]:
    """
    Have so many records admitted, as fast as it goes.

    Args:
      at_once: by how many a commit is larger for each decision in it; 1: each record is a
        commit, and waits for the one before.

    Returns:
      When that began.
    """
    began = time.monotonic()
    proposers = 1 if at_once == 1 else PROPOSERS
    left = records
    validate = accept if at_once == 1 else accept_many(at_once)

    async def propose(scope: str) -> None:
        nonlocal left
        while left > 0:
            left -= at_once
            await store.store_if_valid(bid(left), validate, scope=scope)

    async with trio.open_nursery() as nursery:
        for number in range(proposers):
            nursery.start_soon(propose, f"lot/{number}")
    return {"began": began}


async def pace(store: Store[Bid], journal: AnyJournal, records: int, rate: float) -> dict[str, Any]:
    """
    Have so many records admitted, so many a second, each by a proposer of its own.

    Returns:
      When each was known to be durable in this process, in their order.
    """
    durable_at: list[float] = []
    publish = journal._on_commit

    def noted(published: Sequence[StoredRecord]) -> None:
        durable_at.extend([time.time()] * len(published))
        publish(published)

    async def propose(number: int) -> None:
        await store.store_if_valid(bid(number), accept, scope=f"lot/{number % 50}")

    journal._on_commit = noted
    async with trio.open_nursery() as nursery:
        began = trio.current_time()
        for number in range(records):
            await trio.sleep_until(began + number / rate)
            nursery.start_soon(propose, number)
    journal._on_commit = publish
    return {"durable_at": durable_at}


async def fill(store: Store[Bid], scope: str, records: int) -> dict[str, Any]:
    """Have a scope grow by so many records, with few decisions."""
    while records:
        count = min(records, 10_000)
        await store.store_if_valid(bid(0), accept_many(count), scope=scope)
        records -= count
    return {}


def size() -> dict[str, Any]:
    """How large this process is, without what is in files, in bytes."""
    gc.collect()
    return {"bytes": status_mb("RssAnon") * 1024**2}


async def obey(store: Store[Bid], journal: AnyJournal) -> None:
    """Do what is told, until nothing is told any more."""
    while (command := await trio.to_thread.run_sync(told, abandon_on_cancel=True)) is not None:
        match command.pop("do"):
            case "make":
                say(**await make(store, **command))
            case "pace":
                say(**await pace(store, journal, **command))
            case "fill":
                say(**await fill(store, **command))
            case "size":
                say(**size())


def _journal(directory: str | None) -> AbstractAsyncContextManager[AnyJournal]:
    if directory is None:
        return open_memory_journal()
    return open_file_journal(Path(directory) / "bids.store")


async def serve(directory: str | None, certificate: str | None) -> None:
    """
    Serve until nothing is told any more.

    Args:
      directory: where the store is made; None: in memory.
      certificate: a file with a certificate and its key; None: no TLS.
    """
    tls = None
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
    async with (
        _journal(directory) as journal,
        open_store(journal, events=None) as store,
        open_gateway(store, limits=LIMITS, ssl_context=tls) as gateway,
    ):
        say(port=gateway.port)
        await obey(store, journal)


if __name__ == "__main__":
    trio.run(serve, *settle(is_server=True))
