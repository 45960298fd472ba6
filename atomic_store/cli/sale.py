"""What the demo proposes, wherever it comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from uuid import UUID, uuid5

import attrs
import msgspec

from .auction import LotEvent, Proposal

# Fixed for ever: ids made from it are in people's stores.
NAMESPACE = UUID("6f1c2f5e-0a51-5c0b-9d4b-7f3f0a3f6f0e")


@attrs.frozen
class Sale:
    """Lots to open, and then the bids on them."""

    openings: tuple[Proposal, ...]
    queues: tuple[tuple[Proposal, ...], ...]
    """Each is proposed one bid after the other, all queues at once."""
    at_once: str
    """What the queues are, for people."""
    recorded_cents: Mapping[str, int] = attrs.Factory(dict)
    """The price at which a lot is known to have ended."""

    @property
    def bids(self) -> int:
        """How many bids there are."""
        return sum(map(len, self.queues))


def proposals_of(events: Iterable[tuple[str, LotEvent]]) -> tuple[Proposal, ...]:
    """
    Give each event an id that is the same in every run, so that none is admitted twice.

    Args:
      events: each with a text that tells it from others of the same values. Equal ones
        still get different ids, by their order.
    """
    seen: Counter[str] = Counter()
    proposals: list[Proposal] = []
    for origin, event in events:
        name = msgspec.json.encode([origin, type(event).__name__, *attrs.astuple(event)]).decode()
        proposals.append(Proposal(uuid5(NAMESPACE, f"{name} {seen[name]}"), event))
        seen[name] += 1
    return tuple(proposals)
