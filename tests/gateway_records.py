"""Records that come to a gateway's subscribers."""

from __future__ import annotations

from trio.testing import wait_all_tasks_blocked

from atomic_store import JsonEvent
from gateway_talk import House, Talk


async def admit(here: House, *cents: int, scope: str = "lot/1", pad: int = 0) -> None:
    """Have bids admitted by the application itself."""
    for one in cents:
        event = JsonEvent("Bid", {"cents": one, "pad": "x" * pad})
        result = await here.store.store_if_valid(event, lambda r: r.accept(), scope=scope)
        assert result.was_accepted
    await wait_all_tasks_blocked()


def positions(talk: Talk, id_: int) -> list[int]:
    """The positions of the records that a subscription has given since."""
    found = []
    for message in talk.hear_all():
        if message["type"] == "records" and message["id"] == id_:
            found += [record["position"] for record in message["records"]]
    return found
