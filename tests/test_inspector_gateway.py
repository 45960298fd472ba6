"""A gateway as a source: states, rights, operating, and lost connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from atomic_store import Decision, JsonEvent, Outcome, Store, StoreReplaced, ValidationRequest
from atomic_store.gateway import (
    ConnectionLost,
    GatewayClosed,
    GatewayError,
    Limits,
    Right,
    Verified,
    open_gateway,
)
from atomic_store.gateway.client.operating import verification_of
from gateway_guests import Guests
from inspector.model.scope_seen import State
from inspector.model.which import Which
from inspector.sources.errors import CannotDo, NotAPlace
from inspector.sources.gateway import (
    GATHER_S,
    MANY_RECORDS,
    GatewaySource,
    open_gateway_source,
)
from inspector.sources.opening import open_source
from inspector.sources.source import Feature, Health, Source
from inspector_sources import LOST, RECORDS, Heard, add, indexed, positions, spoil, written

OPERATOR = dict.fromkeys(Right, ("",))
GUEST = {Right.READ: ("lot/", "order/")}
"""May read some scopes, and no more."""


def guests() -> Guests:
    """Who may come in: ``ada`` may do all, ``eve`` reads a little, ``bob`` ends rounds of lots."""
    found = Guests()
    found.invite("ada", "ada", OPERATOR)
    found.invite("eve", "eve", GUEST)
    found.invite("bob", "bob", {Right.READ: ("",), Right.OPERATE: ("lot/",)})
    return found


@asynccontextmanager
async def gateway(tmp: Path, **options: Any) -> AsyncIterator[tuple[Store[Any], str]]:
    """A store behind a gateway, and its address."""
    async with written(tmp / "a.store") as store:
        await add(store, 0, RECORDS)
        async with open_gateway(store, **options) as opened:
            yield store, opened.url


async def hold(request: ValidationRequest[Any]) -> Decision:
    """Never decide."""
    await trio.sleep_forever()
    raise AssertionError("slept for ever")


# --- who one is -----------------------------------------------------------------------------------


async def test_what_a_token_may(tmp_path: Path) -> None:
    """What can be done depends on the rights; nobody is shown a token."""
    every = {Feature.STATES, Feature.END_ROUND, Feature.FIGURES, Feature.VERIFY}
    async with gateway(tmp_path, tokens=guests()) as (_, url):
        for token, features in {
            "ada": every, "bob": {Feature.STATES, Feature.END_ROUND}, "eve": {Feature.STATES}
        }.items():  # fmt: skip
            async with open_source(f"{url}/", token=token) as source:
                assert features == source.features
                assert Health(True, f"connected as {token}") == await source.health()
                assert f"{url}/" == source.place


@pytest.mark.parametrize("token", [None, "", "mallory", "\ud800"])
async def test_a_token_that_is_refused(tmp_path: Path, token: str | None) -> None:
    """It is told why, at opening."""
    async with gateway(tmp_path, tokens=guests()) as (_, url):
        with trio.fail_after(20), pytest.raises((GatewayClosed, NotAPlace)) as raised:
            async with open_source(url, token=token):
                pass
    assert "4401" in str(raised.value) or "token" in str(raised.value)


async def test_rights_on_some_scopes(tmp_path: Path) -> None:
    """What the token may read is read by prefix; the gateway refuses the rest, in its words."""
    async with gateway(tmp_path, tokens=guests()) as (_, url):
        async with open_source(url, token="ada") as source:
            every = await source.page(Which(), limit=1000)
        async with open_source(url, token="eve") as source, trio.open_nursery() as nursery:
            lots = [record for record in every if record.scope.startswith("lot/")]
            assert lots == await source.page(Which(prefix="lot/"), limit=1000)
            own = [record for record in every if not record.scope.startswith("ö")]
            assert own[-1].position == await source.position()
            assert await source.scope_end("lot/1") is not None
            heard, scopes = Heard(), Heard()
            nursery.start_soon(source.follow, heard.send, Which(prefix="lot/"), 0)
            nursery.start_soon(source.watch_scopes, scopes.send, "lot/")
            await heard.until(lambda: len(heard.records) == len(lots))
            await scopes.until(lambda: len(scopes.scopes) == 3)
            for call in (
                lambda: source.page(Which(), limit=1), lambda: source.page(Which("ö"), limit=1),
                lambda: source.scope_end("ö"), lambda: source.watch_scopes(scopes.send),
                lambda: source.follow(heard.send, Which(), 0), source.figures,
                lambda: source.end_round("lot/1", "r-1"), lambda: source.verify(print),
                lambda: source.search(heard.send, Which()),
                lambda: source.at_time("-2h", Which()), lambda: source.in_scope("ö", 1, 2),
            ):  # fmt: skip
                with trio.fail_after(10), pytest.raises(GatewayError, match="forbidden: expected"):
                    await call()
            nursery.cancel_scope.cancel()


# --- what happens now -----------------------------------------------------------------------------


async def test_states_and_rounds(tmp_path: Path) -> None:
    """It is seen who holds a round, since when, and who waits; and the round can be ended."""
    async with gateway(tmp_path) as (store, url), open_source(url) as source:
        async with trio.open_nursery() as nursery:
            results: list[Any] = []

            async def propose(validate: Any) -> None:
                event = JsonEvent("Even", {})
                results.append(await store.store_if_valid(event, validate, scope="lot/1"))

            heard = Heard()
            nursery.start_soon(source.watch_scopes, heard.send)
            await heard.until(lambda: len(heard.scopes) == 5)
            nursery.start_soon(propose, hold)
            await heard.until(lambda: heard.scopes["lot/1"].state is State.VALIDATING)
            nursery.start_soon(propose, lambda request: request.accept())
            await heard.until(lambda: heard.scopes["lot/1"].waiting == 1)
            seen = heard.scopes["lot/1"]
            assert seen.round is not None
            assert seen.round.token is not None
            assert seen.round.since_s is not None
            assert seen.round.deadline_s is not None
            assert 12 == seen.sequence
            shown = await source.scope_end("lot/1")
            assert shown is not None
            assert shown.round is not None
            assert seen.round.token == shown.round.token
            await source.end_round("lot/1", seen.round.token)
            await heard.until(lambda: heard.scopes["lot/1"].sequence == 13)
            await heard.until(lambda: heard.scopes["lot/1"].state is not State.VALIDATING)
            with pytest.raises(GatewayError):
                await source.end_round("lot/1", seen.round.token)
            nursery.cancel_scope.cancel()
    assert {Outcome.ACCEPTED, Outcome.WITHDRAWN} == {result.outcome for result in results}


async def test_rounds_of_others(tmp_path: Path) -> None:
    """Without the right, a round is seen, but not whose it is."""
    async with gateway(tmp_path, tokens=guests()) as (store, url):
        async with open_source(url, token="eve") as source, trio.open_nursery() as nursery:
            nursery.start_soon(
                lambda: store.store_if_valid(JsonEvent("Even", {}), hold, scope="lot/1")
            )
            heard = Heard()
            nursery.start_soon(source.watch_scopes, heard.send, "lot/")
            await heard.until(
                lambda: "lot/1" in heard.scopes and heard.scopes["lot/1"].state is State.VALIDATING
            )
            opened = heard.scopes["lot/1"].round
            assert opened is not None
            assert (None, None) == (opened.token, opened.principal)
            nursery.cancel_scope.cancel()


async def test_operating(tmp_path: Path) -> None:
    """Figures are there, damage is found where it is, and files are not here."""
    async with gateway(tmp_path) as (_, url), open_source(url) as source:
        figures = await source.figures()
        assert RECORDS == figures["position"]
        with pytest.raises(CannotDo, match="open its directory there"):
            await source.stock()
        await indexed(tmp_path / "a.store", LOST)
        name = spoil(tmp_path / "a.store", LOST).name
        found = await source.verify(lambda done, total: None)
        (damage,) = found.damage
        assert name == damage.path


def test_what_a_check_says() -> None:
    """A finding is shown as it was told, also where members are missing."""
    found = verification_of(
        Verified(id=1, checked_bytes=9, total_bytes=9, records=2, commit="c", damage=[{}])
    )
    assert (2, 9, "c", 1) == (found.records, found.bytes, found.head.commit, len(found.damage))


async def test_pages_of_a_gateway_are_small(tmp_path: Path) -> None:
    """However few records it gives at a time, all that was asked for comes."""
    async with gateway(tmp_path, limits=Limits(page_records=7)) as (_, url):
        async with open_source(url) as source:
            assert RECORDS == len(await source.page(Which(), limit=1000))
            assert 12 == len(await source.in_scope("lot/1", 1, 12))
            assert 10 == len(await source.in_scope("lot/1", 2, 11))


async def test_many_records_come_together(tmp_path: Path) -> None:
    """A quick writer's records are sent some at a time, not one by one."""
    async with gateway(tmp_path) as (store, url), open_source(url) as source:
        async with trio.open_nursery() as nursery:
            heard, began = Heard(), trio.current_time()
            nursery.start_soon(source.follow, heard.send, Which(), RECORDS)
            await heard.until(lambda: bool(heard.parts))
            async with trio.open_nursery() as writers:
                for n in range(40):
                    writers.start_soon(add, store, 1000 + 50 * n, 1050 + 50 * n)
            await heard.until(lambda: len(heard.records) >= 2_000)
            took = trio.current_time() - began
            nursery.cancel_scope.cancel()
    assert list(range(RECORDS + 1, RECORDS + 2_001)) == positions(heard.records)
    assert len(heard.parts) <= took / GATHER_S + 2_000 / MANY_RECORDS + 2


