"""Files of bids: a sale with a proposal for each line, or an error that says where."""

from __future__ import annotations

import re

from atomic_store.cli.bids_file import BadBids, parse_bids

PLACE = re.compile(r"bids\.csv:[1-9]\d*: ")


def fuzz(data: bytes) -> None:
    """Read some bytes as a file of bids."""
    try:
        sale = parse_bids(data, "bids.csv")
    except BadBids as error:
        look_at_error(error)
        return
    bids = [proposal for queue in sale.queues for proposal in queue]
    assert 1 <= len(bids) <= data.count(b"\n") + data.count(b"\r") + 1
    assert len(sale.queues) == len(sale.openings) == len(sale.recorded_cents or ())
    ids = [proposal.id for proposal in bids]
    assert len(ids) == len(set(ids))


def look_at_error(error: BadBids) -> None:
    """An error names a line, and can be shown."""
    assert PLACE.match(str(error)), error
    assert all(c.isprintable() for c in str(error)), error
