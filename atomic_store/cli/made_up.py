"""Bids that nobody made: the same ones for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence

from .auction import Bid, LotEvent, Opened, Proposal
from .output import counted
from .sale import Sale, proposals_of

ITEMS = (
    "a brass sextant",
    "a box of old maps",
    "a cello",
    "a diving helmet",
    "an oak writing desk",
    "a pocket watch",
    "a steam engine's whistle",
    "a globe of the Moon",
)
OPENING_CENTS = (99, 5_00, 10_00, 25_00, 100_00)
NAMES = (
    "ada", "blaise", "carl", "dorothy", "emmy", "felix", "grace", "henri",
    "ida", "john", "kurt", "lise", "mary", "niels", "olga", "paul",
)  # fmt: skip


def make_up(seed: int, *, lots: int, bidders: int, bids_per_bidder: int) -> Sale:
    """Make up a sale: each bidder is a queue of bids on lots of the bidder's liking."""
    # Not for secrets: the same seed has to give the same sale.
    rng = random.Random(seed)
    opened = [_opened(rng, n) for n in range(lots)]
    liked = [(event, event.opening_cents * rng.uniform(2, 12)) for event in opened]
    openings: list[tuple[str, LotEvent]] = [(str(seed), event) for event in opened]
    queues = tuple(_queue(rng, seed, _name(n), liked, bids_per_bidder) for n in range(bidders))
    return Sale(proposals_of(openings), queues, at_once=counted(bidders, "bidder"))


def _opened(rng: random.Random, n: int) -> Opened:
    return Opened(f"lot-{n + 1}", ITEMS[n % len(ITEMS)], rng.choice(OPENING_CENTS))


def _name(n: int) -> str:
    name = NAMES[n % len(NAMES)]
    return name if n < len(NAMES) else f"{name}-{n // len(NAMES) + 1}"


def _queue(
    rng: random.Random, seed: int, bidder: str, liked: Sequence[tuple[Opened, float]], bids: int
) -> tuple[Proposal, ...]:
    made: list[tuple[str, LotEvent]] = []
    for n in range(bids):
        opened, worth_cents = rng.choice(liked)
        # From about the opening bid to what the lot is worth to this bidder.
        low_cents = 0.9 * opened.opening_cents
        share = (n + rng.random()) / bids * rng.uniform(0.6, 1.2)
        cents = max(1, int(low_cents + (worth_cents - low_cents) * share))
        made.append((str(seed), Bid(opened.lot, bidder, cents)))
    return proposals_of(made)
