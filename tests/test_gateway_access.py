"""Who may come in to a gateway, and what he may do there: over real sockets."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from atomic_store.gateway import Limits
from atomic_store.gateway.access import TokenFile
from atomic_store.gateway.access import token_file as token_file_module
from atomic_store.gateway.outbox import SEND_BYTES
from atomic_store.gateway.protocol.rights import Right
from gateway_ends import fill, stalled
from gateway_guests import ADA, BEN, IN_LOTS, Guests, ada_and_ben, refused
from gateway_raw import BID, Raw, hosted, message, request, unharmed, until
from token_files import NOW, entry, source, token


@pytest.fixture
def guests() -> Guests:
    """Ada and Ben."""
    return ada_and_ben()


@pytest.fixture(autouse=True)
def _no_token_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a test does, no token is in what anybody logged about it."""
    caplog.set_level(logging.DEBUG)
    yield
    for secret in (ADA, BEN):
        for record in caplog.records:
            assert secret not in f"{record.getMessage()} {record.__dict__}", record


# --- tokens ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"token": ADA},
        {"headers": [("Authorization", f"Bearer {ADA}")]},
        {"headers": [("authorization", f"bearer {ADA}")]},
        {"headers": [("Authorization", "Basic eDp5")], "token": ADA},
        {"subprotocols": f"atomic-store.v1, bearer.{ADA}"},
        {"subprotocols": f"bearer.{ADA}, atomic-store.v1"},
        {"subprotocols": f"bearer.{ADA}, atomic-store.v1", "token": ADA},
    ],
)
async def test_a_token(options: dict[str, Any], guests: Guests) -> None:
    """A token may come in a header, as a subprotocol or with hello; it is never sent back."""
    async with hosted(tokens=guests) as host, unharmed(host, token=ADA):
        said = {"token": options.pop("token")} if "token" in options else {}
        async with host.plug() as raw:
            await raw.send(request(host.port, **options))
            answer = (await raw.head()).lower()
            assert b"sec-websocket-protocol: atomic-store.v1\r\n" in answer
            assert b"bearer" not in answer
            await raw.say("hello", **said)
            assert "ada" == (await raw.hear_type("welcome"))["principal"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"token": token(3)},
        {"token": ADA[:-1]},
        {"token": ""},
        {"token": None},
        {"token": 7},
        {"headers": [("Authorization", "Bearer")]},
        {"headers": [("Authorization", f"Bearer {token(3)}")], "token": ADA},
        {"headers": [("Authorization", f"Bearer {ADA}"), ("Authorization", f"Bearer {BEN}")]},
        {"subprotocols": f"atomic-store.v1, bearer.{token(3)}"},
        {"subprotocols": f"atomic-store.v1, bearer.{ADA}, bearer.{BEN}"},
        {"target": f"/?token={ADA}", "token": ADA},
        {"target": f"/{ADA}", "token": ADA},
        {"target": f"/?access_token={BEN}", "token": ADA},
        {"target": "/?%74oken=x", "token": ADA},
    ],
)
async def test_no_token(options: dict[str, Any], guests: Guests) -> None:
    """Without a token that counts, with two of them, or with one in the address: 4401."""
    async with hosted(tokens=guests) as host, unharmed(host, token=ADA):
        assert 4401 == await refused(host, **options)


async def test_nothing_before_hello(guests: Guests) -> None:
    """Whoever has not said hello gets nothing done."""
    async with hosted(tokens=guests) as host, unharmed(host, token=ADA):
        async with host.open(headers=[("Authorization", f"Bearer {ADA}")]) as raw:
            await raw.say("query", id=1, all=True)
            assert [] == await raw.hear_all()
            assert 4401 == raw.close_code


async def test_an_invalid_hello_shows_no_token(guests: Guests) -> None:
    """A hello that is no JSON is not quoted in why it is closed."""
    async with hosted(tokens=guests) as host, unharmed(host, token=ADA):
        async with host.open() as raw:
            await raw.send(message("hello", token=ADA)[:-1] + b"\x00")
            assert 4400 == await raw.closed()
            assert ADA[:10] not in raw.close_reason


