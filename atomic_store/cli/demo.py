"""`atomic-store demo`: a small auction house at work on a store."""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import trio
from click.core import ParameterSource

from atomic_store import Store, open_store

from ..errors import shown
from .arguments import store_option
from .auction import LOT_STATE, Bid, LotEvent, propose_at_once
from .bids_file import read_bids
from .made_up import make_up
from .output import counted, flush, print_line, printable
from .progress import Progress, progress
from .tally import (
    Tally,
    agreement_line,
    count_line,
    feed_line,
    remark_lines,
    standing_lines,
    standing_of,
)
from .texts import help_option

if TYPE_CHECKING:
    from ..result import Result
    from .sale import Sale

FEED_LINES = 20
MADE_UP = ("seed", "lots", "bidders", "bids_per_bidder")
SERVED = ("host", "port", "pace", "insecure")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
ANY_ADDRESS = ("", "0.0.0.0", "::")


@click.command(add_help_option=False)
@store_option
@click.option(
    "--bids",
    "bids_path",
    type=click.Path(path_type=Path),
    metavar="FILE.csv",
    help="Replay the bids of this file instead of making some up.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Make up the bids of this number."
)
@click.option("--lots", type=click.IntRange(1, 10_000), default=5, show_default=True)
@click.option(
    "--bidders",
    type=click.IntRange(1, 10_000),
    default=12,
    show_default=True,
    help="How many bid, all at once.",
)
@click.option("--bids-per-bidder", type=click.IntRange(1, 10_000), default=8, show_default=True)
@click.option(
    "--serve", is_flag=True, help="Serve the auction as a page, on which people bid, too."
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Where to serve it: an address of this machine.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8080,
    show_default=True,
    help="On which port; 0 takes a free one.",
)
@click.option(
    "--pace",
    type=click.FloatRange(0, 3600),
    default=3.0,
    show_default=True,
    metavar="SECONDS",
    help="How long after a bid the next one comes; 0 leaves the bidding to the page.",
)
@click.option(
    "--insecure",
    is_flag=True,
    help="Let in whoever reaches an address that is not this machine's own.",
)
@help_option
@click.pass_context
def demo(
    context: click.Context,
    store: Path | None,
    bids_path: Path | None,
    seed: int,
    lots: int,
    bidders: int,
    bids_per_bidder: int,
    serve: bool,
    host: str,
    port: int,
    pace: float,
    insecure: bool,
) -> None:
    """
    Hold an auction: many bidders at once, each lot a scope, eBay's rule the validator.

    Every bid is accepted or refused in its turn and is durable before its bidder is
    told. Run it again on the same store, and everything accepted is a duplicate.

    With --serve it is a page, until Ctrl-C: bids come one after the other, and whoever
    opens the page bids along.
    """
    if not serve:
        _refuse(context, SERVED, "is for an auction that is served: expected it with --serve")
    if bids_path is None:
        sale = make_up(seed, lots=lots, bidders=bidders, bids_per_bidder=bids_per_bidder)
    else:
        _refuse(
            context, MADE_UP,
            "makes bids up, --bids takes them from a file: expected one of them",
        )  # fmt: skip
        sale = read_bids(bids_path)
    if store is None:
        store = Path(tempfile.mkdtemp(prefix="auction-")) / "auction.store"
    if serve:
        _serve(sale, store, host, port, pace, insecure)
    else:
        trio.run(_hold, sale, store)
        _print_next_steps(sale, store)


def _refuse(context: click.Context, names: Iterable[str], why: str) -> None:
    """Refuse options that were given, and would mean nothing."""
    for name in names:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"--{name.replace('_', '-')} {why}")


def _serve(sale: Sale, store: Path, host: str, port: int, pace_s: float, is_insecure: bool) -> None:
    if host in ANY_ADDRESS:
        raise click.UsageError(
            f"--host: expected the address by which browsers call it, found {shown(host)}"
        )
    if host not in LOOPBACK and not is_insecure:
        raise click.UsageError(
            f"--host {printable(host)} lets in whoever reaches it, unencrypted and without a "
            "token: expected --insecure, too"
        )
    try:
        # Only this one needs what serves it.
        from .live import Place, hold_live
    except ModuleNotFoundError as error:
        raise click.UsageError(
            f"--serve: expected the gateway's packages, found no {error.name}: "
            'pip install "trio-atomic-store[gateway]"'
        ) from None
    trio.run(hold_live, sale, store, Place(host, port, is_insecure), pace_s)


async def _hold(sale: Sale, path: Path) -> None:
    async with open_store(
        path, events=LotEvent, scope_of=lambda event: event.lot, state=LOT_STATE
    ) as store:
        _print_beginning(sale, path)
        tally, seconds = await _run(store, sale)
        # Read back, so that the prices are those of the records and not of the answers.
        lots = [await store.query_events(opening.event.lot) for opening in sale.openings]
    standings = [standing_of(record.event for record in lot) for lot in lots]
    for line in (count_line(tally, seconds), *remark_lines(tally), "", *standing_lines(standings)):
        print_line(line)
    if sale.recorded_cents:
        print_line()
        print_line(agreement_line(standings, sale.recorded_cents))


def _print_beginning(sale: Sale, path: Path) -> None:
    print_line(
        f"{counted(sale.bids, 'bid')} on {counted(len(sale.openings), 'lot')}, "
        f"{sale.at_once} at once."
    )
    print_line(f"The store is {path}")
    print_line()
    # Whatever happens from here on, people know where the store lies.
    flush()


async def _run(store: Store[LotEvent], sale: Sale) -> tuple[Tally, float]:
    tally = Tally()
    proposals = sale.bids + len(sale.openings)
    with progress("bidding") as bar:

        def tell(result: Result[LotEvent]) -> None:
            tally.count(result)
            _feed(result, tally, bar)
            bar(tally.total, proposals)

        begin = time.perf_counter()
        await propose_at_once(store, [[opening] for opening in sale.openings], tell)
        await propose_at_once(store, sale.queues, tell)
        seconds = time.perf_counter() - begin
    if tally.bids.total() > FEED_LINES:
        print_line(f"  … and {counted(tally.bids.total() - FEED_LINES, 'bid')} more")
    print_line()
    return tally, seconds


def _feed(result: Result[LotEvent], tally: Tally, bar: Progress) -> None:
    if isinstance(result.prospective_event, Bid) and tally.bids.total() <= FEED_LINES:
        bar.clear()
        print_line(feed_line(result))
        flush()


def _print_next_steps(sale: Sale, path: Path) -> None:
    store = shlex.quote(str(path))
    lot = shlex.quote(sale.openings[0].event.lot)
    print_line()
    print_line("Look at it:")
    print_line(f"  atomic-store scopes {store}")
    print_line(f"  atomic-store events {store} --scope={lot} --limit 10")
    print_line(f"  atomic-store verify {store}")
