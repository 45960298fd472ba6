"""
The auction as a page: whoever opens it bids, and the house decides.

The page, its script and its WebSocket come from one gateway. Made-up bidders bid beside the
visitors, one now and then; each of their bids keeps its id, so that a house that was killed
and is opened again on the same store goes on where it was.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from importlib.resources import files
from itertools import chain, zip_longest
from pathlib import Path
from typing import Final

import attrs
import trio

from atomic_store import Decision, Store, ValidationRequest, open_store

from ..gateway import Site, browser_client, open_gateway, static_file
from .auction import LOT_STATE, LotEvent, Opened, Proposal, dollars, judge, propose_at_once
from .output import flush, print_line
from .sale import Sale

PAGE: Final = "auction.html"
BESIDE_IT: Final = ("auction.css", "auction.js", "icon.svg", "lots.js")
CENTS_MAX: Final = 1_000_000_000_00
"""The highest bid from a page: JavaScript counts exactly up to there, and far beyond."""


@attrs.frozen
class Place:
    """Where the page is served."""

    host: str
    port: int
    """0 takes a free one."""
    is_insecure: bool
    """Others than this machine may come in, all of them, unencrypted."""


async def hold_live(sale: Sale, path: Path, place: Place, pace_s: float) -> None:
    """
    Serve the page until SIGTERM or Ctrl-C.

    Args:
      sale: lots to open, and bids that are made meanwhile.
      pace_s: how long after each of those the next one comes; 0 for none at all.

    Raises:
      KeyboardInterrupt: it was Ctrl-C, and everything is closed.
      AtomicStoreError: the store cannot be opened or written to.
      OSError: the address cannot be listened at.
    """
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with open_store(
            path, events=LotEvent, scope_of=lambda event: event.lot, state=LOT_STATE
        ) as store:
            await propose_at_once(store, [[one] for one in sale.openings], lambda result: None)
            async with open_gateway(
                store, place.host, place.port, validate=judge_visitor, site=site(),
                allow_insecure=place.is_insecure,
            ) as gateway:  # fmt: skip
                _print_beginning(path, "http" + gateway.url.removeprefix("ws"))
                async with trio.open_nursery() as nursery:
                    if pace_s > 0:
                        nursery.start_soon(_bid_now_and_then, store, sale, pace_s)
                    number = await anext(aiter(signals))
                    nursery.cancel_scope.cancel()
    if number == signal.SIGINT:
        raise KeyboardInterrupt


def judge_visitor(request: ValidationRequest[LotEvent]) -> Decision:
    """Decide what came over the page: bids, by the house's rule, and nothing else."""
    event = request.prospective_event
    if isinstance(event, Opened):
        return request.reject("only the house opens lots")
    if not event.bidder.strip():
        return request.reject("a bid needs a bidder's name")
    if event.max_cents > CENTS_MAX:
        return request.reject(f"no bid may exceed {dollars(CENTS_MAX)}")
    return judge(request)


def site() -> Site:
    """The page, and what it loads."""
    folder = files("atomic_store.cli") / "static"
    read = {name: static_file(name, (folder / name).read_bytes()) for name in (PAGE, *BESIDE_IT)}
    return Site(
        {
            "/": read[PAGE],
            **{f"/{name}": read[name] for name in BESIDE_IT},
            "/atomic-store.js": browser_client(),
        }
    )


def in_turn(queues: tuple[tuple[Proposal, ...], ...]) -> Iterator[Proposal]:
    """The first proposal of each queue, then the second of each, and so on."""
    return (one for one in chain.from_iterable(zip_longest(*queues)) if one is not None)


async def _bid_now_and_then(store: Store[LotEvent], sale: Sale, pace_s: float) -> None:
    for proposal in in_turn(sale.queues):
        result = await store.store_if_valid(proposal.event, judge, proposal_id=proposal.id)
        # What nobody sees takes no time: bids of an earlier run, and those that are refused.
        if result.was_accepted and not result.is_duplicate:
            await trio.sleep(pace_s)


def _print_beginning(path: Path, url: str) -> None:
    print_line(f"The store is {path}")
    print_line(f"The auction is at {url}")
    print_line("Open it in two windows and bid against yourself. Ctrl-C ends it.")
    # Whoever reads this waits for it.
    flush()