async def test_what_a_client_says_that_it_is(
    guests: Guests, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged: not at any length, not on several lines, and not if it is a token."""
    async with hosted(tokens=guests) as host, unharmed(host, token=ADA):
        async with host.open() as raw:
            await raw.say("hello", token=ADA, client=f"x\n\x1b[31m{BEN}" + "y" * 10_000)
            await raw.hear_type("welcome")
    (line,) = [r.getMessage() for r in caplog.records if r.getMessage().startswith("hello ")][:1]
    assert line.isprintable()
    assert len(line) < 400
    assert BEN not in line


async def test_connections_of_a_principal(guests: Guests) -> None:
    """One has so many connections, whatever the token; another one has as many."""
    guests.invite(token(3), "ada")
    async with hosted(tokens=guests, limits=Limits(connections_by_principal=2)) as host:
        async with unharmed(host, token=BEN), host.client(token=ADA) as first:
            async with host.client(token=token(3)):
                assert 4429 == await refused(host, token=ADA)
                assert await refused(host, token=BEN) is None
                first.reset()
                await until(lambda: 1 == host.gateway.connections)
                assert await refused(host, token=ADA) is None


# --- tokens that cease to count --------------------------------------------------------------


async def test_a_revoked_token(guests: Guests) -> None:
    """Whoever's token is revoked is closed with 4401 at once, in whatever he is doing."""
    async with hosted(tokens=guests) as host, unharmed(host, token=BEN):
        async with host.client(token=ADA) as raw, host.client(token=BEN) as other:
            await raw.say("propose", id=1, scope="lot/1", decide="self", event=BID)
            await raw.hear_type("validate")
            guests.revoke(ADA)
            assert 4401 == await raw.closed()
            assert 4401 == await refused(host, token=ADA)
            # What it would have decided is withdrawn.
            await other.say("propose", id=1, scope="lot/1", decide="self", event=BID)
            await other.hear_type("validate")


async def test_nothing_comes_after_it_was_revoked(guests: Guests) -> None:
    """Records that wait for whoever may not see them any more are dropped, and the close comes."""
    async with hosted(tokens=guests) as host, unharmed(host, token=BEN):
        await fill(host.store, 100, 100_000)
        async with host.client(token=ADA, buffer_bytes=4096) as raw:
            await raw.say("subscribe", id=1, all=True)
            await until(lambda: 0 < stalled(host))
            (connection,) = host.gateway._entrance.connections.values()
            on_its_way = connection.gate.bytes_sent + SEND_BYTES + Limits().message_bytes
            guests.revoke(ADA)
            heard = await raw.hear_all()
            assert 4401 == raw.close_code
            assert sum(len(one["records"]) for one in heard) <= on_its_way / 100_000 + 1


async def test_a_token_file_that_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that is taken from the file, or expires, counts no more within two looks at it."""
    monkeypatch.setattr(token_file_module, "POLL_S", 0.05)
    now = NOW
    soon = now + timedelta(seconds=1)
    file = source(entry(1), entry(2, "ben"), entry(3, "eve", expires=soon))
    tokens = TokenFile(tmp_path / "tokens", now=lambda: now, source=file)
    async with hosted(tokens=tokens) as host, unharmed(host, token=token(2)):
        async with AsyncExitStack() as stack:
            ada, ben, eve = [
                await stack.enter_async_context(host.client(token=token(n))) for n in (1, 2, 3)
            ]
            file.put(entry(2, "ben"), entry(3, "eve", expires=soon))
            assert 4401 == await ada.closed()
            now = soon
            assert 4401 == await eve.closed()
            await ben.say("ping")
            await ben.hear_type("pong")


async def test_other_rights(guests: Guests) -> None:
    """Rights that were taken away end what they were for, and nothing else."""
    async with hosted(tokens=guests) as host, unharmed(host, token=BEN):
        async with host.client(token=ADA) as raw:
            await raw.say("subscribe", id=1, all=True)
            await raw.say("subscribe", id=2, scope="lot/1")
            await raw.say("scopes", id=3, watch=True)
            await raw.say("stats", id=4, every_s=60)
            await raw.say("validate_for", id=5, prefix="")
            await raw.say("validate_for", id=6, prefix="lot/2")
            await raw.say("propose", id=7, scope="x", decide="self", event=BID)
            await raw.hear_type("validate")
            guests.invite(ADA, "ada", IN_LOTS)
            ended = [await raw.hear_type("error") for _ in range(5)]
            assert {1, 3, 4, 5, 7} == {one["id"] for one in ended}
            assert {"forbidden"} == {one["code"] for one in ended}
            await raw.say("query", id=8, all=True)
            assert "forbidden" == (await raw.hear_type("error"))["code"]
            await raw.say("propose", id=9, scope="lot/1", decide="self", event=BID)
            asked = await raw.hear_type("validate")
            await raw.say("decide", id=9, round=asked["round"], accept=True)
            assert 2 == (await raw.hear_type("records"))["id"]
            assert {} != host.store.live_scopes()
            assert not host.store.live_scopes()["x"].is_validating


# --- rights -------------------------------------------------------------------------------------


REQUESTS: list[tuple[Right, str, dict[str, Any]]] = [
    (Right.READ, "query", {"scope": "%s"}),
    (Right.READ, "query", {"prefix": "%s"}),
    (Right.READ, "subscribe", {"scope": "%s"}),
    (Right.READ, "subscribe", {"prefix": "%s"}),
    (Right.READ, "scopes", {"prefix": "%s"}),
    (Right.PROPOSE, "propose", {"scope": "%s", "event": BID}),
    (Right.DECIDE, "propose", {"scope": "%s", "event": BID, "decide": "self"}),
    (Right.VALIDATE, "validate_for", {"prefix": "%s"}),
    (Right.OPERATE, "end_round", {"scope": "%s", "round": "r-1"}),
]
EVERYTHING: list[tuple[Right, str, dict[str, Any]]] = [
    (Right.READ, "query", {"all": True}),
    (Right.READ, "subscribe", {"all": True}),
    (Right.READ, "scopes", {}),
    (Right.OPERATE, "stats", {}),
    (Right.OPERATE, "store", {}),
    (Right.OPERATE, "verify", {}),
]


async def is_forbidden(raw: Raw, type: str, members: dict[str, Any]) -> bool:  # noqa: A002 - as on the wire
    """Whether one may not do this."""
    await raw.ask(type, **members)
    await raw.say("ping")
    codes = []
    while (heard := await raw.hear_one())["type"] != "pong":
        codes.append(heard.get("code"))
    return "forbidden" in codes


@pytest.mark.parametrize(("right", "type", "members"), [*REQUESTS, *EVERYTHING])
async def test_rights(right: Right, type: str, members: dict[str, Any], guests: Guests) -> None:  # noqa: A002 - as on the wire
    """Each request needs its right, on a prefix of what it is about, and no other right."""

    def named(scope: str) -> dict[str, Any]:
        return {name: scope if value == "%s" else value for name, value in members.items()}

    needed = {right, Right.PROPOSE} if right is Right.DECIDE else {right}
    is_about_all = "%s" not in members.values()
    for only in (True, False):
        where = ("",) if is_about_all else ("lot/", "x")
        held = needed if only else set(Right) - {right}
        guests.invite(ADA, "ada", dict.fromkeys(held, where))
        async with hosted(tokens=guests) as host, host.client(token=ADA) as raw:
            for scope in ("lot/", "lot/1", "x", "xy"):
                assert (not only) == await is_forbidden(raw, type, named(scope)), scope
            if not is_about_all:
                for scope in ("lot", "Lot/1", "lots/1", "l", "ylot/", "\u0445"):
                    assert await is_forbidden(raw, type, named(scope)), scope
    if is_about_all:
        guests.invite(ADA, "ada", IN_LOTS)
        async with hosted(tokens=guests) as host, host.client(token=ADA) as raw:
            assert await is_forbidden(raw, type, members)
