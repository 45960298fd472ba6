"""From where, under which names and by plain HTTP: who is served by a gateway at all."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from atomic_store import JournalFailed
from atomic_store.gateway import open_gateway
from gateway_guests import ADA, BEN, Guests, ada_and_ben, refused
from gateway_raw import Hosted, hosted, unharmed
from token_files import token


@pytest.fixture
def guests() -> Guests:
    """Ada and Ben."""
    return ada_and_ben()


@asynccontextmanager
async def on_a_port(**options: Any) -> AsyncIterator[Hosted]:
    """A gateway, with or without tokens."""
    async with hosted(**options) as host, unharmed(host, token=ADA):
        yield host


@pytest.mark.parametrize(
    ("headers", "is_served"),
    [
        ([], True),
        ([("Origin", "http://127.0.0.1:{port}")], True),
        ([("Origin", "http://localhost:{port}")], True),
        ([("Origin", "http://[::1]:{port}")], True),
        ([("Origin", "null")], False),
        ([("Origin", "")], False),
        ([("Origin", "https://evil.example")], False),
        ([("Origin", "http://127.0.0.1")], False),
        ([("Origin", "http://127.0.0.1:1")], False),
        ([("Origin", "http://127.0.0.1:{port}.evil.example")], False),
        ([("Origin", "http://evil.example:{port}")], False),
        ([("Origin", "http://127.0.0.1:{port}/")], False),
        ([("Origin", "http://127.0.0.1:{port}"), ("Origin", "http://127.0.0.1:{port}")], False),
        ([("Forwarded", "for=1.2.3.4")], False),
        ([("X-Forwarded-For", "1.2.3.4")], False),
        ([("x-forwarded-host", "127.0.0.1")], False),
        ([("Via", "1.1 proxy")], False),
    ],
)
async def test_origins(headers: list[tuple[str, str]], is_served: bool) -> None:
    """Pages of other places, and what was forwarded, are not served: 4403 for a WebSocket."""
    async with on_a_port() as host:
        sent = [(name, value.format(port=host.port)) for name, value in headers]
        assert (None if is_served else 4403) == await refused(host, headers=sent)
        status, _ = await host.get("/healthz", *sent)
        assert (200 if is_served else 403) == status


@pytest.mark.parametrize(
    ("name", "is_served"),
    [
        ("127.0.0.1:{port}", True),
        ("localhost:{port}", True),
        ("LOCALHOST:{port}", True),
        ("[::1]:{port}", True),
        ("localhost", False),
        ("127.0.0.1:1", False),
        ("evil.example:{port}", False),
        ("localhost.evil.example:{port}", False),
        ("127.0.0.1:{port}@evil.example", False),
        ("0.0.0.0:{port}", False),
    ],
)
async def test_hosts(name: str, is_served: bool) -> None:
    """A gateway is served under its own names alone, so that no name can be made to lead to it."""
    async with on_a_port() as host:
        code = await refused(host, host=name.format(port=host.port))
        assert (None if is_served else 4403) == code


async def test_other_addresses(guests: Guests) -> None:
    """Another address than the loopback's needs tokens and TLS, or somebody who wants it so."""
    context = ssl.create_default_context()
    refused_with: list[tuple[dict[str, Any], str]] = [
        ({}, "tokens"), ({"tokens": guests}, "ssl_context"), ({"ssl_context": context}, "tokens"),
    ]  # fmt: skip
    async with hosted() as host:
        for options, missing in refused_with:
            with pytest.raises(ValueError, match=f"found '0.0.0.0' and no {missing}"):
                open_gateway(host.store, "0.0.0.0", **options)
        open_gateway(host.store, "0.0.0.0", tokens=guests, ssl_context=context)
        open_gateway(host.store, "0.0.0.0", allow_insecure=True)


async def test_forwarded_with_tokens(guests: Guests) -> None:
    """Behind a proxy, a gateway goes by tokens."""
    async with on_a_port(tokens=guests) as host:
        sent = [("X-Forwarded-For", "1.2.3.4"), ("Via", "1.1 proxy")]
        assert await refused(host, headers=sent, token=ADA) is None


# --- without a WebSocket -------------------------------------------------------------------------


async def test_health() -> None:
    """Anybody may ask whether it is well."""
    async with on_a_port() as host:
        assert (200, b"ok\n") == await host.get("/healthz")
        assert (200, b"") == await host.get("/healthz", method="HEAD")
        assert 405 == (await host.get("/healthz", method="POST"))[0]
        assert 404 == (await host.get("/nothing"))[0]
        assert 426 == (await host.get("/"))[0]


async def test_health_of_a_failed_journal() -> None:
    """It is not well once its journal has failed, also before anybody else has noticed."""
    with pytest.raises(JournalFailed):
        async with hosted() as host:
            assert host.journal is not None
            host.journal.observe(lambda records: None, lambda failure: None)
            host.journal.fail()
            answer = await host.get("/healthz")

    assert (503, b"the journal has failed\n") == answer


async def test_figures(guests: Guests) -> None:
    """Figures are for whoever may operate all of it; on a loopback without tokens, for all."""
    async with on_a_port() as host:
        status, body = await host.get("/metrics")
        assert 200 == status
        assert b"atomic_store_gateway_connections" in body
    async with on_a_port(tokens=guests) as host:
        ada = ("Authorization", f"Bearer {ADA}")
        assert 200 == (await host.get("/metrics", ada))[0]
        for other in (ada[1] + "x", f"Bearer {token(3)}", "Bearer", "Basic x"):
            assert 401 == (await host.get("/metrics", ("Authorization", other)))[0]
        assert 401 == (await host.get("/metrics"))[0]
        assert 401 == (await host.get(f"/metrics?token={ADA}", ada))[0]
        assert 403 == (await host.get("/metrics", ("Authorization", f"Bearer {BEN}")))[0]
        assert ADA.encode() not in (await host.get("/metrics", ada))[1]
