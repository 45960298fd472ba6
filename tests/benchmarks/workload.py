"""The work that every contestant does: bids of 200 bytes, and a crowd that makes them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import attrs
import msgspec
import trio

DATA_BYTES = 200

T = TypeVar("T")


@attrs.frozen
class Bid:
    """An event whose JSON takes `DATA_BYTES` bytes."""

    lot: str
    bidder: str
    cents: int
    note: str


def bid(lot: str, bidder: int, cents: int) -> Bid:
    """A bid, padded by its note to `DATA_BYTES` bytes of JSON."""
    bare = Bid(lot, f"bidder-{bidder}", cents, "")
    return attrs.evolve(bare, note="n" * (DATA_BYTES - len(data_of(bare))))


def data_of(event: Bid) -> bytes:
    """A bid as JSON, for the peers, which store bytes."""
    return msgspec.json.encode(attrs.asdict(event))


def bids(lots: Sequence[str], each: int, first_cents: int = 1) -> list[list[Bid]]:
    """For every proposer its bids, ready-made; the k-th proposer bids in the k-th lot."""
    return [[bid(lot, k, first_cents + n) for n in range(each)] for k, lot in enumerate(lots)]


def one_lot(proposers: int) -> list[str]:
    """Everybody bids in the same lot."""
    return ["lot-1"] * proposers


def own_lots(proposers: int) -> list[str]:
    """Everybody bids in a lot of his own."""
    return [f"lot-{k}" for k in range(proposers)]


async def crowd(
    propose: Callable[[T], Awaitable[object]],
    warmup: Sequence[Iterable[T]],
    measured: Sequence[Iterable[T]],
) -> float:
    """
    Have one task a proposer propose its items, one after the other, each awaited.

    All warm up first; the clock starts when the last one is ready.

    Returns:
      The seconds from the start until the last one is done.
    """
    warming = len(measured)
    all_warm, start = trio.Event(), trio.Event()

    async def proposer(mine_to_warm: Iterable[T], mine: Iterable[T]) -> None:
        nonlocal warming
        for item in mine_to_warm:
            await propose(item)
        warming -= 1
        if not warming:
            all_warm.set()
        await start.wait()
        for item in mine:
            await propose(item)

    async with trio.open_nursery() as nursery:
        for mine_to_warm, mine in zip(warmup, measured, strict=True):
            nursery.start_soon(proposer, mine_to_warm, mine)
        await all_warm.wait()
        began = time.perf_counter()
        start.set()
    return time.perf_counter() - began
