"""What clients can do to a gateway over a socket: it goes on, and the others are served."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio
from trio_websocket import WebSocketConnection

from atomic_store.gateway.protocol.session import Session
from atomic_store.gateway.subscription import Topic
from gateway_ends import fill
from gateway_raw import BID, PONG, frame, hosted, message, request, unharmed


async def test_reset_behind_the_request() -> None:
    """A client that resets its connection while it is being accepted is no more than gone."""
    async with hosted() as host, unharmed(host):
        for _ in range(20):
            async with host.plug() as raw:
                await raw.send(request(host.port))
                raw.reset()


async def test_reset_behind_a_subscription() -> None:
    """A client that resets its connection later leaves nothing behind, either."""
    async with hosted() as host, unharmed(host):
        for _ in range(20):
            async with host.open() as raw:
                await raw.send(message("hello"), message("subscribe", id=1, all=True))
                raw.reset()


async def test_a_crash_of_the_library_below(monkeypatch: pytest.MonkeyPatch) -> None:
    """If trio-websocket crashes, that connection's offers and subscriptions end with it."""

    async def crash(self: WebSocketConnection, event: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(WebSocketConnection, "_handle_pong_event", crash)
    async with hosted() as host, unharmed(host), host.client() as healthy:
        async with host.client() as raw:
            await raw.say("validate_for", id=1, prefix="")
            await raw.say("subscribe", id=2, all=True)
            await raw.hear_type("caught_up")
            await raw.send(frame(PONG))
            assert await raw.closed() is None
        await healthy.say("propose", id=1, scope="lot/1", event=BID)
        assert "no_validator" == (await healthy.hear_one())["code"]
        assert 0 == host.gateway._services.following.subscribers


async def test_a_defect_of_the_gateway(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What goes wrong over a message is logged, and ends that connection alone, with 4500."""
    receive = Session.receive

    def broken(self: Session, text: str | bytes) -> Any:
        if "break" in str(text):
            raise RuntimeError("a defect")
        return receive(self, text)

    monkeypatch.setattr(Session, "receive", broken)
    async with hosted() as host, host.client() as healthy, unharmed(host):
        async with host.client() as raw:
            await raw.say("break")
            assert 4500 == await raw.closed()
        await healthy.say("ping")
        await healthy.hear_type("pong")
    assert ["a message failed"] == messages(caplog, logging.ERROR)


async def test_a_defect_in_a_task(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What goes wrong in a connection's own tasks ends it alone, and all that it had begun."""
    async with hosted() as host, host.client() as healthy, unharmed(host):
        with monkeypatch.context() as patch:
            now = trio.Event()

            async def broken(*_: object) -> None:
                await now.wait()
                raise RuntimeError("a defect")

            patch.setattr("atomic_store.gateway.connection.Connection._watch", broken)
            async with host.client() as raw:
                await raw.say("validate_for", id=1, prefix="")
                await raw.say("subscribe", id=2, all=True)
                await raw.hear_type("caught_up")
                now.set()
                assert await raw.closed() is None
        await healthy.say("propose", id=1, scope="lot/1", event=BID)
        assert "no_validator" == (await healthy.hear_one())["code"]
        assert 0 == host.gateway._services.following.subscribers
    assert ["a connection failed"] == messages(caplog, logging.ERROR)


async def test_a_defect_in_a_filter(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """If what some subscribers want cannot be told, they are told so, and the others go on."""
    matching = Topic.matching

    def broken(self: Topic, records: Any) -> Any:
        if self.wanted.where is not None:
            raise RuntimeError("a defect")
        return matching(self, records)

    async with hosted() as host, unharmed(host), host.client() as raw:
        await raw.say("subscribe", id=1, all=True, where="type = Big")
        await raw.hear_type("caught_up")
        await raw.say("subscribe", id=2, all=True)
        await raw.hear_type("caught_up")
        with monkeypatch.context() as patch:
            patch.setattr(Topic, "matching", broken)
            await fill(host.store, 1, 10)
            heard = [await raw.hear_one() for _ in range(2)]
        assert {("error", 1), ("records", 2)} == {(one["type"], one["id"]) for one in heard}
        assert {"internal"} == {one["code"] for one in heard if "code" in one}
    assert ["a topic failed", "a request failed"] == messages(caplog, logging.ERROR)


def messages(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """What was logged at a level."""
    return [record.getMessage() for record in caplog.records if record.levelno == level]
