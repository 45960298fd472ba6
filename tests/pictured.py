"""A store that is the same to the last byte, and pictures that are."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from textual.app import App
from textual.pilot import Pilot

from atomic_store import open_store
from atomic_store.cli.auction import LOT_STATE, LotEvent, judge
from atomic_store.cli.bids_file import read_bids
from atomic_store.cli.sale import Sale
from atomic_store.journal.file import open_file_journal
from command_line import REAL_BIDS, ROOT
from inspector_app import text_of, until

UPDATES: Final = "UPDATE_PICTURES"
"""Set in the environment, it has pictures written anew."""
NAME: Final = "auction.store"
LOTS: Final = 30
"""So many of the real lots are in the store."""
LOT: Final = "8213060420"
"""The one that is looked at."""
OPENED: Final = datetime(2026, 11, 16, 9, tzinfo=UTC)
NOW: Final = datetime(2026, 11, 23, 15, 4, 5, tzinfo=UTC)

_FONT = re.compile(r"\s*@font-face \{[^}]*\}")


class Still(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: Any = None) -> Still:
        """Give the moment of all pictures."""
        return cls.fromtimestamp(NOW.timestamp(), tz)


async def hold(path: Path) -> None:
    """Hold the auction bid after bid, at the times of the real one."""
    sale = read_bids(REAL_BIDS)
    chosen = _chosen(sale)
    now = OPENED
    async with (
        open_file_journal(path, clock=lambda: now) as journal,
        open_store(
            journal, events=LotEvent, scope_of=lambda event: event.lot, state=LOT_STATE
        ) as store,
    ):
        for at, proposal in chosen:
            now = at
            await store.store_if_valid(proposal.event, judge, proposal_id=proposal.id)


def _chosen(sale: Sale) -> list[tuple[datetime, Any]]:
    """Some lots' events, each with its time."""
    queues = {queue[0].event.lot: queue for queue in sale.queues if queue}
    lots = [LOT, *[lot for lot in queues if lot != LOT][: LOTS - 1]]
    found = []
    for number, lot in enumerate(lots):
        opening = next(one for one in sale.openings if one.event.lot == lot)
        opened = OPENED + timedelta(minutes=7 * number)
        queue = [opening, *queues[lot]]
        step = (NOW - timedelta(minutes=3 * number + 2) - opened) / len(queue)
        found += [(opened + step * n, proposal) for n, proposal in enumerate(queue)]
    return sorted(found, key=lambda one: one[0])


async def check_picture(app: App[Any], pilot: Pilot[None], path: str) -> None:
    """
    Wait until the screen looks as in a picture, byte by byte; or write that, if asked to.

    Args:
      path: from the root.
    """
    file = ROOT / path
    if os.environ.get(UPDATES):
        # Whatever still comes, has come by then.
        await pilot.pause(1.0)
        file.parent.mkdir(exist_ok=True)
        file.write_text(drawn(app), "utf-8")
        return
    expected = file.read_text("utf-8")
    try:
        await until(lambda: drawn(app) == expected, pilot)
    except TimeoutError:
        complaint = f"{path} differs; {UPDATES}=1 writes it anew, if this is right:"
        raise AssertionError(f"{complaint}\n{text_of(app)}") from None  # type: ignore[arg-type]


def drawn(app: App[Any]) -> str:
    """Draw what is on the screen."""
    # Whoever looks at a picture should not have to ask somebody for a font.
    return _FONT.sub("", app.export_screenshot(title=app.title)) + "\n"
