"""Clients that propose in bytes of their own, and go by the protocol's words alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from random import Random
from typing import Any, Final

import attrs
import trio

from gateway_raw import Raw, message, request

from .bidders import ASK_AGAIN, SCOPES, data_of, new_proposal
from .rule import accepts, seen
from .serving import HEARTBEAT_S
from .told import Proposed, Told

OUTCOME_OPEN: Final = frozenset({"store_failed", "shutting_down", "internal", "superseded"})
SILENCE_S: Final = 2.5 * HEARTBEAT_S
WINDOW: Final = 4
LOST: Final = (OSError, trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError)


class GoneAway(Exception):
    """The connection has ended, or nothing is heard any more."""


@asynccontextmanager
async def dialled(port: int, name: str) -> AsyncIterator[Raw]:
    """
    Connect, and be welcome.

    Raises:
      GoneAway: it did not come about.
    """
    with trio.socket.socket() as end:
        try:
            with trio.fail_after(2 * SILENCE_S):
                await end.connect(("127.0.0.1", port))
                stream = trio.SocketStream(end)
                raw = Raw(stream, stream)
                await raw.send(request(port), message("hello", token=name))
                await raw.head()
                await raw.hear_type("welcome")
        except (*LOST, AssertionError) as error:
            # Where it ends, the raw client asserts that it should not have.
            raise GoneAway from error
        yield raw


async def heard_of(raw: Raw) -> dict[str, Any]:
    """
    The next message; when nothing comes for a while, a word is said, so as to be thought there.

    Raises:
      GoneAway: it has ended, or been silent for too long.
    """
    began = trio.current_time()
    try:
        while trio.current_time() - began < SILENCE_S:
            with trio.move_on_after(HEARTBEAT_S / 2):
                found = await raw.hear()
                if found is None:
                    raise GoneAway
                return found
            with trio.fail_after(SILENCE_S):
                await raw.say("ping")
    except LOST as error:
        raise GoneAway from error
    raise GoneAway


@attrs.define(eq=False)
class Open:
    """A proposal that was sent on this connection, and the past that was shown for it."""

    one: Proposed
    past: list[str]
    decides: bool


@attrs.define(eq=False)
class RawBidder:
    """
    One client that connects again and again, and sends again what is open.

    Args: as of `Bidder`.
    """

    name: str
    port: int
    told: Told
    random: Random
    over: trio.Event
    scopes: tuple[str, ...] = SCOPES
    _held: dict[str, list[str]] = attrs.Factory(lambda: defaultdict(list))
    """By scope, the ids of the past that it knows."""
    _waiting: list[Proposed] = attrs.Factory(list)
    """What was not answered on an earlier connection."""
    _open: dict[int, Open] = attrs.Factory(dict)
    _ids: Any = attrs.Factory(lambda: count(1))

    async def run(self) -> None:
        """Propose until it is over, and each has its end."""
        while not self.over.is_set() or self._waiting:
            try:
                async with dialled(self.port, self.name) as raw:
                    await self._converse(raw)
            except (GoneAway, *LOST):
                await trio.sleep(self.random.random() / 5)
            finally:
                self._waiting += [open_.one for open_ in self._open.values()]
                self._open.clear()

    async def _converse(self, raw: Raw) -> None:
        self._ids = count(1)
        while True:
            while len(self._open) < WINDOW and (one := self._next()) is not None:
                await self._propose(raw, one)
            if not self._open:
                return
            await self._take(raw, await heard_of(raw))
            if self.random.random() < 0.003:
                return

    def _next(self) -> Proposed | None:
        if self._waiting:
            return self._waiting.pop(0)
        if self.over.is_set():
            return None
        return new_proposal(self.told, self.name, self.random, self.scopes)

    async def _propose(self, raw: Raw, one: Proposed) -> None:
        one.sent += 1
        held = self._held[one.scope]
        decides = self.random.random() < 0.7 or one.sent > 5
        known = self.random.choice((0, len(held), len(held)))
        id_ = next(self._ids)
        self._open[id_] = Open(one, held[:known], decides)
        given: dict[str, Any] = {"known": known, "known_id": held[known - 1]} if known else {}
        if decides:
            given["decide"] = "self"
        await raw.say(
            "propose", id=id_, proposal_id=one.id, scope=one.scope,
            event={"type": "Bid", "data": data_of(one)}, **given,
        )  # fmt: skip

    async def _take(self, raw: Raw, heard: dict[str, Any]) -> None:
        id_, kind = heard.get("id"), heard["type"]
        if kind == "goodbye":
            raise GoneAway
        if id_ is None:
            return
        open_ = self._open.get(id_)
        if open_ is None:
            if heard.get("final") is not False:
                self.told.faults.append(f"{self.name}: {heard} behind the end of its request")
            return
        match kind:
            case "past":
                open_.past[heard["after"] :] = [record["id"] for record in heard["records"]]
                if len(open_.past) != heard["through"]:
                    self.told.faults.append(f"{open_.one}: shown a past with a gap")
            case "validate":
                await self._decide(raw, id_, open_, heard)
            case "result":
                del self._open[id_]
                self._note(open_.one, heard)
            case "error" if heard.get("final") is not False:
                del self._open[id_]
                self._refused(open_.one, heard["code"])

    async def _decide(self, raw: Raw, id_: int, open_: Open, heard: dict[str, Any]) -> None:
        if len(open_.past) != heard["sequence"]:
            self.told.faults.append(
                f"{open_.one}: asked at {heard['sequence']}, shown {len(open_.past)} events"
            )
        if len(open_.past) > len(self._held[open_.one.scope]):
            self._held[open_.one.scope] = list(open_.past)
        if self.random.random() < 0.01:
            return
        meta = seen(open_.past)
        is_accepted = accepts(open_.one.cents, meta["saw"])
        await raw.say("decide", id=id_, round=heard["round"], accept=is_accepted, meta=meta)

    def _note(self, one: Proposed, heard: dict[str, Any]) -> None:
        records = heard.get("records") or ()
        one.end(
            trio.current_time(), heard["outcome"], is_duplicate=heard.get("duplicate", False),
            places=[(record["position"], record["sequence"]) for record in records],
            meta=heard.get("meta"),
        )  # fmt: skip

    def _refused(self, one: Proposed, code: str) -> None:
        if code in OUTCOME_OPEN or code in ASK_AGAIN:
            # What has been taken over by a later request of ours is answered there.
            self._waiting.append(one)
        else:
            self.told.faults.append(f"{one}: refused with {code}")
            one.end(trio.current_time(), f"refused: {code}")