async def test_a_slow_looker(tmp_path: Path) -> None:
    """Whoever takes nothing for a while misses nothing, however much has come."""
    async with gateway(tmp_path) as (store, url), open_source(url) as source:
        async with trio.open_nursery() as nursery:
            heard, go = Heard(), trio.Event()

            async def send(part: Any) -> None:
                await heard.send(part)
                await go.wait()

            nursery.start_soon(source.follow, send, Which(), RECORDS)
            await heard.until(lambda: bool(heard.parts))
            for _ in range(40):
                await store.store_if_valid(
                    JsonEvent("Large", {"text": "x" * 200_000}),
                    lambda request: request.accept(),
                    scope="lot/1",
                )
            go.set()
            await heard.until(lambda: len(heard.records) >= 40)
            nursery.cancel_scope.cancel()
    assert list(range(RECORDS + 1, RECORDS + 41)) == positions(heard.records)


# --- lost connections -----------------------------------------------------------------------------


async def test_a_gateway_that_dies_and_comes_back(tmp_path: Path) -> None:
    """It is told that it is lost, and why; streams go on with the next one, without a gap."""
    async with written(tmp_path / "a.store") as store:
        await add(store, 0, RECORDS)
        async with trio.open_nursery() as nursery:
            heard, scopes = Heard(), Heard()
            async with open_gateway(store) as first:
                url, port = first.url, first.port
                source = await nursery.start(held, url)
                nursery.start_soon(source.follow, heard.send, Which(), 0)
                nursery.start_soon(source.watch_scopes, scopes.send)
                await heard.until(lambda: len(heard.records) == RECORDS)
                await scopes.until(lambda: len(scopes.scopes) == 5)
            await until_ill(source)
            health = await source.health()
            assert health.words.startswith("lost just now: ")
            assert {Feature.STATES, Feature.END_ROUND} <= source.features
            with trio.move_on_after(0.05) as scope:
                await source.position()
            assert scope.cancelled_caught
            await add(store, RECORDS, RECORDS + 5)
            async with open_gateway(store, port=port):
                await heard.until(lambda: len(heard.records) == RECORDS + 5)
                await scopes.until(lambda: {13} == {one.sequence for one in scopes.scopes.values()})
                assert Health(True, "connected as local") == await source.health()
                nursery.cancel_scope.cancel()
    assert list(range(1, RECORDS + 6)) == positions(heard.records)


