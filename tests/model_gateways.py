"""A gateway of few words that keeps the protocol's promises, and whose connections do not last."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import final

import attrs
import msgspec
import trio
import trio_websocket

from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol import server_messages as said
from conversations import validate, wire
from fake_gateways import FakeGateway, Peer


class Cut(Exception):
    """The connection was cut."""


@final
@attrs.define(eq=False)
class ModelGateway:
    """
    One scope whose proposals are decided by their proposers, and subscriptions to it.

    Each connection is cut after a number of messages that chance tells, in whichever
    direction, before or behind the message; after `cuts_max` of them, no more.
    """

    gateway: FakeGateway
    chance: random.Random
    cuts_max: int
    records: list[said.WireRecord] = attrs.Factory(list)
    cuts: int = 0
    rounds: int = 0
    admitting: trio.Lock = attrs.Factory(trio.Lock)
    news: trio.Event = attrs.Factory(trio.Event)

    async def serve(self) -> None:
        """Serve one connection after the other."""
        while True:
            peer = await self.gateway.accept()
            left = self.chance.randint(2, 25) if self.cuts < self.cuts_max else None
            with suppress(Cut, trio_websocket.ConnectionClosed):
                await _Visit(self, peer, left).serve()

    def admit(self, propose: asked.Propose) -> said.WireRecord:
        """Store an event."""
        position = len(self.records) + 1
        data = msgspec.Raw(msgspec.json.encode(propose.event.data))
        record: said.WireRecord = wire(position, id=propose.proposal_id, data=data)
        self.records.append(record)
        self.news.set()
        self.news = trio.Event()
        return record

    def admitted(self, proposal_id: str | None) -> said.WireRecord | None:
        """The record of a proposal."""
        return next((one for one in self.records if one.id == proposal_id), None)


@final
@attrs.define(eq=False)
class _Visit:
    """One connection."""

    model: ModelGateway
    peer: Peer
    left: int | None
    decisions: dict[str, trio.MemorySendChannel[asked.Decide | None]] = attrs.Factory(dict)
    rounds: dict[int, str] = attrs.Factory(dict)

    async def serve(self) -> None:
        try:
            async with trio.open_nursery() as nursery:
                await self.peer.greet()
                while True:
                    await self.take(await self.hear(), nursery)
        except* (Cut, trio_websocket.ConnectionClosed):
            pass

    async def take(self, message: asked.ClientMessage, nursery: trio.Nursery) -> None:
        match message:
            case asked.Propose():
                nursery.start_soon(self.propose, message)
            case asked.Subscribe():
                nursery.start_soon(self.publish, message)
            case asked.Decide():
                if message.round in self.decisions:
                    self.decisions[message.round].send_nowait(message)
            case asked.Withdraw():
                round_ = self.rounds.get(message.id, "")
                if round_ in self.decisions:
                    self.decisions[round_].send_nowait(None)
            case _:
                raise AssertionError(message)

    async def hear(self) -> asked.ClientMessage:
        await self.count()
        message = await self.peer.hear_any()
        await self.count()
        return message

    async def say(self, message: said.ServerMessage) -> None:
        await self.count()
        await self.peer.say(message)

    async def count(self) -> None:
        """Cut the connection, if it is time."""
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                self.model.cuts += 1
                await self.peer.cut()
                raise Cut

    async def propose(self, message: asked.Propose) -> None:
        async with self.model.admitting:
            before = self.model.admitted(message.proposal_id)
            if before is not None:
                await self.say(result(message.id, before, duplicate=True))
                return
            known = message.known
            if known and self.model.records[known - 1].id != message.known_id:
                known = 0
            for start in range(known, len(self.model.records), 3):
                page = self.model.records[start : start + 3]
                await self.say(
                    said.Past(id=message.id, after=start, records=page, through=start + len(page))
                )
            await self.decide(message)

    async def decide(self, message: asked.Propose) -> None:
        self.model.rounds += 1
        round_ = f"r-{self.model.rounds}"
        send, receive = trio.open_memory_channel[asked.Decide | None](2)
        self.decisions[round_], self.rounds[message.id] = send, round_
        await self.say(validate(message.id, round_, len(self.model.records)))
        decision = await receive.receive()
        if decision is None or decision.accept is False:
            outcome = "withdrawn" if decision is None else "rejected"
            await self.say(said.Result(id=message.id, accepted=False, outcome=outcome))
        else:
            # Admitted before it is told: the connection may be cut in between.
            await self.say(result(message.id, self.model.admit(message)))

    async def publish(self, message: asked.Subscribe) -> None:
        assert isinstance(message.after, int)
        position = message.after
        while True:
            page = self.model.records[position : position + self.model.chance.randint(1, 4)]
            if page:
                position += len(page)
                await self.say(said.Records(id=message.id, records=page))
            else:
                news = self.model.news
                await self.say(said.CaughtUp(id=message.id, position=position))
                await news.wait()


def result(id_: int, record: said.WireRecord, *, duplicate: bool = False) -> said.Result:
    """An admitted proposal's result."""
    return said.Result(
        id=id_, accepted=True, outcome="accepted", records=[record], duplicate=duplicate
    )