async def held(url: str, task_status: trio.TaskStatus[GatewaySource]) -> None:
    """Hold a source open."""
    async with open_gateway_source(url) as source:
        task_status.started(source)
        await trio.sleep_forever()


async def until_ill(source: Source) -> None:
    """Wait until a lost connection is noticed."""
    with trio.fail_after(20):
        while (await source.health()).is_well:  # noqa: ASYNC110 - nobody tells
            await trio.sleep(0.005)


async def test_another_store_behind_the_gateway(tmp_path: Path) -> None:
    """Positions of the one mean nothing in the other: whoever follows is told."""
    async with written(tmp_path / "a.store") as one, written(tmp_path / "b.store") as other:
        await add(one, 0, 20)
        await add(other, 0, 5)
        async with trio.open_nursery() as nursery:
            ended: list[BaseException] = []
            heard = Heard()

            async def follow() -> None:
                try:
                    await source.follow(heard.send, Which(), 0)
                except StoreReplaced as error:
                    ended.append(error)

            async with open_gateway(one) as first:
                port = first.port
                source = await nursery.start(held, first.url)
                nursery.start_soon(follow)
                await heard.until(lambda: len(heard.records) == 20)
            async with open_gateway(other, port=port):
                with trio.fail_after(20):
                    assert 5 == await source.position()
                    while not ended:  # noqa: ASYNC110 - it tells its own task alone
                        await trio.sleep(0.005)
                nursery.cancel_scope.cancel()


async def test_a_token_that_is_taken_back(tmp_path: Path) -> None:
    """All calls say that the gateway wants no more of us."""
    visitors = guests()
    async with gateway(tmp_path, tokens=visitors) as (_, url):
        async with open_source(url, token="eve") as source:
            visitors.revoke("eve")
            await until_ill(source)
            health = await source.health()
            assert health.words.startswith("lost for good: ")
            with pytest.raises(GatewayClosed):
                await source.position()


async def test_nobody_answers() -> None:
    """A first connection that cannot be made is an error at once."""
    with trio.fail_after(20), pytest.raises(ConnectionLost, match="no connection"):
        async with open_gateway_source("ws://127.0.0.1:1"):
            pass
